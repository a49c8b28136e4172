package child

import (
	"net/netip"
	"testing"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/relay"
)

func TestAChildFindsTheWayByICE(t *testing.T) {
	t.Parallel()
	addresses := []netip.Addr{loopback}
	p, err := start(relay.Options{First: 29200, Last: 29299, Addresses: addresses}, ourselves, patient)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.Shutdown)
	peer, err := relay.New(relay.Options{First: 29300, Last: 29399, Addresses: addresses})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(peer.Shutdown)
	events := make(chan media.Event, 100)
	ours, err := p.Open(media.Open{ICE: true}, func(ev media.Event) { events <- ev })
	if err != nil {
		t.Fatal(err)
	}
	theirs, err := peer.Open(media.Open{ICE: true}, func(media.Event) {})
	if err != nil {
		t.Fatal(err)
	}
	setting := func(of media.Port, client bool, f media.Fingerprint) media.Setting {
		return media.Setting{
			ICE: &of.ICE, Controlling: client, Mux: true, Send: true, Receive: true,
			Security: &media.Security{DTLS: &media.DTLS{Client: client, Peer: []media.Fingerprint{f}}},
		}
	}
	p.Set(ours.ID, setting(theirs, true, peer.Fingerprint()))
	peer.Set(theirs.ID, setting(ours, false, p.Fingerprint()))
	var way media.Pair
	for done := false; !done; {
		select {
		case ev := <-events:
			switch ev := ev.(type) {
			case media.Connected:
				way = ev.Pair
			case media.Secured:
				done = true
			case media.Failed, media.Insecure:
				t.Fatalf("got %#v", ev)
			}
		case <-time.After(patient):
			t.Fatal("no such event came")
		}
	}
	if way.Local.Address != ours.ICE.Candidates[0].Address || way.Remote.Address != theirs.ICE.Candidates[0].Address {
		t.Errorf("the way is %+v", way)
	}
	peer.Set(theirs.ID, media.Setting{ICE: &media.ICE{Ufrag: "other", Pwd: "other-password-of-22-ch"}, Mux: true})
	if st := p.Close(ours.ID); st.Pair != way || st.Suite == "" {
		t.Errorf("the counts are %+v", st)
	}
}
