package xmpp

import (
	"encoding/xml"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"gateway/bridge"
	"gateway/bridge/media"
	"gateway/bridge/media/mediatest"
)

// TestScenarios plays the files of testdata/calls: each is a call with a client
// of one kind, as a sequence of
//
//	client   stanzas that the client sends
//	gateway  the next stanza of ours: what is written must be in it; in any order, the next ones, where two legs speak
//	bridge   commands of the bridge: called, what the caller is called for people; dial, ring, answer, accept, prompt, offer, refuse,
//	         digit, hangup; take and refuse-calls say what it does with a call that comes
//	events   all that the leg has said since; in any order, where two legs speak
//	plane    what the media plane says of the last port, or of the n-th
//	setting  what the last port was told last
//	wait     a time
//
// $NAME stands for the same text everywhere, and takes it where we say it
// first. What we send besides, and what the leg says besides, fails the test.
func TestScenarios(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("testdata/calls/*.txtar")
	if err != nil || len(files) < 8 {
		t.Fatalf("%d scenarios: %v", len(files), err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			t.Parallel()
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			play(t, string(text))
		})
	}
}

// A stage is where a scenario is played.
type stage struct {
	*rig
	plane  *mediatest.Plane
	names  map[string]string
	leg    bridge.Leg
	events *noted
	refuse bridge.Cause
	caller string // what the caller is called for people
	line   string
}

// noted are the events of a leg as text.
type noted struct{ lines chan string }

func (n *noted) Post(ev bridge.Event) { n.lines <- eventText(ev) }

func play(t *testing.T, text string) {
	t.Helper()
	s := &stage{plane: &mediatest.Plane{}, names: map[string]string{}, events: &noted{make(chan string, 1000)}}
	inRig(t, func(r *rig) {
		s.rig = r
		r.a.env.Media = s.plane
		r.a.route = onNetwork
		r.h.called = func(inv bridge.Invite, open func(bridge.Events) bridge.Leg) error {
			o := ""
			if inv.Plain {
				o = " plain"
			}
			s.events.lines <- "call " + inv.From.Name + " > " + inv.To.Name + o + descText(inv.Offer.Desc)
			if s.refuse != 0 {
				return &bridge.Error{Op: "call", Cause: s.refuse}
			}
			s.leg = open(s.events)
			return nil
		}
	}, func(r *rig) {
		<-r.h.states
		for i, section := range strings.Split("\n"+text, "\n-- ")[1:] {
			kind, body, _ := strings.Cut(section+"\n", " --\n")
			s.line = fmt.Sprintf("section %d, %s", i+1, kind)
			s.step(kind, body)
			if t.Failed() {
				break
			}
		}
		synctest.Wait()
		if !t.Failed() {
			s.line = "the end"
			s.noMore()
			s.expectEvents("")
		}
		r.a.calls.close()
		synctest.Wait()
		if n := s.plane.Count(); n != 0 {
			t.Errorf("%d ports are open", n)
		}
	})
}

func (s *stage) step(kind, body string) {
	s.t.Helper()
	synctest.Wait()
	body = strings.TrimSpace(body)
	switch kind {
	case "client":
		s.send("%s", s.filled(body))
	case "gateway":
		s.expect(body)
	case "gateway in any order":
		s.expectEach(body)
	case "events":
		s.expectEvents(body)
	case "events in any order":
		s.expectAll(body)
	case "setting":
		if got := s.setting(); got != s.filled(body) {
			s.t.Errorf("%s: got\n%s\nwant\n%s", s.line, got, s.filled(body))
		}
	case "wait":
		d, err := time.ParseDuration(body)
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(d)
	case "bridge", "plane":
		for l := range strings.SplitSeq(body, "\n") {
			words := strings.Fields(s.filled(l))
			if kind == "plane" {
				s.tell(words)
			} else {
				s.command(words)
			}
			synctest.Wait()
		}
	default:
		s.t.Fatalf("%s: no such section", s.line)
	}
}

