package xmpp

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"gateway/bridge"
)

func TestBadInputIsLoggedOnceWithItsSender(t *testing.T) {
	t.Parallel()
	const from, to = "mallory@evil.example/x", "x@gw.example"
	for _, tt := range []struct{ name, in, want string }{
		{"a bad recipient", "<message from='" + from + "' to='a\\5cb@gw.example' id='1'><body>hi</body></message>", "cause=jid-malformed"},
		{"a bad recipient of a request", "<iq type='get' from='" + from + "' to='a&quot;b@gw.example' id='1'><ping xmlns='urn:xmpp:ping'/></iq>", "cause=jid-malformed"},
		{"two requests in one", "<iq type='get' from='" + from + "' to='" + to + "' id='1'><a xmlns='x'/><b xmlns='x'/></iq>", "cause=bad-request"},
		{"a long id", "<message from='" + from + "' to='" + to + "' id='" + strings.Repeat("x", 2000) + "'><body>hi</body></message>", "cause=policy-violation"},
		{"a comment", "<message from='" + from + "' to='" + to + "'><body>hi</body><!-- x --></message>", "cause=restricted"},
		{"what the bridge forbids", "<message from='" + from + "' to='" + to + "'><body>forbid</body></message>", "cause=forbidden"},
		{"for another domain", "<message from='" + from + "' to='x@other.example'><body>hi</body></message>", "cause=not-ours"},
		{"what clients ask", "<iq type='get' from='" + from + "' to='" + to + "' id='1'><vCard xmlns='vcard-temp'/></iq>", ""},
		{"what may go well later", "<message from='" + from + "' to='" + to + "'><body>later</body></message>", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var lines bytes.Buffer
			inRig(t, func(r *rig) {
				r.a.env.Log = slog.New(slog.NewTextHandler(&lines, nil))
				r.h.answer = func(m bridge.Message, done func(bridge.Outcome, error)) {
					err := &bridge.Error{Op: "route", Cause: bridge.Forbidden}
					if m.Body() == "later" {
						err = &bridge.Error{Op: "deliver", Cause: bridge.Overloaded, Retry: true}
					}
					done(0, err)
				}
			}, func(r *rig) {
				<-r.h.states
				for range 3 {
					r.send("%s", tt.in)
				}
				r.send("<iq type='get' id='last' from='a@b/c' to='gw.example'><ping xmlns='urn:xmpp:ping'/></iq>")
				for (<-r.got).attr("id") != "last" {
				}
				r.stop()
			})
			got := lines.String()
			if tt.want == "" {
				if got != "" {
					t.Errorf("logged %s", got)
				}
				return
			}
			if strings.Count(got, "\n") != 1 || !strings.Contains(got, tt.want+" ") || !strings.Contains(got, "from="+from) {
				t.Errorf("logged %s", got)
			}
		})
	}
}
