package jingle

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"mellium.im/xmlstream"

	"gateway/bridge"
)

// again writes an element and reads it.
func again(t *testing.T, e Element) (Element, bool) {
	t.Helper()
	var b bytes.Buffer
	enc := xml.NewEncoder(&b)
	if _, err := xmlstream.Copy(enc, e.TokenReader()); err != nil {
		t.Fatalf("%+v can't be written: %v", e, err)
	}
	if err := enc.Flush(); err != nil {
		t.Fatal(err)
	}
	out, err := Parse(&b)
	return out, err == nil
}

// FuzzJingle: what is read is within its bounds; what is written of it is read as
// the same; and an offer that is taken can be answered.
func FuzzJingle(f *testing.F) {
	f.Add("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'>" + audioContent(pcmu+cryptoLine, fingerprint("actpass")+
		"<candidate component='1' foundation='1' ip='192.0.2.1' port='9' priority='5' protocol='udp' type='srflx' rel-addr='10.0.0.1' rel-port='7'/>") +
		"<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='a'/></group></jingle>")
	f.Add("<jingle xmlns='urn:xmpp:jingle:1' action='session-terminate' sid='s'><reason><busy/><text>no</text></reason></jingle>")
	f.Add("<jingle xmlns='urn:xmpp:jingle:1' action='session-info' sid='s'><hold xmlns='urn:xmpp:jingle:apps:rtp:info:1'/></jingle>")
	f.Add("<jingle xmlns='urn:xmpp:jingle:1' action='transport-info' sid='s'><content name='0'><transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd'><candidate ip='::1' port='1'/></transport></content></jingle>")
	f.Add("<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'>" + rawContent(pcmu, rawCandidate) + "</jingle>")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		j, err := ReadJingle(&e)
		if err != nil {
			return
		}
		if len(j.Contents) > maxContents || len(j.SID) > MaxSID || len(j.Reason.Text) > maxText {
			t.Fatalf("over its bounds: %+v", j)
		}
		out, ok := again(t, j.Element())
		if !ok {
			return // a character that XML can't have was replaced
		}
		if _, err := ReadJingle(&out); err != nil && j.Info != "?" && !strings.ContainsRune(text, '\uFFFD') {
			t.Errorf("%+v is not read again: %v", j, err)
		}
		x := Exchange{Plain: true}
		st, _, err := x.TakeOffer(j)
		if err != nil {
			return
		}
		all, err := x.Answer(st, ours)
		if err != nil {
			t.Fatalf("an offer was taken that can't be answered: %v", err)
		}
		if _, ok := x.Setting(); !ok || len(all) == 0 {
			t.Error("nothing is agreed on")
		}
		if !x.Narrow(bridge.Stream{Dir: bridge.SendOnly, Formats: st.Formats}) {
			t.Error("what is agreed on can't be narrowed to itself")
		}
		x.Reach(j.Contents)
	})
}

// FuzzMessage: what is written is read as it was.
func FuzzMessage(f *testing.F) {
	f.Add("<propose xmlns='urn:xmpp:jingle-message:0' id='a'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'/></propose>")
	f.Add("<reject xmlns='urn:xmpp:jingle-message:0' id='a'><reason xmlns='urn:xmpp:jingle:1'><expired/></reason><tie-break/></reject>")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		m, ok := ReadMessage(&e)
		if !ok {
			return
		}
		out, ok := again(t, m.Element())
		if !ok {
			t.Fatal("it can't be read again")
		}
		if back, ok := ReadMessage(&out); !ok || m.ID != back.ID || m.Kind != back.Kind || m.Reason.Condition != back.Reason.Condition || m.Reason.TieBreak != back.Reason.TieBreak {
			t.Errorf("%+v is read as %+v", m, back)
		}
	})
}

// FuzzCandidate: what is taken is usable, and comes back as it was.
func FuzzCandidate(f *testing.F) {
	f.Add("1", "1", "192.0.2.1", "9", "5", "udp", "srflx", "10.0.0.1", "7")
	f.Add("2", "", "2001:db8::1", "9", "", "", "", "", "")
	f.Fuzz(func(t *testing.T, component, foundation, ip, port, priority, protocol, kind, rel, relPort string) {
		e := New(NSICE, "candidate", "component", component, "foundation", foundation, "ip", ip, "port", port,
			"priority", priority, "protocol", protocol, "type", kind, "rel-addr", rel, "rel-port", relPort)
		c, ok := readCandidate(&e)
		if !ok {
			return
		}
		if !c.Address.IsValid() || c.Address.Port() == 0 || c.Component < 1 || c.Component > 2 || len(c.Foundation) > 32 {
			t.Fatalf("%+v was taken", c)
		}
		out, ok := again(t, candidateElement(c, "ufrag", 0))
		if !ok {
			t.Fatal("it can't be read again")
		}
		if back, ok := readCandidate(&out); !ok || !reflect.DeepEqual(c, back) {
			t.Errorf("%+v is read as %+v", c, back)
		}
	})
}

// FuzzFingerprint: what is taken has the form that is compared with.
func FuzzFingerprint(f *testing.F) {
	f.Add("sha-256", print256)
	f.Add("SHA-512", strings.ToLower(print256))
	f.Fuzz(func(t *testing.T, hash, value string) {
		e := New(NSDTLS, "fingerprint", "hash", hash)
		e.Text = value
		p, ok := readFingerprint(&e)
		if !ok {
			return
		}
		if len(p.Value) != hashes[p.Hash] || strings.ToUpper(p.Value) != p.Value || strings.Count(p.Value, ":") != len(p.Value)/3 {
			t.Errorf("%q %q was taken as %+v", hash, value, p)
		}
	})
}

// FuzzInfo: the hash does not depend on the order, and what is ours is read with the
// same.
func FuzzInfo(f *testing.F) {
	f.Add("<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' type='pc'/><feature var='a'/><feature var='b'/></query>")
	f.Fuzz(func(t *testing.T, text string) {
		e, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		i := ReadInfo(&e)
		if i == nil {
			return
		}
		if n := len(i.Identities) + len(i.Features) + len(i.forms); n > maxFeatures+1 {
			t.Errorf("%d entries", n)
		}
		for l, r := 0, len(e.Children)-1; l < r; l, r = l+1, r-1 {
			e.Children[l], e.Children[r] = e.Children[r], e.Children[l]
		}
		if back := ReadInfo(&e); !i.odd && !back.odd && back.Ver() != i.Ver() {
			t.Error(fmt.Sprint(i), " has another hash backwards")
		}
	})
}
