package xmpp

import (
	"context"
	"crypto/sha1"
	"encoding/xml"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"mellium.im/xmpp/component"
	"mellium.im/xmpp/stream"

	"gateway/adapters/xmpp/wire"
	"gateway/bridge"
)

// maxPostscripts bounds how often we come back to say what is left to be said.
const maxPostscripts = 5

// sayTheRest gives the answers that are left when the last session has ended: to
// what was read after we had closed our side of the stream, or to what a lost
// session had brought. As answering brings more, it may take several times. It
// gives up when last is done.
func (a *Adapter) sayTheRest(last context.Context, h bridge.Handler) {
	var err error
	for range maxPostscripts {
		a.fates.wait(last)
		if a.out.rest() == 0 || last.Err() != nil {
			break
		}
		if err = a.postscript(last, h); err != nil {
			break
		}
	}
	a.fates.wait(last)
	if n := a.out.rest(); n > 0 {
		a.metrics.dropped.WithLabelValues("answer").Add(float64(n))
		a.env.Log.Warn("answers were not given", "count", n, "err", err)
	}
	if n := a.fates.left(); n > 0 {
		a.env.Log.Warn("messages were not answered", "count", n)
	}
}

// postscript is a session for the answers that are left. From the handshake on
// the server may send us more; so the handshake, the answers and the end of the
// stream go out at once. What comes all the same is handed on.
func (a *Adapter) postscript(last context.Context, h bridge.Handler) error {
	raw, err := a.dial(last)
	if err != nil {
		return fmt.Errorf("the server can't be reached: %w", err)
	}
	conn := wire.NewConn(raw, wire.Defaults(), writeTime, a.droppedSafely)
	defer conn.Close()
	defer context.AfterFunc(last, func() { conn.Close() })()
	d := xml.NewDecoder(conn)
	id, err := a.greet(conn, d)
	if err != nil {
		return fmt.Errorf("handshake: %w", err)
	}
	key := sha1.Sum([]byte(id + a.secret.Reveal()))
	out := fmt.Appendf(nil, "<handshake>%x</handshake>", key)
	answers := a.out.takeAll()
	if _, err := conn.Write(slices.Concat(out, answers, []byte("</stream:stream>"))); err != nil {
		a.out.back(0)
		return fmt.Errorf("write: %w", err)
	}
	tok, err := d.Token()
	if start, ok := tok.(xml.StartElement); !ok || start.Name.Local != "handshake" {
		a.out.back(0)
		return errors.Join(errors.New("handshake refused"), err)
	}
	if err := d.Skip(); err != nil {
		return nil // what matters was said
	}
	a.readToEnd(&session{conn: conn, waiting: map[string]*waiter{}}, d, h)
	return nil
}

// greet opens a stream and gives the server's id for it (XEP-0114 section 3).
func (a *Adapter) greet(conn *wire.Conn, d *xml.Decoder) (string, error) {
	var to strings.Builder
	_ = xml.EscapeText(&to, []byte(a.domain)) // a Builder takes everything
	_, err := fmt.Fprintf(conn, "<stream:stream xmlns='%s' xmlns:stream='%s' to='%s'>", component.NSAccept, stream.NS, to.String())
	if err != nil {
		return "", err
	}
	tok, err := d.Token() // that it is a stream's, package wire has seen to
	if err != nil {
		return "", err
	}
	start, ok := tok.(xml.StartElement)
	if !ok {
		return "", errors.New("no stream")
	}
	return attrOf(start, "id"), nil
}

// readToEnd hands on what the server had sent before it closed the stream.
func (a *Adapter) readToEnd(s *session, d *xml.Decoder, h bridge.Handler) {
	for {
		tok, err := d.Token()
		if err != nil {
			return
		}
		if start, ok := tok.(xml.StartElement); ok && start.Name.Space == component.NSAccept {
			if a.receive(s, h, d, start) != nil {
				return
			}
		}
	}
}

// outliving gives a context that is done so long after parent.
func outliving(parent context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	timer := time.AfterFunc(d, cancel)
	timer.Stop()
	stop := context.AfterFunc(parent, func() { timer.Reset(d) })
	return ctx, func() {
		stop()
		cancel()
		timer.Stop()
	}
}
