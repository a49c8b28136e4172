package transport

import (
	"crypto/subtle"
	"encoding/binary"
	"errors"
	"slices"

	"gateway/bridge/media"
	"gateway/bridge/media/rtp"

	"github.com/pion/rtcp"
	pion "github.com/pion/rtp"
	"github.com/pion/srtp/v3"
)

// Why a packet can't be opened or sealed.
var (
	ErrMalformed = errors.New("no packet that could be sealed")
	ErrRepeat    = errors.New("seen before, or too old to know")
	ErrAuth      = errors.New("the seal is broken")
	ErrSources   = errors.New("too many sources for one key")
	ErrRoom      = errors.New("no room for the seal behind the packet")
)

// Reason says under which heading a packet is counted that Open or Seal
// refused.
func Reason(err error) media.Drop {
	switch {
	case errors.Is(err, ErrRepeat):
		return media.DropRepeat
	case errors.Is(err, ErrAuth):
		return media.DropAuth
	case errors.Is(err, ErrSources):
		return media.DropSource
	default:
		return media.DropMalformed
	}
}

// An Opener opens what one peer has sealed with one key. It belongs to one
// goroutine.
type Opener struct {
	suite    media.Suite
	key      []byte
	rtp      *srtp.Context
	control  *srtp.Context
	profile  profile
	sources  table
	controls table
	header   pion.Header // used again for every packet
	first    rtcp.Header
}

// NewOpener is for packets of that suite. key is the master key with the master
// salt behind it. The error is ErrSuite.
func NewOpener(s media.Suite, key []byte) (*Opener, error) {
	r, c, p, err := newContexts(s, key)
	if err != nil {
		return nil, err
	}
	return &Opener{suite: s, key: slices.Clone(key), rtp: r, control: c, profile: p}, nil
}

// Matches reports whether o is for that suite and key. It is to be kept then:
// what it has seen is what protects from repeats.
func (o *Opener) Matches(s media.Suite, key []byte) bool {
	return o.suite == s && subtle.ConstantTimeCompare(o.key, key) == 1
}

// Open opens the packet b in place and returns how long it is then. What can't
// be opened is garbage afterwards. Nothing is remembered of a source until
// a packet of it was genuine. The errors are ErrMalformed, ErrRepeat, ErrAuth
// and ErrSources.
func (o *Opener) Open(b []byte, control bool) (int, error) {
	if control {
		return o.openControl(b)
	}
	h, ok := rtp.ParseSealed(b)
	if !ok || len(b) < h.Size+o.profile.tag {
		return 0, ErrMalformed
	}
	index := uint64(h.Sequence)
	s := o.sources.find(h.SSRC)
	switch {
	case s != nil:
		var ok bool
		if index, ok = s.estimate(h.Sequence); !ok || s.old(index) || s.seen(index) {
			return 0, ErrRepeat
		}
		// The library shall not guess the round for itself.
		o.rtp.SetROC(h.SSRC, uint32(index>>16))
	case o.sources.full():
		return 0, ErrSources
	}
	out, err := o.rtp.DecryptRTP(b[:0], b, &o.header)
	if err != nil {
		return 0, broken(err)
	}
	if s == nil {
		o.sources.add(h.SSRC, h.SSRC, index)
	} else {
		s.mark(index)
	}
	return len(out), nil
}

// openControl is Open for RTCP, whose index stands in the packet (RFC 3711
// section 3.4, RFC 7714 section 9.2).
func (o *Opener) openControl(b []byte) (int, error) {
	const word = 4
	behind := word + o.profile.controlTag
	if len(b) < 8+behind {
		return 0, ErrMalformed
	}
	at := len(b) - behind
	if o.profile.aead {
		at = len(b) - word
	}
	e := binary.BigEndian.Uint32(b[at:])
	if e>>31 == 0 {
		return 0, ErrAuth // what is not encrypted was not agreed on
	}
	index, ssrc := uint64(e&^(1<<31)), rtp.ControlSSRC(b)
	s := o.controls.find(ssrc)
	switch {
	case s != nil && (s.old(index) || s.seen(index)):
		return 0, ErrRepeat
	case s == nil && o.controls.full():
		return 0, ErrSources
	}
	out, err := o.control.DecryptRTCP(b[:0], b, &o.first)
	if err != nil {
		return 0, broken(err)
	}
	if s == nil {
		o.controls.add(ssrc, ssrc, index)
	} else {
		s.mark(index)
	}
	return len(out), nil
}

// broken makes one of our errors of the library's.
func broken(err error) error {
	if errors.Is(err, srtp.ErrFailedToVerifyAuthTag) {
		return ErrAuth
	}
	return ErrMalformed
}
