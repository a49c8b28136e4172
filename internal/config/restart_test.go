package config

import (
	"slices"
	"strings"
	"testing"
)

func TestChangesThatNeedARestart(t *testing.T) {
	t.Parallel()
	const old = `
[gateway]
node = "a"
[limits]
expire = "1h"
[sip.pbx]
listen = ["udp:[::]:5060"]
accounts = { 1 = { password = "one" } }
[xmpp.chat]
secret = "two"
[[map]]
home = "pbx:1"
`
	tests := []struct {
		name, old, new string
		want           []string
	}{
		{"nothing", "", "", nil},
		{"a map", `"pbx:1"`, `"pbx:2"`, nil},
		{"a limit", `"1h"`, `"2h"`, nil},
		{"terms of calls", `home = "pbx:1"`, "home = \"pbx:1\"\nring = \"5s\"", nil},
		{"media", `[sip.pbx]`, "[media]\nports = \"30000-30009\"\n[sip.pbx]", []string{"media"}},
		{"the gateway", `"a"`, `"b"`, []string{"gateway"}},
		{"a list", `["udp:[::]:5060"]`, `["udp:[::]:5060", "x"]`, []string{"sip.pbx"}},
		{"an element", `5060`, `5061`, []string{"sip.pbx"}},
		{"a secret", `"two"`, `"three"`, []string{"xmpp.chat"}},
		{"a secret in a table", `"one"`, `"won"`, []string{"sip.pbx"}},
		{"a name in a table", `1 =`, `2 =`, []string{"sip.pbx"}},
		{"one more name", `{ 1 =`, `{ 2 = { password = "x" }, 1 =`, []string{"sip.pbx"}},
		{"a default that is written out", `[gateway]`, "[gateway]\nlog = \"info\"", nil},
		{"an adapter's name", `chat`, `talk`, []string{"xmpp.talk", "xmpp.chat"}},
		{"an adapter more", `[xmpp.chat]`, "[xmpp.talk]\nsecret = 'x'\n[xmpp.chat]", []string{"xmpp.talk"}},
		{"an adapter's kind", "[xmpp.chat]\nsecret = \"two\"", "[sip.chat]\nlisten = ['x']", []string{"sip.chat", "xmpp.chat"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			text := old
			if tt.old != "" {
				text = strings.Replace(old, tt.old, tt.new, 1)
			}
			got := mustLoad(t, old).NeedsRestart(mustLoad(t, text))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}
