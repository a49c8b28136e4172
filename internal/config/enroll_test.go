package config

import (
	"strings"
	"testing"

	"gateway/adapters"
)

func TestEnrolmentNeedsAPeer(t *testing.T) {
	t.Parallel()
	const others = `
[sip.pbx]
listen = ["udp:127.0.0.1:0"]
peer = "sip:10.0.0.5"

[sip.phones]
listen = ["udp:127.0.0.1:0"]
accounts = { "2001" = { password = "x" } }

[osc.jam]
listen = ["udp:127.0.0.1:0"]

[rtmp.flash]
listen = ["rtmp:127.0.0.1:0"]
enroll = ["`
	for at, want := range map[string]string{
		"pbx": "", "phones": `rtmp.flash.enroll[0]: "phones" has no peer`, "jam": `rtmp.flash.enroll[0]: "jam" is of a kind`,
		"nobody": `rtmp.flash.enroll[0]: no adapter is called "nobody"`,
	} {
		l := newLoader("mapping.toml", adapters.All(), fakeSecrets())
		_, problems := l.load([]byte(others + at + `"]`))
		var all []string
		for _, p := range problems {
			if !p.Warn {
				all = append(all, p.String())
			}
		}
		if (want == "") != (len(all) == 0) || !strings.Contains(strings.Join(all, "\n"), want) {
			t.Errorf("%s: %q, want %q", at, all, want)
		}
	}
}
