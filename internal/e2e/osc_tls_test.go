//go:build e2e

package e2e

import (
	"bytes"
	"context"
	"crypto/tls"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"gateway/internal/peer"

	"github.com/coder/websocket"
)

// A member comes by an encrypted WebSocket; and a certificate that has been
// renewed is shown from SIGHUP on, while those who are there stay.
func TestOSCMemberComesByEncryptedWebSocket(t *testing.T) {
	w := newWorld(t)
	dir := t.TempDir()
	w.must(peer.WriteCert(dir, gatewayDomain))
	at := w.At(peer.GatewayHost, oscPort)
	mapping := w.gatewayTable() + fmt.Sprintf("[tls]\ncert = \"%s/cert.pem\"\nkey = \"%s/key.pem\"\n\n[osc.jam]\nlisten = [\"wss:%s\"]\n", dir, dir, at)
	g := w.gateway(mapping)
	believing := &tls.Config{InsecureSkipVerify: true}
	shown := func() []byte {
		c, err := tls.Dial("tcp", at, believing)
		w.must(err)
		defer c.Close()
		return c.ConnectionState().PeerCertificates[0].Raw
	}

	client := &http.Client{Transport: &http.Transport{TLSClientConfig: believing}}
	ws, _, err := websocket.Dial(w.ctx, "wss://"+at+"/any/path", &websocket.DialOptions{HTTPClient: client})
	w.must(err)
	t.Cleanup(func() { ws.CloseNow() })
	ask := func() {
		t.Helper()
		packet := peer.OSCMessage{Address: "/oscrouter/register", Args: []any{"tim", "pw", oscGroup, "gpw"}}.Packet()
		w.must(ws.Write(w.ctx, websocket.MessageBinary, packet))
		for {
			_, answer, err := ws.Read(w.ctx)
			w.must(err)
			if strings.Contains(string(answer), "/oscrouter/register/tim/"+oscGroup) {
				return
			}
		}
	}
	ask()
	first := shown()
	w.must(peer.WriteCert(dir, gatewayDomain))
	if !bytes.Equal(shown(), first) {
		t.Error("a new file is shown before anybody has asked for that")
	}
	w.must(g.Reload(mapping))
	w.must(peer.Poll(w.ctx, func(context.Context) bool { return !bytes.Equal(shown(), first) }))
	ask()
}
