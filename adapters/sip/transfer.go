package sip

import (
	"strconv"
	"strings"
	"time"

	"gateway/adapters/sip/dialog"
	"gateway/adapters/sip/wire"
	"gateway/bridge"
)

const (
	maxTransfers = 4 // under way on one leg
	fragType     = "message/sipfrag;version=2.0"
	referTime    = 3 * time.Minute // longer than anybody lets it ring
)

// A transfer is a REFER whose sender waits to hear what has come of it (RFC
// 3515).
type transfer struct {
	event string // value of Event
	quiet bool   // it does not want to hear (RFC 4488)
}

// requested takes a request of the other side's within the dialog.
func (l *leg) requested(b *branch, r *dialog.Request) {
	switch r.Method {
	case "INFO":
		l.informed(b, r)
	case "REFER":
		l.referred(b, r)
	case "NOTIFY":
		r.Answer(481, "Subscription Does Not Exist") // we have none
	default:
		r.Answer(405, phrases[405])
	}
}

// informed takes an INFO: a key press, or nothing but a sign of life.
func (l *leg) informed(b *branch, r *dialog.Request) {
	body := r.Message.Request.Body()
	if len(body) == 0 {
		r.Answer(200, phrases[200])
		return
	}
	key, d, ok := parseDigit(r.Message.Get("Content-Type"), body)
	if !ok {
		r.Answer(415, phrases[415], wire.Field{Name: "Accept", Value: relayType + ", " + digitType})
		return
	}
	r.Answer(200, phrases[200])
	if b == l.cur {
		l.post(bridge.Digit{Digit: key, Duration: d})
	}
}

// press is the command: a key press goes out as a telephone event where those
// are taken, else by INFO.
func (l *leg) press(key rune, d time.Duration) {
	b := l.cur
	if b == nil {
		return
	}
	if p, ok := b.media.eventPort(); ok {
		l.e.env.Media.Digit(p, key, d)
		return
	}
	body, ok := writeDigit(key, d)
	if !ok {
		return
	}
	if _, err := b.call.Send("INFO", relayType, body); err != nil {
		l.logger().Info("key press not sent", "err", err)
	}
}

// responded takes what has come of a request of ours. Nothing depends on it: the
// dialog knows which answers are its end.
func (l *leg) responded(ev dialog.Responded) {
	if ev.Status < 200 || ev.Status >= 300 {
		l.debug("request not taken", "status", ev.Status, "err", ev.Err)
	}
}

// referred takes a REFER.
func (l *leg) referred(b *branch, r *dialog.Request) {
	to, leg, replaces, status := l.referTarget(b, r.Message)
	switch {
	case status != 0:
	case !l.accepted || b != l.cur || l.cause != 0:
		status = 603
	case len(l.transfers) >= maxTransfers:
		status = 480
	}
	if status != 0 {
		r.Answer(status, phrases[status])
		return
	}
	l.asked++
	id := strconv.Itoa(l.asked)
	t := &transfer{event: "refer", quiet: strings.EqualFold(strings.TrimSpace(r.Message.Get("Refer-Sub")), "false")}
	if l.asked > 1 {
		t.event += ";id=" + strconv.FormatUint(uint64(r.Message.Request.CSeq().SeqNo), 10) // RFC 3515 section 2.4.6
	}
	if l.transfers == nil {
		l.transfers = map[string]*transfer{}
	}
	l.transfers[id] = t
	if t.quiet {
		r.Answer(200, phrases[200], wire.Field{Name: "Refer-Sub", Value: "false"})
	} else {
		r.Answer(202, phrases[202])
		l.notify(b, t, 100, false)
	}
	l.post(bridge.TransferAsked{
		ID: id, To: bridge.Address{Adapter: l.e.env.Name, Name: to}, Leg: leg, Replaces: replaces,
	})
}

// referTarget reads whom a REFER is to. leg is ours that its Replaces names;
// replaces what it names elsewhere. A status, if not 0, is the refusal.
func (l *leg) referTarget(b *branch, m *wire.Message) (to, leg, replaces string, status int) {
	values := m.All("Refer-To")
	if len(values) != 1 {
		return "", "", "", 400
	}
	refer, err := dialog.ParseReferTo(values[0])
	if err != nil {
		return "", "", "", 400
	}
	if refer.Method != methodInvite || refer.URI.Scheme != "sip" && refer.URI.Scheme != "tel" {
		return "", "", "", 501
	}
	to, err = l.e.set.nameOf(&refer.URI)
	if rep := refer.Replaces; rep != nil {
		// Its tags are as we see them, whom the new INVITE would come to. As that would be,
		// it is refused while the other call rings.
		if c := l.e.dialogs.Find(rep.CallID, rep.ToTag, rep.FromTag); c != nil {
			if other := l.e.legs.of(c); other != nil && other != l && c.Established() && sameParty(c.Path(), b.call.Path()) {
				return other.far(), other.id, "", 0
			}
			return "", "", "", 481
		}
		replaces = rep.String()
	}
	if err != nil {
		return "", "", "", 400
	}
	return to, "", replaces, 0
}

// sameParty reports whether two ways lead to one party: a phone, or the peer. Who asks to
// join two calls must be in both.
func sameParty(a, b dialog.Path) bool {
	p, ok1 := a.(*path)
	q, ok2 := b.(*path)
	return ok1 && ok2 && p.account == q.account
}

// far is the name on this adapter of who is at the other end of the call.
func (l *leg) far() string {
	if l.out {
		return l.inv.From.Name
	}
	return l.inv.To.Name
}

// transferred is the command: what has come of a transfer.
func (l *leg) transferred(id string, c bridge.Cause) {
	t := l.transfers[id]
	if t == nil || l.cur == nil {
		return
	}
	delete(l.transfers, id)
	if t.quiet {
		return
	}
	status := 200
	if c != 0 {
		status = callStatusOf(c)
	}
	l.notify(l.cur, t, status, true)
}

// notify tells how far a transfer has come (RFC 3515 section 2.4.4).
func (l *leg) notify(b *branch, t *transfer, status int, last bool) {
	phrase, state := phrases[status], "active;expires="+strconv.Itoa(int(referTime/time.Second))
	if status == 100 {
		phrase = "Trying"
	}
	if last {
		state = "terminated;reason=noresource"
	}
	body := "SIP/2.0 " + strconv.Itoa(status) + " " + phrase + "\r\n"
	_, err := b.call.Send("NOTIFY", fragType, []byte(body),
		wire.Field{Name: "Event", Value: t.event}, wire.Field{Name: "Subscription-State", Value: state})
	if err != nil {
		l.logger().Info("transfer not told of", "err", err)
	}
}
