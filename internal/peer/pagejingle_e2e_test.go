//go:build e2e

package peer

import (
	"context"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestMain(m *testing.M) { os.Exit(OnLoopback(m.Run)) }

// statsOfACall is what the browser of one who calls another says of the call.
func statsOfACall(ctx context.Context, t *testing.T, from, to *JinglePage) []PageStat {
	t.Helper()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(from.Dial(ctx, to.cfg.JID))
	_, err := to.WaitCall(ctx, CallIncoming)
	must(err)
	must(to.Answer(ctx))
	_, err = from.WaitCall(ctx, CallTalking)
	must(err)
	must(WaitTone(ctx, from, to.cfg.Tone, 100*time.Millisecond))
	stats, err := from.Stats(ctx)
	must(err)
	return stats
}

func TestPagesCallEachOther(t *testing.T) {
	t.Parallel()
	users := map[string]string{"alice@example.org": "apw", "bob@example.org": "bpw"}
	for _, row := range []struct {
		name, codec, mime string
		ejabberd          bool
	}{{"by Prosody", "", "audio/opus", false}, {"by ejabberd", "pcmu", "audio/PCMU", true}} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			ctx, lab := newLab(t)
			var err error
			if row.ejabberd {
				_, err = StartEjabberd(ctx, lab, EjabberdConfig{Users: users})
			} else {
				_, err = StartProsody(ctx, lab, ProsodyConfig{Users: users})
			}
			if err != nil {
				t.Fatal(err)
			}
			page := func(host int, user string, tone float64) *JinglePage {
				p, err := StartJinglePage(ctx, lab, JingleConfig{
					Host: host, JID: user + "@example.org/desk", Password: users[user+"@example.org"], URL: WebSocketURL(lab), Tone: tone, Codec: row.codec,
				})
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() {
					p.Close()
					if t.Failed() {
						t.Log(strings.Join(p.Events.All(), "\n"))
					}
				})
				return p
			}
			alice, bob := page(PhoneHost, "alice", ToneA), page(PhoneHost+1, "bob", ToneB)
			talk(ctx, t, alice, bob, "bob@example.org/desk", ToneA, ToneB)
			stats := statsOfACall(ctx, t, alice, bob)
			for _, s := range stats {
				if s.Type == "local-candidate" && !strings.HasPrefix(s.Address, "127.") && s.Address != "::1" {
					t.Errorf("a candidate %+v", s)
				}
			}
			if !slices.ContainsFunc(stats, func(s PageStat) bool { return s.MimeType == row.mime }) {
				t.Errorf("no %s in %+v", row.mime, stats)
			}
		})
	}
}
