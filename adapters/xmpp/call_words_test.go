package xmpp

import (
	"encoding/xml"
	"fmt"
	"net/netip"
	"strings"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/codec"
)

// soundsLike makes a description of words: a way, and names of formats.
func soundsLike(words []string) bridge.Description {
	st := bridge.Stream{ID: "audio", Kind: codec.Audio, Dir: bridge.SendReceive}
	for _, w := range words {
		switch w {
		case "sendrecv", "sendonly", "recvonly", "inactive":
			for _, d := range []bridge.Dir{bridge.SendReceive, bridge.SendOnly, bridge.ReceiveOnly, bridge.Inactive} {
				if d.String() == w {
					st.Dir = d
				}
			}
		default:
			f := codec.Format{Kind: codec.Audio, Name: w, Rate: 8000, Channels: 1}
			if w == "opus" {
				f.Rate, f.Channels = 48000, 2
			}
			if w == "events" {
				f.Name = codec.TelephoneEvent
			}
			st.Formats = append(st.Formats, f)
		}
	}
	return bridge.Description{st}
}

func causeNamed(word string) bridge.Cause {
	for _, c := range append(bridge.Causes(), bridge.Endings()...) {
		if c.String() == word {
			return c
		}
	}
	panic("no cause " + word)
}

func addrPort(s string) netip.AddrPort { return netip.MustParseAddrPort(s) }

func descText(d bridge.Description) string {
	var b strings.Builder
	for _, st := range d {
		fmt.Fprintf(&b, " %s %v", st.ID, st.Dir)
		for _, f := range st.Formats {
			b.WriteString(" " + f.String())
		}
	}
	return b.String()
}

func eventText(ev bridge.Event) string {
	switch ev := ev.(type) {
	case bridge.Offered:
		return fmt.Sprint("offered ", ev.Offer.Seq, descText(ev.Offer.Desc))
	case bridge.Answered:
		return fmt.Sprint("answered ", ev.Seq, descText(ev.Desc))
	case bridge.Refused:
		return fmt.Sprint("refused ", ev.Seq, " ", ev.Cause)
	case bridge.Digit:
		return "digit " + string(ev.Digit)
	case bridge.Ended:
		return strings.TrimSpace(fmt.Sprint("ended ", ev.Cause, " ", ev.Reason))
	default:
		name := fmt.Sprintf("%T", ev)
		return strings.ToLower(strings.TrimPrefix(name, "bridge."))
	}
}

// setting is what the last port was told last.
func (s *stage) setting() string {
	ports := s.plane.Ports()
	if len(ports) == 0 {
		return "no port"
	}
	set, times := s.plane.Setting(ports[len(ports)-1])
	if times == 0 {
		return "nothing"
	}
	var b strings.Builder
	for _, w := range []struct {
		on   bool
		word string
	}{{set.Controlling, "controlling"}, {set.Mux, "mux"}, {set.Send, "send"}, {set.Receive, "receive"}} {
		if w.on {
			b.WriteString(w.word + " ")
		}
	}
	switch sec := set.Security; {
	case sec == nil:
		b.WriteString("plain")
	case sec.DTLS != nil && sec.DTLS.Client:
		fmt.Fprintf(&b, "dtls client %s", sec.DTLS.Peer[0].Value[:5])
	case sec.DTLS != nil:
		fmt.Fprintf(&b, "dtls server %s", sec.DTLS.Peer[0].Value[:5])
	default:
		fmt.Fprintf(&b, "sdes %s", sec.SDES.Suite)
	}
	for _, list := range []struct {
		name string
		all  []media.Payload
	}{{"in", set.In}, {"out", set.Out}} {
		b.WriteString("\n" + list.name)
		for _, p := range list.all {
			fmt.Fprintf(&b, " %d=%s", p.Type, p.Format)
		}
	}
	if set.ICE == nil {
		fmt.Fprintf(&b, "\nat %v %v learn %v", set.RTP, set.RTCP, set.Learn)
	} else {
		fmt.Fprintf(&b, "\nice %s %s", set.ICE.Ufrag, set.ICE.Pwd)
		for _, c := range set.ICE.Candidates {
			fmt.Fprintf(&b, " %d/%s/%v", c.Component, c.Type, c.Address)
		}
	}
	return b.String()
}

func nodeText(n node) string {
	text, err := xml.MarshalIndent(n, "", " ")
	if err != nil {
		return err.Error()
	}
	return string(text)
}
