package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"gateway/bridge"
)

func composing(state, more string) query {
	q := text1(`<?xml version="1.0" encoding="UTF-8"?><isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing"><state>` + state + `</state>` + more + `</isComposing>`)
	q.lines[1] = "Content-Type: application/im-iscomposing+xml"
	return q
}

func TestTypingReachesTheBridgeOnce(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	b.h.answerWith(0, &bridge.Error{Cause: bridge.NotFound}) // nobody shall hear of it
	for _, q := range []query{composing("idle", ""), composing("active", "<refresh>60</refresh>"), composing("active", ""), composing("idle", ""), composing("idle", "")} {
		if res := p.ask(b.udp, q.text()); code(res) != 200 {
			t.Error(res)
		}
	}
	for _, active := range []bool{true, false} {
		m := next(t, b.h.messages, "a notice")
		if m.Kind != bridge.Composing || m.Active != active || m.From.Name != "bob" || m.To.Name != "alice" || m.Hops != 70 {
			t.Errorf("%+v", m)
		}
	}
	b.h.answerWith(bridge.Taken, nil)
	p.ask(b.udp, composing("active", "").text())
	p.ask(b.udp, text1("written").text())
	p.ask(b.udp, composing("idle", "").text()) // which the text has said
	next(t, b.h.messages, "a notice")
	if m := next(t, b.h.messages, "a text"); m.Body() != "written" || len(b.h.messages) != 0 {
		t.Errorf("%+v and %d more", m, len(b.h.messages))
	}
}

func TestWhoStopsWithoutAWordHasStopped(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	p.ask(b.udp, composing("active", "<refresh>200</refresh>").text())
	next(t, b.h.messages, "a notice")
	e := b.a.engine.Load()
	e.tellStopped(time.Now().Add(190 * time.Second))
	if len(b.h.messages) != 0 {
		t.Error("not yet")
	}
	for range 2 {
		e.tellStopped(time.Now().Add(201 * time.Second))
	}
	if m := next(t, b.h.messages, "a notice"); m.Active || m.Kind != bridge.Composing || m.From.Name != "bob" || len(b.h.messages) != 0 {
		t.Errorf("%+v and %d more", m, len(b.h.messages))
	}
}

func TestTypistsAreBounded(t *testing.T) {
	t.Parallel()
	var all typists
	now := time.Now()
	party := func(i int) bridge.Party { return bridge.Party{Address: bridge.Address{Name: fmt.Sprint(i)}} }
	for i := range maxTyping {
		if tell, full := all.active(party(i), party(-1), 0, now); !tell || full {
			t.Fatal(i)
		}
	}
	if tell, full := all.active(party(maxTyping), party(-1), 0, now); tell || !full {
		t.Error("there is no end")
	}
	if tell, _ := all.active(party(1), party(-1), 0, now.Add(time.Second)); tell {
		t.Error("a quick repeat is told")
	}
	if tell, _ := all.active(party(1), party(-1), 0, now.Add(refreshLeast)); !tell {
		t.Error("a refresh is not told")
	}
	if n := len(all.stopped(now.Add(typingTime))); n != maxTyping-1 {
		t.Errorf("%d have stopped", n)
	}
}

// notice is a typing notice of the bridge's.
func (b *bench) notice(active bool) bridge.Message {
	m := b.message("2001", "alice")
	m.Kind, m.Active, m.Bodies = bridge.Composing, active, nil
	return m
}

func TestTypingIsToldToPhones(t *testing.T) {
	t.Parallel()
	b := withAccounts(t, nil)
	silent := func(what string, m bridge.Message) {
		t.Helper()
		if r := next(t, b.send(m), "the outcome"); r.o != bridge.Taken || r.err != nil {
			t.Errorf("%s: %v, %v", what, r.o, r.err)
		}
	}
	silent("nobody is there", b.notice(true))
	phone := registered(t, b)
	silent("he has not begun", b.notice(false))
	ch := b.send(b.notice(true))
	out := phone.answerNext(200)
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken {
		t.Error(r.err)
	}
	for _, want := range []string{
		"\r\nContent-Type: application/im-iscomposing+xml\r\n", `<isComposing xmlns="urn:ietf:params:xml:ns:im-iscomposing">`,
		"<state>active</state><contenttype>text/plain</contenttype><refresh>180</refresh>",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in %s", want, out)
		}
	}
	silent("a repeat", b.notice(true))
	ch = b.send(b.notice(false))
	if out := phone.answerNext(200); !strings.Contains(out, "<state>idle</state></isComposing>") {
		t.Error(out)
	}
	next(t, ch, "the outcome")
	for range 2 { // a text ends it: it is news again
		ch = b.send(b.notice(true))
		phone.answerNext(200)
		next(t, ch, "the outcome")
		ch = b.send(b.message("2001", "alice"))
		phone.answerNext(200)
		next(t, ch, "the outcome")
	}
	silent("a text has said so", b.notice(false))
}

