package sdp

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// maxPacket bounds a=ptime: more than a second of sound is nobody's wish.
const maxPacket = time.Second

// attribute reads one a= line (RFC 8866 section 6). What it does not know or
// can't read, it leaves out.
func (r *reading) attribute(text string) {
	name, value, _ := strings.Cut(text, ":")
	value = strings.TrimSpace(value)
	l := r.at()
	switch strings.ToLower(strings.TrimSpace(name)) {
	case "sendrecv":
		l.Dir = bridge.SendReceive
	case "sendonly":
		l.Dir = bridge.SendOnly
	case "recvonly":
		l.Dir = bridge.ReceiveOnly
	case "inactive":
		l.Dir = bridge.Inactive
	case "setup":
		l.Setup = readSetup(value)
	case "fingerprint":
		if f, ok := readFingerprint(value); ok && len(l.Fingerprints) < maxSecurity {
			l.Fingerprints = append(l.Fingerprints[:len(l.Fingerprints):len(l.Fingerprints)], f)
		}
	case "ice-ufrag", "ice-pwd", "candidate":
		r.iceAttribute(strings.ToLower(strings.TrimSpace(name)), value)
	default:
		if r.line != nil {
			r.lineAttribute(strings.ToLower(name), value)
		}
	}
}

// lineAttribute reads what has a meaning for one m-line only.
func (r *reading) lineAttribute(name, value string) {
	l := r.line
	switch name {
	case "rtpmap":
		r.rtpmap(value)
	case "fmtp":
		if n, params, ok := numbered(value); ok && len(params) <= maxParams {
			r.mapped(n).params = params
		}
	case "ptime":
		l.Packet = readPacket(value)
	case "rtcp":
		l.RTCP = readRTCP(value)
	case "rtcp-mux":
		l.Mux = true
	case "mid":
		if token(value) {
			l.MID = value
		}
	case "crypto":
		if c, ok := readCrypto(value); ok && len(l.Crypto) < maxSecurity {
			l.Crypto = append(l.Crypto, c)
		}
	}
}

func readSetup(value string) Setup {
	switch s := Setup(strings.ToLower(value)); s {
	case Active, Passive, ActPass, HoldConn:
		return s
	}
	return ""
}

// readFingerprint reads the value of a=fingerprint (RFC 8122 section 5).
func readFingerprint(value string) (media.Fingerprint, bool) {
	f := strings.Fields(value)
	if len(f) != 2 || !token(f[0]) || len(f[1]) > 3*maxToken {
		return media.Fingerprint{}, false
	}
	for i := 0; i < len(f[1]); i++ {
		if hex := strings.IndexByte("0123456789abcdefABCDEF", f[1][i]) >= 0; hex == (i%3 == 2) || !hex && f[1][i] != ':' {
			return media.Fingerprint{}, false
		}
	}
	return media.Fingerprint{Hash: strings.ToLower(f[0]), Value: strings.ToUpper(f[1])}, len(f[1])%3 == 2
}

// readPacket reads the value of a=ptime, which some write with a fraction.
func readPacket(value string) time.Duration {
	whole, _, _ := strings.Cut(value, ".")
	ms, err := strconv.ParseUint(whole, 10, 16)
	if d := time.Duration(ms) * time.Millisecond; err == nil && d <= maxPacket {
		return d
	}
	return 0
}

// readRTCP reads the value of a=rtcp (RFC 3605 section 2.1).
func readRTCP(value string) RTCP {
	text, where, _ := strings.Cut(value, " ")
	port, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return RTCP{}
	}
	addr := netip.Addr{}
	if where != "" {
		addr = readAddr(where)
	}
	return RTCP{Port: uint16(port), Addr: addr}
}

// mapped is what a=rtpmap and a=fmtp say of one payload type.
type mapped struct {
	number         uint8
	name           string
	rate, channels int
	params         string
}

// find is what was said of a payload type; nil: nothing.
func (r *reading) find(n uint8) *mapped {
	for i := range r.maps {
		if r.maps[i].number == n {
			return &r.maps[i]
		}
	}
	return nil
}

// mapped is find, or else room for what is to be said. It is good until the next is asked for.
func (r *reading) mapped(n uint8) *mapped {
	m := r.find(n)
	if m == nil {
		r.maps = append(r.maps, mapped{number: n})
		m = &r.maps[len(r.maps)-1]
	}
	return m
}

// numbered splits what begins with a payload type.
func numbered(value string) (n uint8, rest string, ok bool) {
	text, rest, _ := strings.Cut(value, " ")
	v, err := strconv.ParseUint(text, 10, 7)
	return uint8(v), strings.TrimSpace(rest), err == nil
}

// rtpmap reads the value of a=rtpmap (RFC 8866 section 6.6).
func (r *reading) rtpmap(value string) {
	n, encoding, ok := numbered(value)
	name, text, two := strings.Cut(encoding, "/")
	text, more, three := strings.Cut(text, "/")
	if !ok || !two || !token(name) {
		return
	}
	rate, err := strconv.Atoi(text)
	if err != nil || rate < 1 || rate > maxRate {
		return
	}
	channels := 1
	if three {
		if channels, err = strconv.Atoi(more); err != nil || channels < 1 || channels > maxChannels {
			return
		}
	}
	m := r.mapped(n)
	m.name, m.rate, m.channels = strings.ToLower(name), rate, channels
}

// format is what payload type n of a line of that kind means. A nil m has
// nothing to say of it.
func (m *mapped) format(n uint8, kind string) (codec.Format, bool) {
	k, ok := kindOf(kind)
	if !ok {
		return codec.Format{}, false
	}
	if m == nil || m.name == "" {
		f, ok := codec.Static(n)
		if m != nil {
			f.Params = m.params
		}
		return f, ok && f.Kind == k
	}
	f := codec.Format{Kind: k, Name: m.name, Rate: m.rate, Channels: m.channels, Params: m.params}
	if k == codec.Video {
		f.Channels = 0
	}
	return f, true
}

// kindOf is the kind of stream that a media type stands for.
func kindOf(text string) (codec.Kind, bool) {
	for _, k := range []codec.Kind{codec.Audio, codec.Video} {
		if k.String() == text {
			return k, true
		}
	}
	return 0, false
}