// filled puts the texts in for names.
func (s *stage) filled(text string) string {
	for _, name := range slices.Backward(slices.Sorted(maps.Keys(s.names))) {
		text = strings.ReplaceAll(text, "$"+name, s.names[name])
	}
	return text
}

func (s *stage) next() (node, bool) {
	select {
	case n := <-s.got:
		return n, true
	default:
		return node{}, false
	}
}

func (s *stage) noMore() {
	s.t.Helper()
	if n, ok := s.next(); ok {
		s.t.Errorf("%s: we have sent %s as well", s.line, nodeText(n))
	}
}

func (s *stage) expect(body string) {
	s.t.Helper()
	n, ok := s.next()
	if !ok {
		s.t.Fatalf("%s: nothing was sent", s.line)
	}
	var want node
	if err := xml.Unmarshal([]byte(body), &want); err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	if err := s.match(want, n); err != nil {
		s.t.Errorf("%s: %v in\n%s\nwant\n%s", s.line, err, nodeText(n), s.filled(body))
	}
}

// expectEach is expect for as many stanzas as are written, none of which takes a name.
func (s *stage) expectEach(body string) {
	s.t.Helper()
	var all node
	if err := xml.Unmarshal([]byte("<all>"+body+"</all>"), &all); err != nil {
		s.t.Fatalf("%s: %v", s.line, err)
	}
	for n := len(all.Kids); n > 0; n-- {
		got, ok := s.next()
		if !ok {
			s.t.Fatalf("%s: %d stanzas more were not sent", s.line, n)
		}
		i := slices.IndexFunc(all.Kids, func(want node) bool { return s.match(want, got) == nil })
		if i < 0 {
			s.t.Fatalf("%s: got\n%s\nwant\n%s", s.line, nodeText(got), s.filled(body))
		}
		all.Kids = slices.Delete(all.Kids, i, i+1)
	}
}

// match looks for want in got.
func (s *stage) match(want, got node) error {
	if want.XMLName.Local != got.XMLName.Local || want.XMLName.Space != "" && want.XMLName.Space != got.XMLName.Space {
		return fmt.Errorf("%v instead of %v", got.XMLName, want.XMLName)
	}
	for _, a := range want.Attrs {
		if a.Name.Local == "xmlns" {
			continue
		}
		if err := s.same(a.Value, got.attr(a.Name.Local)); err != nil {
			return fmt.Errorf("%s of %s: %w", a.Name.Local, want.XMLName.Local, err)
		}
	}
	if text := strings.TrimSpace(want.Text); text != "" {
		if err := s.same(text, got.Text); err != nil {
			return err
		}
	}
	for _, w := range want.Kids {
		var errs []error
		if !slices.ContainsFunc(got.Kids, func(k node) bool {
			err := s.match(w, k)
			errs = append(errs, err)
			return err == nil
		}) {
			return fmt.Errorf("no %s: %w", w.XMLName.Local, errors.Join(errs...))
		}
	}
	return nil
}

// same compares a text with what is wanted, which may be a name: "$NAME", or
// "!" for none at all.
func (s *stage) same(want, got string) error {
	if name, ok := strings.CutPrefix(want, "$"); ok && s.names[name] == "" && got != "" && !strings.Contains(name, "$") {
		s.names[name] = got
		return nil
	}
	if want == "!" {
		want = ""
	}
	if w := s.filled(want); w != got {
		return fmt.Errorf("%q instead of %q", got, w)
	}
	return nil
}

func (s *stage) expectEvents(body string) {
	s.t.Helper()
	if all := strings.Join(s.said(), "\n"); all != s.filled(body) {
		s.t.Errorf("%s: got\n%s\nwant\n%s", s.line, all, s.filled(body))
	}
}

func (s *stage) expectAll(body string) {
	s.t.Helper()
	got, want := s.said(), strings.Split(s.filled(body), "\n")
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		s.t.Errorf("%s: got %q, want %q", s.line, got, want)
	}
}

func (s *stage) said() (got []string) {
	for len(s.events.lines) > 0 {
		got = append(got, <-s.events.lines)
	}
	return got
}

