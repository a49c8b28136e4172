package jingle

import (
	"slices"
	"strconv"
	"strings"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/transport"
	"gateway/codec"
)

// A Description says what a side can send and hear (XEP-0167 section 4).
type Description struct {
	Media    string // "audio" …
	Payloads []media.Payload
	Packet   time.Duration // how much sound a packet should have; 0: not said
	Mux      bool
	// Crypto are keys for SRTP (XEP-0167 section 7); Required: nothing else is taken.
	Crypto   []Crypto
	Required bool
}

// A Crypto is one key for SRTP, of a suite of ours (RFC 4568).
type Crypto struct {
	Tag   string
	Suite media.Suite
	Key   []byte // master key and master salt
}

func readDescription(e *Element) *Description {
	d := &Description{Media: e.Attr("media")}
	for i := range e.Children {
		c := &e.Children[i]
		if c.Name.Space != NSRTP {
			continue
		}
		switch c.Name.Local {
		case "payload-type":
			if len(d.Payloads) < maxPayloads {
				d.payload(c)
			}
		case "rtcp-mux":
			d.Mux = true
		case "encryption":
			d.Required = isTrue(c.Attr("required"))
			for k := range c.Children {
				if len(d.Crypto) < maxCryptos {
					d.crypto(&c.Children[k])
				}
			}
		}
	}
	return d
}

func isTrue(s string) bool { return s == "true" || s == "1" }

// payload reads one payload-type. What has no number or no name that we could
// repeat is passed over.
func (d *Description) payload(e *Element) {
	n, err := strconv.ParseUint(e.Attr("id"), 10, 7)
	if err != nil || slices.ContainsFunc(d.Payloads, func(p media.Payload) bool { return p.Type == uint8(n) }) {
		return
	}
	f := codec.Format{Kind: codec.Audio, Name: strings.ToLower(e.Attr("name")), Channels: 1}
	if d.Media == "video" {
		f.Kind, f.Channels = codec.Video, 0
	}
	if static, ok := codec.Static(uint8(n)); ok && (f.Name == "" || f.Name == static.Name) {
		static.Params = ""
		f = static
	}
	if rate, err := strconv.ParseUint(e.Attr("clockrate"), 10, 20); err == nil && f.Rate == 0 {
		f.Rate = int(rate)
	}
	if ch, err := strconv.ParseUint(e.Attr("channels"), 10, 4); err == nil && ch > 0 && f.Kind == codec.Audio {
		f.Channels = int(ch)
	}
	switch f.Name { // what is the same whatever is said (RFC 7587 section 7, RFC 3551 section 4.5.2)
	case "opus":
		f.Rate, f.Channels = 48000, 2
	case "g722":
		f.Rate = 8000
	}
	f.Params = readParams(e)
	if ms, err := strconv.ParseUint(e.Attr("ptime"), 10, 10); err == nil && d.Packet == 0 {
		d.Packet = time.Duration(ms) * time.Millisecond
	}
	if token(f.Name) && f.Rate > 0 {
		d.Payloads = append(d.Payloads, media.Payload{Format: f, Type: uint8(n)})
	}
}

// readParams gives the parameters in the form of a=fmtp.
func readParams(e *Element) string {
	var all []string
	size := 0
	for i := range e.Children {
		c := &e.Children[i]
		if c.Name.Space != NSRTP || c.Name.Local != "parameter" || len(all) == maxParams {
			continue
		}
		name, value := strings.TrimSpace(c.Attr("name")), strings.TrimSpace(c.Attr("value"))
		p := name
		if name != "" && value != "" {
			p += "="
		}
		p += value
		if size += len(p) + 1; p == "" || size > maxParamBytes || strings.ContainsAny(p, ";\r\n\x00") || strings.ContainsFunc(p, control) {
			continue
		}
		all = append(all, p)
	}
	return strings.Join(all, ";")
}

func control(r rune) bool { return r < ' ' || r == 0x7f || r == 0xFFFD }

