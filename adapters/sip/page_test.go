package sip

import (
	"testing"
)

// TestNoPageIsThePeer: any page that somebody looks at can open a WebSocket, and has that one's
// address then; and those who come through a proxy have the proxy's.
func TestNoPageIsThePeer(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name     string
		accounts bool
		want     int
	}{{"asked who it is", true, 401}, {"refused", false, 403}} {
		b, _ := withPeer(t, func(c *Config) {
			c.Networks = []string{"127.0.0.0/8"}
			c.Listen = []string{"udp:127.0.0.1:0", "ws:127.0.0.1:0"}
			if row.accounts {
				c.Accounts = map[string]Account{"2001": {Password: "secret1"}}
			}
		})
		p := openPage(t, "ws://"+b.tcp.String(), nil)
		q := text1("from a page")
		q.transport = "WS"
		p.write(q.text())
		if res := p.next(); code(res) != row.want {
			t.Errorf("a page that is to be %s: %s", row.name, res)
		}
	}
}
