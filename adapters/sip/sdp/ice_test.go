package sdp

import (
	"errors"
	"net/netip"
	"reflect"
	"strings"
	"testing"

	"gateway/bridge"
	"gateway/bridge/media"
)

const (
	theirUfrag = "a=ice-ufrag:abcd"
	theirPwd   = "a=ice-pwd:0123456789abcdefghijkl"
	theirHost  = "a=candidate:1 1 udp 2113937151 192.0.2.7 50000 typ host generation 0 network-cost 999"
)

func TestCandidatesAreRead(t *testing.T) {
	t.Parallel()
	at := netip.MustParseAddrPort
	for _, row := range []struct {
		in   string
		want media.Candidate // zero: none
	}{
		{"1 1 UDP 5 192.0.2.7 50000 typ host", media.Candidate{Foundation: "1", Component: 1, Priority: 5, Address: at("192.0.2.7:50000"), Type: media.Host}},
		{"a/+ 2 udp 5 2001:db8::1 9 typ srflx raddr 192.0.2.7 rport 7", media.Candidate{
			Foundation: "a/+", Component: 2, Priority: 5, Address: at("[2001:db8::1]:9"), Type: media.ServerReflexive, Related: at("192.0.2.7:7"),
		}},
		{"1 1 udp 5 0cb8ea3e.local 50000 typ host", media.Candidate{}},
		{"1 1 tcp 5 192.0.2.7 9 typ host tcptype active", media.Candidate{}},
		{"1 3 udp 5 192.0.2.7 9 typ host", media.Candidate{}},
		{"1 1 udp 5 192.0.2.7 0 typ host", media.Candidate{}},
		{"1 1 udp 99999999999 192.0.2.7 9 typ host", media.Candidate{}},
		{"1 1 udp 5 192.0.2.7 9 typ other", media.Candidate{}},
		{strings.Repeat("1", 33) + " 1 udp 5 192.0.2.7 9 typ host", media.Candidate{}},
		{"1 1 udp 5 192.0.2.7 9 host", media.Candidate{}},
		{"", media.Candidate{}},
	} {
		got, ok := readCandidate(row.in)
		if want := row.want.Foundation != ""; ok != want || ok && got != row.want {
			t.Errorf("%q: %+v, %v", row.in, got, ok)
		}
	}
}

func TestWhatIsSaidForICEHasBounds(t *testing.T) {
	t.Parallel()
	lines := []string{"v=0", theirUfrag, "a=ice-ufrag:a b", "a=ice-pwd:short", "m=audio 9 UDP/TLS/RTP/SAVPF 0", theirPwd}
	for range 2 * maxCandidates {
		lines = append(lines, theirHost)
	}
	s, err := Parse(text(lines...))
	if err != nil {
		t.Fatal(err)
	}
	ice := s.Lines[0].ICE
	if ice.Ufrag != "abcd" || ice.Pwd != "0123456789abcdefghijkl" || len(ice.Candidates) != maxCandidates || !s.HasICE() {
		t.Errorf("%+v", ice)
	}
	again, err := Parse(s.Bytes())
	if err != nil || !reflect.DeepEqual(again.Lines[0].ICE, ice) {
		t.Errorf("%v, %+v", err, again)
	}
}

// byICE is the Locate of an end that is found by ICE.
func byICE(string, netip.Addr) (Local, error) {
	at := netip.MustParseAddrPort("198.51.100.1:20000")
	return Local{RTP: at, RTCP: 20001, Fingerprint: ourPrint, ICE: &media.ICE{
		Ufrag: "ours", Pwd: "our-password-is-a-long-one", Candidates: []media.Candidate{{Foundation: "1", Component: 1, Priority: 7, Address: at, Type: media.Host}},
	}}, nil
}

const ourICE = "a=ice-ufrag:ours|a=ice-pwd:our-password-is-a-long-one|a=candidate:1 1 udp 7 198.51.100.1 20000 typ host"

func TestABrowserIsAnsweredByICE(t *testing.T) {
	t.Parallel()
	e := newEnd(t, Web)
	browser := []string{
		"a=group:BUNDLE 0", "m=audio 9 UDP/TLS/RTP/SAVPF 111 0", "c=IN IP4 0.0.0.0", "a=rtcp:9 IN IP4 0.0.0.0", theirHost, theirUfrag, theirPwd,
		"a=ice-options:trickle", theirPrint, "a=setup:actpass", "a=mid:0", "a=rtcp-mux", "a=rtpmap:111 opus/48000/2", "a=rtpmap:0 PCMU/8000", "a=sendrecv",
	}
	d := e.takes(browser...)
	if d[0].Dir != bridge.SendReceive {
		t.Errorf("an address that is a candidate's to say is held to be a hold: %v", d[0].Dir)
	}
	answer, agreed, err := e.MakeAnswer(bridge.Description{audio(bridge.SendReceive, pcmu)}, byICE)
	if err != nil {
		t.Fatal(err)
	}
	want := "m=audio 20000 UDP/TLS/RTP/SAVPF 0|a=rtpmap:0 PCMU/8000|a=rtcp-mux|a=mid:0|a=fingerprint:sha-256 0A:0B|a=setup:active|" + ourICE + "|a=sendrecv"
	if got := lines(answer); got != want {
		t.Errorf("%s, want\n%s", got, want)
	}
	set := agreed[0].Setting
	if set.ICE == nil || set.ICE.Ufrag != "abcd" || len(set.ICE.Candidates) != 1 || !set.ICE.Complete || set.Controlling || !set.Send || !set.Receive || set.Security.DTLS == nil {
		t.Errorf("%+v", set)
	}
	d = e.takes(strings.Split(strings.Replace(strings.Join(browser, "|"), "sendrecv", "sendonly", 1), "|")...)
	if d[0].Dir != bridge.SendOnly {
		t.Errorf("a hold is %v", d[0].Dir)
	}
	s, err := Parse(text(append([]string{"v=0"}, strings.Split(strings.Replace(strings.Join(browser, "|"), "abcd", "efgh", 1), "|")...)...))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.TakeOffer(s); !errors.Is(err, errRestart) {
		t.Errorf("another run of ICE: %v", err)
	}
}

func TestABrowserIsOfferedICE(t *testing.T) {
	t.Parallel()
	answer := []string{"m=audio 50000 UDP/TLS/RTP/SAVPF 0", theirHost, theirUfrag, theirPwd, theirPrint, "a=setup:active", "a=rtcp-mux"}
	e := newEnd(t, Web)
	offer, err := e.MakeOffer(bridge.Description{audio(bridge.SendReceive, pcmu)}, byICE)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"m=audio 20000 UDP/TLS/RTP/SAVPF ", "|a=rtcp-mux|", "|a=setup:actpass|" + ourICE + "|"} {
		if got := lines(offer); !strings.Contains(got, want) {
			t.Errorf("no %q in %s", want, got)
		}
	}
	if _, _, err := e.hears(append([]string{answer[0]}, answer[4:]...)...); !errors.Is(err, ErrAnswer) {
		t.Errorf("an answer without ICE: %v", err)
	}
	_, agreed, err := e.hears(answer...)
	if err != nil {
		t.Fatal(err)
	}
	if set := agreed[0].Setting; set.ICE == nil || !set.Controlling || !set.Mux || set.Security.DTLS == nil || set.Security.DTLS.Client {
		t.Errorf("%+v", set)
	}
}