// token is RFC 8866's for encoding names.
func token(s string) bool {
	if s == "" || len(s) > 64 {
		return false
	}
	for _, c := range []byte(s) {
		if c <= ' ' || c >= 0x7f || strings.IndexByte(`"(),/:;<=>?@[\]`, c) >= 0 {
			return false
		}
	}
	return true
}

// crypto reads a key. One that asks for what we don't do is as good as none.
func (d *Description) crypto(e *Element) {
	suite := media.Suite(strings.ToUpper(e.Attr("crypto-suite")))
	tag := e.Attr("tag")
	if e.Name.Local != "crypto" || !slices.Contains(suites(), suite) || e.Attr("session-params") != "" || tag == "" || len(tag) > 9 {
		return
	}
	if _, err := strconv.ParseUint(tag, 10, 32); err != nil {
		return
	}
	key, err := transport.ParseInline(suite, e.Attr("key-params"))
	if err == nil {
		d.Crypto = append(d.Crypto, Crypto{Tag: tag, Suite: suite, Key: key})
	}
}

// suites are those that we take, the preferred first.
func suites() []media.Suite {
	return []media.Suite{media.SuiteGCM256, media.SuiteGCM128, media.SuiteCM80, media.SuiteCM32}
}

func (d *Description) element() Element {
	e := New(NSRTP, "description", "media", d.Media)
	for _, p := range d.Payloads {
		e = e.With(payloadElement(p, d.Packet))
	}
	if len(d.Crypto) > 0 {
		enc := New(NSRTP, "encryption")
		if d.Required {
			enc = New(NSRTP, "encryption", "required", "true")
		}
		for _, c := range d.Crypto {
			enc = enc.With(New(NSRTP, "crypto", "crypto-suite", string(c.Suite), "key-params", transport.FormatInline(c.Key), "tag", c.Tag))
		}
		e = e.With(enc)
	}
	if d.Mux {
		e = e.With(New(NSRTP, "rtcp-mux"))
	}
	return e
}

// usualPacket is how much sound a packet has unless something is said.
const usualPacket = 20 * time.Millisecond

// spelling are the names of formats as clients write them.
var spelling = map[string]string{
	"pcmu": "PCMU", "pcma": "PCMA", "g722": "G722", "g729": "G729", "gsm": "GSM", "ilbc": "iLBC", "amr": "AMR", "amr-wb": "AMR-WB",
	"cn": "CN", "l16": "L16", "g726-32": "G726-32",
}

func payloadElement(p media.Payload, packet time.Duration) Element {
	f := p.Format
	name, channels, ptime := f.Name, "", ""
	if n, ok := spelling[name]; ok {
		name = n
	}
	if f.Kind == codec.Audio {
		channels = strconv.Itoa(max(1, f.Channels))
	}
	// 20 ms is what is meant anyway (RFC 3551 section 4.2, RFC 7587 section 6.1), and
	// Dino takes a format for another if it has an attribute that its offer had not.
	if packet > 0 && packet != usualPacket && !f.IsEvents() {
		ptime = strconv.FormatInt(packet.Milliseconds(), 10)
	}
	e := New(NSRTP, "payload-type", "id", strconv.Itoa(int(p.Type)), "name", name, "clockrate", strconv.Itoa(f.Rate), "channels", channels, "ptime", ptime)
	if f.IsEvents() {
		return e // "0-15" is what it means anyway (RFC 4733 section 2.4.1), and no client wants it without a name
	}
	for part := range strings.SplitSeq(f.Params, ";") {
		name, value, named := strings.Cut(strings.TrimSpace(part), "=")
		switch {
		case strings.ContainsFunc(part, control) || name == "":
		case named:
			e = e.With(New(NSRTP, "parameter", "name", strings.TrimSpace(name), "value", strings.TrimSpace(value)))
		default:
			e = e.With(New(NSRTP, "parameter", "value", name))
		}
	}
	return e
}
