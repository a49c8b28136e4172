//go:build e2e

package peer

import (
	"context"
	"testing"
	"time"
)

// talk has one phone call another, and waits until each has heard the other's
// tone for half a second.
func talk(ctx context.Context, t *testing.T, from, to CallPhone, address string, fromTone, toTone float64) {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(from.Dial(ctx, address))
	_, err := to.WaitCall(ctx, CallIncoming)
	must(err)
	_, err = from.WaitCall(ctx, CallRinging)
	must(err)
	must(to.Answer(ctx))
	for _, p := range []CallPhone{from, to} {
		_, err := p.WaitCall(ctx, CallTalking)
		must(err)
	}
	must(WaitTone(ctx, from, toTone, 500*time.Millisecond))
	must(WaitTone(ctx, to, fromTone, 500*time.Millisecond))
	must(from.Press(ctx, "12#"))
	must(WaitKeys(ctx, to, "12#"))
	must(from.Hold(ctx))
	must(from.Resume(ctx))
	must(to.Hangup(ctx))
	for _, p := range []CallPhone{from, to} {
		_, err := p.WaitCall(ctx, CallEnded)
		must(err)
	}
}

func TestBaresipsCallEachOther(t *testing.T) {
	t.Parallel()
	for _, encryption := range []string{"", "srtp-mand", "dtls_srtp"} {
		t.Run(encryption, func(t *testing.T) {
			t.Parallel()
			ctx, lab := newLab(t)
			phone := func(n int, tone float64) *BaresipPhone {
				p, err := StartBaresipPhone(ctx, lab, CallConfig{
					PhoneConfig: PhoneConfig{Host: PhoneHost + n, User: []string{"one", "two"}[n]}, Tone: tone, Alone: true, Encryption: encryption,
				})
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			one, two := phone(0, ToneA), phone(1, ToneB)
			talk(ctx, t, one, two, "sip:two@"+two.Addr(), ToneA, ToneB)
		})
	}
}

func TestBaresipAndLinphoneCallEachOtherThroughKamailio(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	server := lab.At(SIPHost, SIPPort)
	_, err := StartKamailio(ctx, lab, KamailioConfig{Domain: "pbx.example", Users: map[string]string{"1001": "pw1", "1002": "pw2"}})
	if err != nil {
		t.Fatal(err)
	}
	one, err := StartBaresipPhone(ctx, lab, CallConfig{
		PhoneConfig: PhoneConfig{Host: PhoneHost, User: "1001", Password: "pw1", Domain: "pbx.example", Server: server}, Tone: ToneA,
	})
	if err != nil {
		t.Fatal(err)
	}
	two, err := StartLinphonePhone(ctx, lab, CallConfig{
		PhoneConfig: PhoneConfig{Host: PhoneHost + 1, User: "1002", Password: "pw2", Domain: "pbx.example", Server: server}, Tone: ToneB,
	})
	if err != nil {
		t.Fatal(err)
	}
	talk(ctx, t, one, two, "sip:1002@pbx.example", ToneA, ToneB)
	talk(ctx, t, two, one, "sip:1001@pbx.example", ToneB, ToneA)
}
