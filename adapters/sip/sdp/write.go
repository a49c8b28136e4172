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

// Bytes writes s. What is said of its lines comes from Parse or an Exchange, and
// so is fit for a line of text.
func (s *Session) Bytes() []byte {
	var b strings.Builder
	o := s.Origin
	if !o.Addr.IsValid() {
		o.Addr = netip.IPv4Unspecified()
	}
	b.WriteString("v=0\r\no=- " + strconv.FormatUint(o.ID, 10) + " " + strconv.FormatUint(o.Version, 10) + " " + network(o.Addr) + "\r\n")
	b.WriteString("s=-\r\nc=" + network(o.Addr) + "\r\nt=0 0\r\n")
	for i := range s.Lines {
		s.Lines[i].write(&b, o.Addr)
	}
	return []byte(b.String())
}

// network is an address as c= and o= have it.
func network(a netip.Addr) string {
	if a.Is4() {
		return "IN IP4 " + a.String()
	}
	return "IN IP6 " + a.String()
}

func (l *Line) write(b *strings.Builder, session netip.Addr) {
	attribute := func(text string) { b.WriteString("a=" + text + "\r\n") }
	b.WriteString("m=" + l.Kind + " " + strconv.Itoa(int(l.Port)) + " " + string(l.Proto) + " " + strings.Join(l.Formats, " ") + "\r\n")
	if l.Port == 0 {
		if l.MID != "" {
			attribute("mid:" + l.MID)
		}
		return
	}
	if l.Addr.IsValid() && l.Addr != session {
		b.WriteString("c=" + network(l.Addr) + "\r\n")
	}
	for _, p := range l.Payloads {
		n := strconv.Itoa(int(p.Type))
		attribute("rtpmap:" + n + " " + encoding(p.Format))
		if p.Format.Params != "" {
			attribute("fmtp:" + n + " " + p.Format.Params)
		}
	}
	if l.Packet > 0 {
		attribute("ptime:" + strconv.Itoa(int(l.Packet/time.Millisecond)))
	}
	if l.RTCP.Port != 0 {
		attribute("rtcp:" + strconv.Itoa(int(l.RTCP.Port)))
	}
	if l.Mux {
		attribute("rtcp-mux")
	}
	if l.MID != "" {
		attribute("mid:" + l.MID)
	}
	for _, c := range l.Crypto {
		attribute("crypto:" + c.String())
	}
	for _, f := range l.Fingerprints {
		attribute("fingerprint:" + f.Hash + " " + f.Value)
	}
	if l.Setup != "" {
		attribute("setup:" + string(l.Setup))
	}
	attribute(l.Dir.String())
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

// encoding is the value of a=rtpmap for f. A single channel is not said (RFC
// 8866 section 6.6).
func encoding(f codec.Format) string {
	s := usual(f.Name) + "/" + strconv.Itoa(f.Rate)
	if f.Kind == codec.Audio && f.Channels > 1 {
		s += "/" + strconv.Itoa(f.Channels)
	}
	return s
}

// tokens are the fmt of an m-line for payloads.
func tokens(all []media.Payload) []string {
	var text []string
	for _, p := range all {
		text = append(text, strconv.Itoa(int(p.Type)))
	}
	return text
}