func TestWhoDoesNotCareForTypingIsSpared(t *testing.T) {
	t.Parallel()
	for _, status := range []int{415, 405, 501, 489, 406, 488, 606} {
		b, p := withPeer(t, nil)
		ch := b.send(b.notice(true))
		p.answerNext(status)
		if r := next(t, ch, "the outcome"); r.o != bridge.Taken || r.err != nil {
			t.Errorf("%d: %v, %v", status, r.o, r.err)
		}
		for _, active := range []bool{false, true} {
			if r := next(t, b.send(b.notice(active)), "the outcome"); r.o != bridge.Taken {
				t.Errorf("%d: %v", status, r.err)
			}
		}
		ch = b.send(b.message("2001", "alice"))
		if out := p.answerNext(200); header(out, "Content-Type") != "text/plain;charset=UTF-8" {
			t.Errorf("%d: %s", status, out)
		}
		next(t, ch, "the outcome")
	}
}

func TestARefusalOfTheMomentIsNotRemembered(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	for range 2 {
		ch := b.send(b.notice(true))
		p.answerNext(480)
		if r := next(t, ch, "the outcome"); r.o != bridge.Taken || r.err != nil {
			t.Error(r.o, r.err)
		}
	}
}

func TestANoticeThatComesBackIsALoop(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	ch := b.send(b.notice(true))
	out := p.answerNext(200)
	next(t, ch, "the outcome")
	_, tag, _ := strings.Cut(header(out, "From"), ";tag=")
	if res := p.ask(b.udp, strings.Replace(composing("active", "").text(), "tag=f1", "tag="+tag, 1)); code(res) != 482 {
		t.Error(res)
	}
}

func TestTastesAreBoundedAndForgotten(t *testing.T) {
	t.Parallel()
	var all tastes
	now := time.Now()
	for i := range 2 * maxTastes {
		all.note(askingForm, fmt.Sprint(i), now.Add(time.Minute))
	}
	if len(all.until) != maxTastes {
		t.Errorf("%d are remembered", len(all.until))
	}
	all.note(askingForm, "x", now.Add(time.Minute))
	if !all.refuses(askingForm, "x", now) || all.refuses(composingForm, "x", now) || all.refuses(askingForm, "x", now.Add(time.Minute)) {
		t.Error("not what was noted")
	}
	all.sweep(now.Add(time.Minute))
	if len(all.until) != 0 {
		t.Errorf("%d stay for ever", len(all.until))
	}
}

func TestNoticesAreSweptAndBounded(t *testing.T) {
	t.Parallel()
	var all notices
	now := time.Now()
	for i := range maxTyping {
		all.due(pair{fmt.Sprint(i), "x"}, true, now)
	}
	if all.due(pair{"one", "more"}, true, now) {
		t.Error("there is no end")
	}
	if all.due(pair{"1", "x"}, true, now.Add(refreshLeast-1)) || !all.due(pair{"1", "x"}, true, now.Add(refreshLeast)) {
		t.Error("refreshed too fast, or not at all")
	}
	if all.due(pair{"2", "x"}, false, now.Add(composingRefresh)) {
		t.Error("it had run out by itself")
	}
	all.sweep(now.Add(composingRefresh))
	if len(all.sent) != 1 {
		t.Errorf("%d stay", len(all.sent))
	}
}

func TestSilenceToANoticeDoesNotHoldUpForLong(t *testing.T) {
	t.Parallel()
	b, p := withPeer(t, nil)
	ch := b.send(b.notice(true))
	p.next()
	if r := next(t, ch, "the outcome"); r.o != bridge.Taken || r.err != nil {
		t.Error(r.o, r.err)
	}
	if !b.a.engine.Load().tastes.refuses(composingForm, "peer sip:2001@"+p.addr(), time.Now()) {
		t.Error("the next notice will be waited for as long")
	}
}
