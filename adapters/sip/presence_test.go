package sip

import (
	"testing"

	"gateway/bridge"
)

func TestAnAccountIsThereWhileAPhoneOfItIs(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	phone := newFakePeer(t, "127.0.0.1:0")
	who := bridge.Address{Adapter: b.a.env.Name, Name: "2001"}
	if p := b.a.PresenceOf(who); p.State != bridge.Offline {
		t.Errorf("before it has registered: %v", p)
	}
	for _, row := range []struct {
		name, expires string
		want          bridge.Availability
		news          bool
	}{
		{"registered", "300", bridge.Available, true},
		{"renewed", "300", bridge.Available, false},
		{"unregistered", "0", bridge.Offline, true},
	} {
		q := registerQuery("2001", "<sip:2001@"+phone.addr()+">", "Expires: "+row.expires)
		q.callID = row.name
		if res := phone.asPhone(b.udp, q, "2001", "secret1"); code(res) != 200 {
			t.Fatal(res)
		}
		if row.news {
			if got := next(t, b.h.changes, row.name); got != who {
				t.Errorf("%s: %v has changed", row.name, got)
			}
		}
		if len(b.h.changes) > 0 {
			t.Errorf("%s: news of a change", row.name)
		}
		if p := b.a.PresenceOf(who); p.State != row.want {
			t.Errorf("%s: %v, want %v", row.name, p, row.want)
		}
	}
}
