package jingle

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/bridge/media/transport"
	"gateway/codec"
)

var ours = Local{
	ICE:         media.ICE{Ufrag: "ours", Pwd: "our-password-has-22-ch"},
	RTP:         netip.MustParseAddrPort("192.0.2.1:4000"),
	RTCP:        netip.MustParseAddrPort("192.0.2.1:4001"),
	Fingerprint: media.Fingerprint{Hash: "sha-256", Value: strings.TrimSuffix(strings.Repeat("AB:", 32), ":")},
	NewKey:      transport.NewKey,
}

func parse(t *testing.T, text string) Element {
	t.Helper()
	e, err := Parse(strings.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func session(t *testing.T, contents string) *Jingle {
	t.Helper()
	e := parse(t, "<jingle xmlns='urn:xmpp:jingle:1' action='session-initiate' sid='s'>"+contents+"</jingle>")
	j, err := ReadJingle(&e)
	if err != nil {
		t.Fatal(err)
	}
	return j
}

const (
	usualTransport = "<transport xmlns='urn:xmpp:jingle:transports:ice-udp:1' ufrag='abcd' pwd='0123456789012345678901'>%s</transport>"
	print256       = "AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB:AB"
	cryptoLine     = "<encryption><crypto tag='1' crypto-suite='AES_CM_128_HMAC_SHA1_80' key-params='inline:ks3ixk3mlZM6i/IL8Mgk0WNUxScW87GtXBM8rzfC'/></encryption>"
)

func fingerprint(setup string) string {
	return "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='SHA-256' setup='" + setup + "'>\n " + strings.ToLower(print256) + " </fingerprint>"
}

func audioContent(inner, trans string) string {
	return "<content creator='initiator' name='a'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='audio'>" + inner + "</description>" +
		fmt.Sprintf(usualTransport, trans) + "</content>"
}

const rawCandidate = "<candidate component='1' generation='0' id='a' ip='198.51.100.7' port='4000'/>"

func rawContent(inner, candidates string) string {
	return strings.ReplaceAll(strings.ReplaceAll(audioContent(inner, candidates), "ice-udp:1", "raw-udp:1"), " ufrag='abcd' pwd='0123456789012345678901'", "")
}

const pcmu = "<payload-type id='0'/>"

func TestOffersAreAnsweredInKind(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, content string
		plain         bool // allowed
		err           error
		want          string // setup of ours and what is in force
	}{
		{"actpass", audioContent(pcmu, fingerprint("actpass")), false, nil, "active dtls client"},
		{"active", audioContent(pcmu, fingerprint("active")), false, nil, "passive dtls server"},
		{"passive", audioContent(pcmu, fingerprint("passive")), false, nil, "active dtls client"},
		{"both ways of keys", audioContent(pcmu+cryptoLine, fingerprint("actpass")), false, nil, "active dtls client"},
		{"keys only", audioContent(pcmu+cryptoLine, ""), false, nil, " sdes"},
		{"nothing", audioContent(pcmu, ""), false, ErrInsecure, ""},
		{"nothing, which is allowed", audioContent(pcmu, ""), true, nil, " plain"},
		{"a weak hash only", audioContent(pcmu, "<fingerprint xmlns='urn:xmpp:jingle:apps:dtls:0' hash='sha-1' setup='actpass'>AB:CD</fingerprint>"), false, ErrInsecure, ""},
		{"a broken fingerprint", audioContent(pcmu, strings.Replace(fingerprint("actpass"), "ab", "zz", 1)), false, ErrInsecure, ""},
		{"no format", audioContent("<payload-type id='99'/>", fingerprint("actpass")), false, ErrNothingFits, ""},
		{"events only", audioContent("<payload-type id='101' name='telephone-event' clockrate='8000'/>", fingerprint("actpass")), false, ErrNothingFits, ""},
		{"a video", strings.ReplaceAll(audioContent(pcmu, fingerprint("actpass")), "audio", "video"), false, ErrNothingFits, ""},
		{"another transport", strings.ReplaceAll(audioContent(pcmu, fingerprint("actpass")), "ice-udp:1", "s5b:1"), false, ErrTransport, ""},
		{"without ICE", rawContent(pcmu, rawCandidate), false, ErrInsecure, ""},
		{"without ICE, which is allowed", rawContent(pcmu, rawCandidate), true, nil, " plain"},
		{"without ICE, with keys", rawContent(pcmu+cryptoLine, rawCandidate), true, nil, " sdes"},
		{"without ICE, and nowhere", rawContent(pcmu, strings.Replace(rawCandidate, "198.51.100.7", "0.0.0.0", 1)), true, ErrTransport, ""},
		{"no password", strings.Replace(audioContent(pcmu, fingerprint("actpass")), "0123456789012345678901", "short", 1), false, ErrTransport, ""},
	} {
		x := Exchange{Plain: row.plain}
		st, _, err := x.TakeOffer(session(t, row.content))
		if !errors.Is(err, row.err) {
			t.Errorf("%s: %v, want %v", row.name, err, row.err)
		}
		if err != nil {
			continue
		}
		all, err := x.Answer(st, ours)
		if err != nil {
			t.Errorf("%s: %v", row.name, err)
			continue
		}
		set, ok := x.Setting()
		got := all[0].Transport.Setup
		switch sec := set.Security; {
		case sec == nil:
			got += " plain"
		case sec.SDES != nil:
			got += " sdes"
			if len(all[0].Description.Crypto) != 1 || all[0].Description.Crypto[0].Tag != "1" {
				t.Errorf("%s: answered with %+v", row.name, all[0].Description.Crypto)
			}
		case sec.DTLS.Client:
			got += " dtls client"
		default:
			got += " dtls server"
		}
		if !ok || got != row.want || set.Controlling {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestAnswersToOurOffer(t *testing.T) {
	t.Parallel()
	stream := bridge.Stream{ID: "x", Kind: codec.Audio, Dir: bridge.SendReceive, Formats: []codec.Format{
		{Kind: codec.Audio, Name: "opus", Rate: 48000, Channels: 2}, {Kind: codec.Audio, Name: "pcmu", Rate: 8000, Channels: 1},
	}}
	for _, row := range []struct {
		name, content string
		locks         Locks
		err           error
		want          string
	}{
		{"active", audioContent(pcmu, fingerprint("active")), Locks{}, nil, "server 0:0"},
		{"passive", audioContent(pcmu, fingerprint("passive")), Locks{}, nil, "client 0:0"},
		{"actpass, which is forbidden", audioContent(pcmu, fingerprint("actpass")), Locks{}, nil, "client 0:0"},
		{"other numbers", audioContent("<payload-type id='100' name='OPUS' clockrate='48000'/>", fingerprint("active")), Locks{}, nil, "server 111:100"},
		{"what was not offered", audioContent("<payload-type id='9'/>", fingerprint("active")), Locks{}, ErrNothingFits, ""},
		{"no keys", audioContent(pcmu, ""), Locks{}, ErrInsecure, ""},
		{"keys that were not offered", audioContent(pcmu+cryptoLine, ""), Locks{}, ErrInsecure, ""},
		{"keys", strings.Replace(audioContent(pcmu+cryptoLine, ""), "tag='1'", "tag='3'", 1), Locks{SDES: true}, nil, "sdes 0:0"},
		{"keys by another tag", audioContent(pcmu+cryptoLine, ""), Locks{SDES: true}, ErrInsecure, ""},
		{"plain", audioContent(pcmu, ""), Locks{Plain: true}, nil, "plain 0:0"},
	} {
		var x Exchange
		c, err := x.Offer(stream, ours, row.locks)
		if err != nil {
			t.Fatal(err)
		}
		if want := map[bool]string{false: "actpass", true: ""}[row.locks.Plain]; c.Transport.Setup != want {
			t.Errorf("%s: offered %q", row.name, c.Transport.Setup)
		}
		j := session(t, strings.Replace(row.content, "name='a'", "name='audio'", 1))
		if _, err = x.TakeAnswer(j.Contents); !errors.Is(err, row.err) {
			t.Errorf("%s: %v, want %v", row.name, err, row.err)
		}
		if err != nil {
			continue
		}
		set, _ := x.Setting()
		got := "plain"
		switch sec := set.Security; {
		case sec == nil:
		case sec.SDES != nil:
			got = "sdes"
		case sec.DTLS.Client:
			got = "client"
		default:
			got = "server"
		}
		if got += fmt.Sprintf(" %d:%d", set.In[0].Type, set.Out[0].Type); got != row.want || !set.Controlling {
			t.Errorf("%s: %s, want %s", row.name, got, row.want)
		}
	}
}

func TestWaysAreReadFromEitherSide(t *testing.T) {
	t.Parallel()
	for _, began := range []bool{false, true} {
		for _, d := range []bridge.Dir{bridge.SendReceive, bridge.SendOnly, bridge.ReceiveOnly, bridge.Inactive} {
			us, them := Exchange{Ours: began, dir: d}, Exchange{Ours: !began}
			if got := them.DirOf(us.senders()); got != d {
				t.Errorf("we began %v: %v is %q, which the other side reads as %v", began, d, us.senders(), got)
			}
		}
	}
	var x Exchange
	if x.DirOf("") != bridge.SendReceive {
		t.Error("nothing is not both")
	}
}

func TestAVideoBesideIsTakenWithoutMoving(t *testing.T) {
	t.Parallel()
	video := "<content creator='initiator' name='v'><description xmlns='urn:xmpp:jingle:apps:rtp:1' media='video'><payload-type id='96' name='VP8' clockrate='90000'/><rtcp-mux/></description>" +
		fmt.Sprintf(usualTransport, fingerprint("actpass")) + "</content>"
	for name, want := range map[string]int{"<group xmlns='urn:xmpp:jingle:apps:grouping:0' semantics='BUNDLE'><content name='a'/><content name='v'/></group>": 2, "": 1} {
		var x Exchange
		st, _, err := x.TakeOffer(session(t, audioContent(pcmu, fingerprint("actpass"))+video+name))
		if err != nil {
			t.Fatal(err)
		}
		all, err := x.Answer(st, ours)
		if err != nil || len(all) != want || want == 2 && (all[1].Senders != "none" || len(x.Bundle(all)) != 2) {
			t.Errorf("group %q: %+v, %v", name, all, err)
		}
	}
}

func TestCandidatesComeInAnyForm(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, attrs, want string }{
		{"all that there is", "component='1' foundation='1' generation='0' id='x' ip='192.0.2.1' network='0' port='9' priority='5' protocol='udp' type='srflx' rel-addr='10.0.0.1' rel-port='7'", "1 1 5 192.0.2.1:9 srflx 10.0.0.1:7"},
		{"the least", "ip='192.0.2.1' port='9'", "0 1 0 192.0.2.1:9 host invalid AddrPort"},
		{"IPv6", "component='2' foundation='ab+/' ip='2001:db8::1' port='9' protocol='UDP'", "ab+/ 2 0 [2001:db8::1]:9 host invalid AddrPort"},
		{"an odd foundation", "foundation='a b' ip='192.0.2.1' port='9'", "0 1 0 192.0.2.1:9 host invalid AddrPort"},
		{"of tcp", "ip='192.0.2.1' port='9' protocol='tcp'", ""},
		{"a name", "ip='x.local' port='9'", ""},
		{"no port", "ip='192.0.2.1' port='0'", ""},
		{"a port too large", "ip='192.0.2.1' port='65536'", ""},
		{"component 3", "ip='192.0.2.1' port='9' component='3'", ""},
		{"of another type", "ip='192.0.2.1' port='9' type='moon'", ""},
		{"nowhere", "ip='0.0.0.0' port='9'", ""},
		{"a zone", "ip='fe80::1%eth0' port='9'", ""},
		{"link-local", "ip='fe80::1' port='9'", ""},
	} {
		e := parse(t, "<candidate xmlns='"+NSICE+"' "+row.attrs+"/>")
		got := ""
		if c, ok := readCandidate(&e); ok {
			got = fmt.Sprint(c.Foundation, " ", c.Component, " ", c.Priority, " ", c.Address, " ", c.Type, " ", c.Related)
		}
		if got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

func TestParametersAreThoseOfTheFormat(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, inner, want string }{
		{"several", "<parameter name='minptime' value='10'/><parameter name='useinbandfec' value='1'/>", "minptime=10;useinbandfec=1"},
		{"without a name", "<parameter value='0-16'/>", "0-16"},
		{"without a value", "<parameter name='111/111'/>", "111/111"},
		{"hostile", "<parameter name='a' value='b;c=d'/><parameter name='a' value='b&#10;c'/><parameter name='x' value='y'/>", "x=y"},
		{"too long", "<parameter name='a' value='" + strings.Repeat("x", 600) + "'/>", ""},
	} {
		e := parse(t, "<payload-type xmlns='"+NSRTP+"' id='111' name='opus' clockrate='48000'>"+row.inner+"</payload-type>")
		if got := readParams(&e); got != row.want {
			t.Errorf("%s: %q, want %q", row.name, got, row.want)
		}
	}
}

// TestTheVerificationStringIsThatOfTheStandard has the examples of XEP-0115
// sections 5.2 and 5.3.
func TestTheVerificationStringIsThatOfTheStandard(t *testing.T) {
	t.Parallel()
	simple := "<query xmlns='http://jabber.org/protocol/disco#info'><identity category='client' name='Exodus 0.9.1' type='pc'/>" +
		"<feature var='http://jabber.org/protocol/caps'/><feature var='http://jabber.org/protocol/disco#info'/>" +
		"<feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/></query>"
	complicated := "<query xmlns='http://jabber.org/protocol/disco#info'><identity xml:lang='en' category='client' name='Psi 0.11' type='pc'/>" +
		"<identity xml:lang='el' category='client' name='Ψ 0.11' type='pc'/><feature var='http://jabber.org/protocol/caps'/>" +
		"<feature var='http://jabber.org/protocol/disco#info'/><feature var='http://jabber.org/protocol/disco#items'/><feature var='http://jabber.org/protocol/muc'/>" +
		"<x xmlns='jabber:x:data' type='result'><field var='FORM_TYPE' type='hidden'><value>urn:xmpp:dataforms:softwareinfo</value></field>" +
		"<field var='ip_version' type='text-multi'><value>ipv4</value><value>ipv6</value></field><field var='os'><value>Mac</value></field>" +
		"<field var='os_version'><value>10.5.1</value></field><field var='software'><value>Psi</value></field><field var='software_version'><value>0.11</value></field></x></query>"
	for text, want := range map[string]string{simple: "QgayPKawpkPSDYmwT/WM94uAlu0=", complicated: "q07IKJEyjvHSyhy//CH0CxmKi8w="} {
		e := parse(t, text)
		if got := ReadInfo(&e).Ver(); got != want {
			t.Errorf("%s, want %s", got, want)
		}
	}
	e := parse(t, strings.Replace(simple, "</query>", "<feature var='http://jabber.org/protocol/muc'/></query>", 1))
	if got := ReadInfo(&e).Ver(); got != "" {
		t.Errorf("a feature twice has the hash %s", got)
	}
}