// command does what a line says as the bridge.
func (s *stage) command(words []string) {
	s.t.Helper()
	rest := words[1:]
	switch words[0] {
	case "called":
		s.caller = strings.Join(rest, " ")
	case "dial", "dial-late", "dial-plain":
		inv := bridge.Invite{ID: "id", Call: "call", Hops: 9, Plain: words[0] == "dial-plain"}
		inv.From.Display = s.caller
		inv.From.Name, inv.To.Name = "1001@"+testDomain, strings.ReplaceAll(rest[0], "+", " ")
		if words[0] != "dial-late" {
			inv.Offer = &bridge.Offer{Seq: 1, Desc: soundsLike(rest[1:])}
		}
		s.leg = s.a.Dial(inv, s.events)
	case "refuse-calls":
		s.refuse = causeNamed(rest[0])
	case "ring":
		s.leg.Ring(false)
	case "prompt":
		prompter, ok := s.leg.(bridge.Prompter)
		if !ok {
			s.t.Fatal("the leg is no Prompter")
		}
		prompter.Prompt()
	case "answer":
		seq, err := strconv.ParseUint(rest[0], 10, 32)
		if err != nil {
			s.t.Fatal(err)
		}
		s.leg.Answer(uint32(seq), soundsLike(rest[1:]))
	case "accept":
		s.leg.Accept()
	case "offer":
		s.leg.Offer(bridge.Offer{Seq: 7, Desc: soundsLike(rest)})
	case "refuse":
		seq, err := strconv.ParseUint(rest[0], 10, 32)
		if err != nil {
			s.t.Fatal(err)
		}
		s.leg.Refuse(uint32(seq), causeNamed(rest[1]))
	case "digit":
		s.leg.Digit('5', 100*time.Millisecond)
	case "hangup":
		s.leg.Hangup(causeNamed(rest[0]))
	default:
		s.t.Fatalf("%s: no such command: %v", s.line, words)
	}
}

// tell has the plane say something of a port: the last, or the one that the second
// word counts.
func (s *stage) tell(words []string) {
	s.t.Helper()
	ports := s.plane.Ports()
	if len(ports) == 0 {
		s.t.Fatalf("%s: no port is open", s.line)
	}
	id := ports[len(ports)-1]
	if len(words) > 1 && words[0] != "digits" {
		n, err := strconv.Atoi(words[1])
		if err != nil || n >= len(ports) {
			s.t.Fatalf("%s: no such port", s.line)
		}
		id = ports[n]
	}
	candidate := media.Candidate{
		Foundation: "2", Component: 1, Priority: 5, Type: media.ServerReflexive, Address: addrPort("198.51.100.9:4000"), Related: addrPort("192.0.2.1:20000"),
	}
	told := map[string]media.Event{
		"connected": media.Connected{}, "secured": media.Secured{Suite: media.SuiteCM80}, "failed": media.Failed{Err: errNoWay},
		"insecure": media.Insecure{Err: errNoWay}, "lost": media.Lost{Err: errNoWay}, "heard": media.Heard{}, "silent": media.Silent{},
		"digit": media.Digit{Digit: '7', Duration: time.Second}, "forwarded": media.Digit{Digit: '8', Forwarded: true},
		"gathered":  media.Gathered{ICE: media.ICE{Ufrag: fmt.Sprintf("uf%02d", id.Slot), Pwd: "x", Candidates: []media.Candidate{candidate}}},
		"restarted": media.Gathered{ICE: media.ICE{Ufrag: "again", Pwd: "another-password-of-ours", Candidates: []media.Candidate{candidate}}},
	}
	if words[0] == "full" {
		s.plane.SetFull(true)
		return
	}
	if words[0] == "digits" {
		if got := s.plane.Digits(id); got != words[1] {
			s.t.Errorf("%s: digits %q", s.line, got)
		}
		return
	}
	if told[words[0]] == nil {
		s.t.Fatalf("%s: the plane can't say %v", s.line, words)
	}
	s.plane.Tell(id, told[words[0]])
}
