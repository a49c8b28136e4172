package rtmp

import (
	"fmt"
	"strings"
	"testing"

	"gateway/bridge"
)

// enrolling has the peer know erin alone.
func enrolling(t *testing.T) *rig {
	t.Helper()
	r := run(t, func(c *Config) { c.Enroll, c.OtherLogins = []string{"pbx"}, true })
	r.h.EnrollBy(func(e bridge.Enrolment) error {
		switch {
		case e.At != "pbx" || e.User != "erin":
			return &bridge.Error{Op: "register", Cause: bridge.NotFound, Reason: "Unknown user"}
		case e.Login != "erin-7" || e.Password.Reveal() != "hush" && e.Password.Reveal() != "new":
			return &bridge.Error{Op: "register", Cause: bridge.Unauthorized, Reason: "Wrong password"}
		}
		return nil
	})
	return r
}

func TestClientsEnroll(t *testing.T) {
	t.Parallel()
	r := enrolling(t)
	first := r.connect("sip/erin@peer.example", "erin-7", "hush", "Erin")
	r.h.WaitReachable(bridge.Address{Name: "erin"})
	second := r.connect("sip/erin@peer.example/2", "erin-7", "hush", "Erin") // shares it
	r.h.TakeCalls(nil)
	first.say("invite", "sip:dave@peer.example") // whose domain that is, too
	if inv := r.h.Call(0).Invite; inv.From.Name != "erin" || inv.To.Name != "dave" {
		t.Errorf("a call by %+v", inv)
	}
	_ = first.Close()
	_ = second.Close()
	r.h.Left(1)
	third := r.connect("sip/erin@peer.example/3", "erin-7", "new", "Erin")
	_ = third.Close()
	if left := r.h.Left(2); left[0].Password.Reveal() != "hush" || left[1].Password.Reveal() != "new" {
		t.Errorf("%d enrolments ended", len(left))
	}
}

// TestNobodyGuessesAtAnEnrolment: a password for a name that is registered is compared
// here, and each that is wrong is counted.
func TestNobodyGuessesAtAnEnrolment(t *testing.T) {
	t.Parallel()
	r := enrolling(t)
	r.connect("sip/erin@peer.example", "erin-7", "hush")
	for i := range freeTries {
		_, err := r.dial("sip/erin@peer.example", "erin-7", "new") // which the peer would take
		if _, description := refusal(t, err); description != "401 Unauthorized" {
			t.Errorf("guess %d: %q", i, description)
		}
	}
	_, err := r.dial("sip/erin@peer.example", "erin-7", "hush")
	if _, description := refusal(t, err); !strings.HasPrefix(description, "608 ") {
		t.Errorf("the right one after that: %q", description)
	}
	if n := r.h.Enrolments(); n != 1 {
		t.Errorf("the peer was asked %d times", n)
	}
}

// TestWhoThePeerRefusesLater is logged out, and the name is free for another password.
func TestWhoThePeerRefusesLater(t *testing.T) {
	t.Parallel()
	r := enrolling(t)
	first, second := r.connect("sip/erin@peer.example", "erin-7", "hush"), r.connect("call/erin", "erin-7", "hush")
	r.h.TellEnrolled(0, &bridge.Error{Op: "register", Cause: bridge.Timeout}) // which passes
	r.h.TellEnrolled(0, nil)
	r.h.TellEnrolled(0, &bridge.Error{Op: "register", Cause: bridge.Unauthorized, Reason: "Wrong password"})
	first.ended()
	second.ended()
	r.h.Left(1)
	r.connect("sip/erin@peer.example", "erin-7", "new")
}

// TestALoginIsForItsOwnName, unless the operator says otherwise.
func TestALoginIsForItsOwnName(t *testing.T) {
	t.Parallel()
	r := run(t, func(c *Config) { c.Enroll = []string{"pbx"} })
	r.h.EnrollBy(func(bridge.Enrolment) error { return nil })
	_, err := r.dial("sip/bob-9@peer.example", "carol", "hers")
	if _, description := refusal(t, err); description != "401 log in by your own name" {
		t.Errorf("by another's login: %q", description)
	}
	r.connect("sip/carol@peer.example", "carol@peer.example", "hers")
	_, err = r.dial("sip/carol@127.0.0.1", "carol", "other")
	if _, description := refusal(t, err); description != "401 Unauthorized" {
		t.Errorf("by another domain: %q", description)
	}
	r.connect("sip/carol@127.0.0.1", "carol", "hers")
}

// TestStrangersAskThePeerSeldom, whatever names they make up.
func TestStrangersAskThePeerSeldom(t *testing.T) {
	t.Parallel()
	r := enrolling(t)
	const asked = sourceTries + 10
	refused := 0
	for i := range asked {
		name := fmt.Sprintf("name%d", i)
		_, err := r.dial("sip/"+name+"@peer.example", name, "x")
		if _, description := refusal(t, err); strings.HasPrefix(description, "608 ") {
			refused++
		}
	}
	if n := r.h.Enrolments(); refused == 0 || n+refused != asked {
		t.Errorf("of %d the peer was asked for %d", asked, n)
	}
}

func TestEnrolmentsThatFail(t *testing.T) {
	t.Parallel()
	r := enrolling(t)
	for _, c := range []struct{ app, login, password, want string }{
		{"sip/erin@peer.example", "erin-7", "wrong", "401 Wrong password"},
		{"sip/frank@peer.example", "frank", "hush", "404 Unknown user"},
		{"sip/erin@other.example", "erin-7", "hush", "404 Not Found"},
		{"sip/alice", "alice", "hush", "401 Unauthorized"}, // an account is none of the peer's
	} {
		_, err := r.dial(c.app, c.login, c.password)
		if code, description := refusal(t, err); code != codeRejected || description != c.want {
			t.Errorf("%s %s: %s %q, want %q", c.app, c.password, code, description, c.want)
		}
	}
	r.h.EnrollBy(nil)
	_, err := r.dial("sip/erin", "erin-7", "hush")
	if _, description := refusal(t, err); !strings.HasPrefix(description, "501 ") {
		t.Errorf("where nobody can: %q", description)
	}
}

// TestEnrolledPublishers show who they are by the URL.
func TestEnrolledPublishers(t *testing.T) {
	t.Parallel()
	r := enrolling(t)
	r.h.TakeCalls(nil)
	c := r.connect("call/erin", "erin-7", "hush")
	c.utter(c.publishes("dave"), 0, 0xb2, 1)
	if inv := r.h.Call(0).Invite; inv.From.Name != "erin" || inv.To.Name != "dave" {
		t.Errorf("a call by %+v", inv)
	}
	_ = c.Close()
	r.h.Left(1)
}
