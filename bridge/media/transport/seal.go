package transport

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/binary"
	"slices"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"

	"github.com/pion/rtcp"
	pion "github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// How many packets in a row must come from behind before a source is taken to
// have begun anew: far behind, where nothing else explains the second; and
// within the window, where a burst may have been doubled on its way.
const (
	runFar  = 2
	runNear = 16
)

// A Sealer seals what goes to one peer with one key. It belongs to one
// goroutine.
type Sealer struct {
	suite    media.Suite
	key      []byte
	rtp      *srtp.Context
	control  *srtp.Context
	sources  table
	controls table
	header   pion.Header // used again for every packet
	first    rtcp.Header
	renamed  int // how many sources had to become others
}

// NewSealer is for packets of that suite. key is the master key with the master
// salt behind it. No two Sealers may ever have the same key: use Matches. The
// error is ErrSuite.
func NewSealer(s media.Suite, key []byte) (*Sealer, error) {
	r, c, _, err := newContexts(s, key)
	if err != nil {
		return nil, err
	}
	return &Sealer{suite: s, key: slices.Clone(key), rtp: r, control: c}, nil
}

// Matches reports whether s is for that suite and key. It must be kept then: a
// new one would use the keystream again.
func (s *Sealer) Matches(suite media.Suite, key []byte) bool {
	return s.suite == suite && subtle.ConstantTimeCompare(s.key, key) == 1
}

// Renamed is how many sources have begun anew and were sealed as others
// since: their packets do not pass untouched any more.
func (s *Sealer) Renamed() int { return s.renamed }

// Seal seals the packet b[:n] in place and returns how long it is then. b has
// room for n+Overhead bytes. What can't be sealed may be garbage afterwards. The errors
// are ErrMalformed, ErrRepeat, ErrSources and ErrRoom.
func (s *Sealer) Seal(b []byte, n int, control bool) (int, error) {
	if n < 0 || n+Overhead > len(b) {
		return 0, ErrRoom
	}
	if control {
		return s.sealControl(b, n)
	}
	h, ok := rtp.ParseSealed(b[:n])
	if !ok {
		return 0, ErrMalformed
	}
	out, index, err := s.admit(h)
	if err != nil {
		return 0, err
	}
	if out != h.SSRC {
		rtp.SetSSRC(b, out)
	}
	// The library shall not guess the round for itself.
	s.rtp.SetROC(out, uint32(index>>16))
	sealed, err := s.rtp.EncryptRTP(b[:0], b[:n], &s.header)
	if err != nil {
		return 0, ErrMalformed
	}
	return len(sealed), nil
}

// admit finds under which name and index a packet is sealed, and makes sure
// that nothing has been sealed under them before.
func (s *Sealer) admit(h rtp.Header) (out uint32, index uint64, err error) {
	src := s.sources.find(h.SSRC)
	if src == nil {
		if s.crowded() {
			return 0, 0, ErrSources
		}
		out := h.SSRC
		if _, used := s.rtp.ROC(out); used {
			out = s.unused()
			s.renamed++
		}
		s.sources.add(h.SSRC, out, uint64(h.Sequence))
		return out, uint64(h.Sequence), nil
	}
	index, ok := src.estimate(h.Sequence)
	switch {
	case !ok || src.old(index):
		if src.follows(h.Sequence) < runFar {
			return 0, 0, ErrRepeat
		}
	case src.seen(index):
		if src.follows(h.Sequence) < runNear {
			return 0, 0, ErrRepeat
		}
	default:
		if index > src.highest {
			src.run = 0
		}
		src.mark(index)
		return src.out, index, nil
	}
	if s.crowded() {
		return 0, 0, ErrSources
	}
	src.out = s.unused()
	src.begin(uint64(h.Sequence))
	s.renamed++
	return src.out, src.highest, nil
}

// crowded reports whether the key has as many sources as it may.
func (s *Sealer) crowded() bool { return s.sources.names()+s.renamed >= maxNames }

// unused is a source that has not been sealed under this key.
func (s *Sealer) unused() uint32 {
	for {
		var b [4]byte
		_, _ = rand.Read(b[:])
		ssrc := binary.BigEndian.Uint32(b[:])
		if _, used := s.rtp.ROC(ssrc); !used && s.sources.find(ssrc) == nil {
			return ssrc
		}
	}
}

// sealControl is Seal for RTCP. Its indices are counted by the library, so that
// a repeat is no danger.
func (s *Sealer) sealControl(b []byte, n int) (int, error) {
	if n < 8 {
		return 0, ErrMalformed
	}
	for i := range s.sources.list {
		if src := &s.sources.list[i]; src.out != src.ssrc {
			rtp.Rename(b[:n], src.ssrc, src.out)
		}
	}
	ssrc := rtp.ControlSSRC(b)
	if s.controls.find(ssrc) == nil {
		if s.controls.full() {
			return 0, ErrSources
		}
		s.controls.add(ssrc, ssrc, 0)
	}
	sealed, err := s.control.EncryptRTCP(b[:0], b[:n], &s.first)
	if err != nil {
		return 0, ErrMalformed
	}
	return len(sealed), nil
}

// Restore gives the sources in an RTCP compound that has come from the peer, who
// knows them as they were sealed, the names that they have on the other side.
func (s *Sealer) Restore(b []byte) {
	for i := range s.sources.list {
		if src := &s.sources.list[i]; src.out != src.ssrc {
			rtp.Rename(b, src.out, src.ssrc)
		}
	}
}
