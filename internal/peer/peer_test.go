//go:build e2e

package peer

import (
	"context"
	"os"
	"testing"
	"time"
)

// labTime bounds one test. It is for machines with much else to do.
const labTime = 100 * time.Second

// newLab makes a lab that ends with the test, and shows what its programs
// printed if the test has failed.
func newLab(t *testing.T) (context.Context, *Lab) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), labTime)
	lab, err := NewLab(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		lab.Close()
		cancel()
		if t.Failed() {
			lab.Report(os.Stderr)
		}
	})
	return ctx, lab
}

func TestChatUsersWriteToEachOtherOverProsody(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	p, err := StartProsody(ctx, lab, ProsodyConfig{Users: map[string]string{"alice@example.org": "apw", "bob@example.org": `b"pw`}})
	if err != nil {
		t.Fatal(err)
	}
	c, err := StartChat(ctx, lab)
	if err != nil {
		t.Fatal(err)
	}
	const alice, bob = "alice@example.org/desk", "bob@example.org/phone"
	if err := c.Login(ctx, alice, "apw"); err != nil {
		t.Fatal(err)
	}
	if err := c.Login(ctx, bob, `b"pw`); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Grüße 👋 \"zitiert\" <&>", "after the restart"} {
		if err := c.Say(alice, "bob@example.org", "m1", text); err != nil {
			t.Fatal(err)
		}
		e, err := c.WaitText(ctx, bob, text)
		if err != nil {
			t.Fatal(err)
		}
		if e.From != alice || e.ID != "m1" || e.Type != "chat" {
			t.Errorf("bob got %+v", e)
		}
		mark := c.Out.Len()
		p.Kill()
		if err := p.Start(ctx); err != nil {
			t.Fatal(err)
		}
		for _, who := range []string{alice, bob} {
			if _, err := c.WaitAfter(ctx, mark, func(e ChatEvent) bool { return e.As == who && e.Event == "online" }); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := c.Say(alice, "nobody@example.org", "m2", "hello?"); err != nil {
		t.Fatal(err)
	}
	e, err := c.WaitError(ctx, alice, "m2")
	if err != nil {
		t.Fatal(err)
	}
	if e.Error.Condition != "service-unavailable" {
		t.Errorf("error is %+v", e.Error)
	}
	if e, err := c.Ask(ctx, alice, "example.org", "q1", "<ping xmlns='urn:xmpp:ping'/>"); err != nil || e.Type != "result" {
		t.Errorf("ping: %+v, %v", e, err)
	}
	if err := c.Logout(ctx, alice); err != nil {
		t.Fatal(err)
	}
}

func TestLinphonesWriteToEachOtherThroughKamailio(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	k, err := StartKamailio(ctx, lab, KamailioConfig{
		Domain: "pbx.example", Users: map[string]string{"1001": "pw1", "1002": "pw2"},
		Fixed: map[string]string{"1001": lab.At(PhoneHost, SIPPort)},
	})
	if err != nil {
		t.Fatal(err)
	}
	phone := func(host int, user, password string, tcp bool) *Linphone {
		p, err := StartLinphone(ctx, lab, PhoneConfig{Host: host, User: user, Password: password, Domain: "pbx.example", Server: lab.At(SIPHost, SIPPort), TCP: tcp})
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	one, two := phone(PhoneHost, "1001", "pw1", false), phone(PhoneHost+1, "1002", "pw2", true)
	const text = "Grüße 👋 \"zitiert\" <&>"
	if err := one.Send("sip:1002@pbx.example", text); err != nil {
		t.Fatal(err)
	}
	if got, err := two.WaitText(ctx, text); err != nil || got.From != "sip:1001@pbx.example" {
		t.Fatalf("1002 got %+v, %v", got, err)
	}
	k.Kill()
	if err := k.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := two.Quit(ctx); err != nil { // a phone does not look for a lost connection soon
		t.Fatal(err)
	}
	if err := two.Start(ctx); err != nil {
		t.Fatal(err)
	}
	if err := two.Send("sip:1001@pbx.example", "back?"); err != nil {
		t.Fatal(err)
	}
	if got, err := one.WaitText(ctx, "back?"); err != nil || got.From != "sip:1002@pbx.example" {
		t.Fatalf("1001 got %+v, %v", got, err)
	}
}

func TestSIPpAnswersWhatTheAddressSpells(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	server, err := StartSIPpServer(ctx, lab, SIPHost, 200)
	if err != nil {
		t.Fatal(err)
	}
	w, err := NewWire(lab.At(GatewayHost, 0), lab.At(SIPHost, SIPPort))
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	for method, codes := range map[string]map[string]int{"MESSAGE": {"404": 404, "503": 503, "1001": 200}, "OPTIONS": {"x": 200}} {
		for user, code := range codes {
			m, err := w.Do(ctx, SIPRequest{
				Method: method, URI: "sip:" + user + "@pbx.example",
				Headers: []string{"Content-Type: text/plain;charset=UTF-8"}, Body: "für " + user,
			})
			if err != nil {
				t.Fatal(err)
			}
			if m.Code() != code {
				t.Errorf("%s %s: %s", method, user, m.Start)
			}
		}
	}
	m, err := server.WaitText(ctx, "für 1001")
	if err != nil || m.Header("To") != "<sip:1001@pbx.example>" {
		t.Errorf("%+v, %v", m, err)
	}
	if n := len(server.Texts()); n != 3 {
		t.Errorf("%d texts", n)
	}
	codes, err := SendBySIPp(ctx, lab, SIPpBatch{
		Host: PhoneHost, Server: lab.At(SIPHost, SIPPort), Domain: "pbx.example",
		Texts: []SIPText{{"a", "1001", "eins 👋"}, {"a", "1002", `zw"ei`}, {"a", "404", "nein"}, {"a", "1003", "vier"}},
	})
	if err != nil || len(codes) != 4 || codes[2] != 404 {
		t.Fatalf("%v, %v", codes, err)
	}
	if _, err := server.WaitText(ctx, `zw"ei`); err != nil {
		t.Error(err)
	}
}

func TestBaresipAndSendXMPPWrite(t *testing.T) {
	t.Parallel()
	ctx, lab := newLab(t)
	server := lab.At(SIPHost, SIPPort)
	if _, err := StartKamailio(ctx, lab, KamailioConfig{Domain: "pbx.example", Users: map[string]string{"1001": "pw1", "1002": "pw2"}}); err != nil {
		t.Fatal(err)
	}
	if _, err := StartProsody(ctx, lab, ProsodyConfig{Users: map[string]string{"alice@example.org": "apw", "bob@example.org": "bpw"}}); err != nil {
		t.Fatal(err)
	}
	chat, err := StartChat(ctx, lab)
	if err != nil {
		t.Fatal(err)
	}
	if err := chat.Login(ctx, "alice@example.org/desk", "apw"); err != nil {
		t.Fatal(err)
	}
	phone, err := StartLinphone(ctx, lab, PhoneConfig{Host: PhoneHost, User: "1001", Password: "pw1", Domain: "pbx.example", Server: server})
	if err != nil {
		t.Fatal(err)
	}
	bare, err := StartBaresip(ctx, lab, PhoneConfig{Host: PhoneHost + 1, User: "1002", Password: "pw2", Domain: "pbx.example", Server: server}, "sip:1001@pbx.example")
	if err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"Grüße 👋 \"zitiert\" <&>", "noch eins"} {
		if err := bare.Send(ctx, text); err != nil {
			t.Fatal(err)
		}
		if got, err := phone.WaitText(ctx, text); err != nil || got.From != "sip:1002@pbx.example" {
			t.Fatalf("%+v, %v", got, err)
		}
		if err := SendXMPP(ctx, lab, "bob@example.org", "bpw", "alice@example.org", text); err != nil {
			t.Fatal(err)
		}
		if _, err := chat.WaitText(ctx, "alice@example.org/desk", text); err != nil {
			t.Fatal(err)
		}
	}
}
