package sdp

import (
	"net/netip"
	"strconv"
	"strings"
	"time"

	"gateway/bridge/media"
	"gateway/codec"
)

// Type is the media type of a description's bytes.
const Type = "application/sdp"

// usualSize is room for most descriptions.
const usualSize = 512

// Bytes writes s. What is said of its lines comes from Parse or an Exchange, and
// so is fit for a line of text.
func (s *Session) Bytes() []byte {
	o := s.Origin
	if !o.Addr.IsValid() {
		o.Addr = netip.IPv4Unspecified()
	}
	b := append(make([]byte, 0, usualSize), "v=0\r\no=- "...)
	b = append(strconv.AppendUint(b, o.ID, 10), ' ')
	b = append(strconv.AppendUint(b, o.Version, 10), ' ')
	b = append(appendNetwork(b, o.Addr), "\r\ns=-\r\nc="...)
	b = append(appendNetwork(b, o.Addr), "\r\nt=0 0\r\n"...)
	for i := range s.Lines {
		b = s.Lines[i].appendTo(b, o.Addr)
	}
	return b
}

// appendNetwork writes an address as c= and o= have it.
func appendNetwork(b []byte, a netip.Addr) []byte {
	if a.Is4() {
		return a.AppendTo(append(b, "IN IP4 "...))
	}
	return a.AppendTo(append(b, "IN IP6 "...))
}

func (l *Line) appendTo(b []byte, session netip.Addr) []byte {
	line := func(all ...string) {
		for _, s := range all {
			b = append(b, s...)
		}
		b = append(b, "\r\n"...)
	}
	number := func(before string, n int, after string) {
		b = append(strconv.AppendInt(append(b, before...), int64(n), 10), after...)
	}
	b = append(append(b, "m="...), l.Kind...)
	number(" ", int(l.Port), " ")
	b = append(b, l.Proto...)
	for _, f := range l.Formats {
		b = append(append(b, ' '), f...)
	}
	line()
	if l.Port == 0 {
		if l.MID != "" {
			line("a=mid:", l.MID)
		}
		return b
	}
	if l.Addr.IsValid() && l.Addr != session {
		b = appendNetwork(append(b, "c="...), l.Addr)
		line()
	}
	for _, p := range l.Payloads {
		number("a=rtpmap:", int(p.Type), " ")
		b = appendEncoding(b, p.Format)
		line()
		if p.Format.Params != "" {
			number("a=fmtp:", int(p.Type), " ")
			line(p.Format.Params)
		}
	}
	if l.Packet > 0 {
		number("a=ptime:", int(l.Packet/time.Millisecond), "\r\n")
	}
	if l.RTCP.Port != 0 {
		number("a=rtcp:", int(l.RTCP.Port), "\r\n")
	}
	if l.Mux {
		line("a=rtcp-mux")
	}
	if l.MID != "" {
		line("a=mid:", l.MID)
	}
	for _, c := range l.Crypto {
		line("a=crypto:", c.String())
	}
	for _, f := range l.Fingerprints {
		line("a=fingerprint:", f.Hash, " ", f.Value)
	}
	if l.Setup != "" {
		line("a=setup:", string(l.Setup))
	}
	writeICE(&l.ICE, line)
	line("a=", l.Dir.String())
	return b
}

// usual are the encoding names that are not written in lower case (RFC 3551,
// RFC 3389). They compare without regard to case, but not everybody knows.
func usual(name string) string {
	switch name {
	case "opus", "speex", codec.TelephoneEvent:
		return name
	case "ilbc":
		return "iLBC"
	default:
		return strings.ToUpper(name)
	}
}

// appendEncoding writes the value of a=rtpmap for f. A single channel is not said (RFC
// 8866 section 6.6).
func appendEncoding(b []byte, f codec.Format) []byte {
	b = append(append(b, usual(f.Name)...), '/')
	b = strconv.AppendInt(b, int64(f.Rate), 10)
	if f.Kind == codec.Audio && f.Channels > 1 {
		b = strconv.AppendInt(append(b, '/'), int64(f.Channels), 10)
	}
	return b
}

// tokens are the fmt of an m-line for payloads.
func tokens(all []media.Payload) []string {
	text := make([]string, 0, len(all))
	for _, p := range all {
		text = append(text, strconv.Itoa(int(p.Type)))
	}
	return text
}
