package peer

import (
	"context"
	_ "embed" // for the scenarios
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"
)

//go:embed files/sipp-uas.xml
var sippUAS string

//go:embed files/sipp-uac.xml
var sippUAC string

// sendPort is where SIPp sends from, so that it can answer at the same host.
const sendPort = SIPPort + 2

// SIPp is a SIP scenario player (https://sipp.sourceforge.net).
type SIPp struct {
	Program
	trace string // the file with every message
}

// StartSIPpServer runs a SIP server at host that answers every MESSAGE with
// code (200, or one of those below); one for a user who is called 302, 403,
// 404, 410, 480, 486, 500, 503 or 603, with that.
func StartSIPpServer(ctx context.Context, lab *Lab, host, code int) (*SIPp, error) {
	dir, err := lab.Dir(fmt.Sprintf("sipp-%d-answers-%d", host, code))
	if err != nil {
		return nil, err
	}
	spelled := []int{302, 403, 404, 410, 480, 486, 500, 503, 603}
	file, err := fill(dir, "uas.xml", sippUAS, map[string]any{
		"Code": code, "Spelled": spelled, "All": append([]int{200}, spelled...),
	})
	if err != nil {
		return nil, err
	}
	s, err := newSIPp(lab, dir, file, host, SIPPort)
	if err != nil {
		return nil, err
	}
	s.ready = func(ctx context.Context) error { return bindsUDP(ctx, lab.At(host, SIPPort)) }
	return s, s.Start(ctx)
}

func newSIPp(lab *Lab, dir, scenario string, host, port int, args ...string) (*SIPp, error) {
	binary, err := need("sipp")
	if err != nil {
		return nil, err
	}
	s := &SIPp{trace: filepath.Join(dir, "messages.log")}
	argv := []string{
		binary, "-sf", scenario, "-i", lab.Host(host), "-p", strconv.Itoa(port), "-t", "u1",
		"-nostdin", "-trace_msg", "-message_file", s.trace, "-message_overwrite", "false", "-ringbuffer_size", "0",
	}
	s.Program = Program{
		Name: "sipp at ." + strconv.Itoa(host), dir: dir,
		argv: append(argv, args...), env: []string{"TERM=dumb", "LC_ALL=C.UTF-8"},
	}
	lab.add(&s.Program)
	return s, nil
}

// A SIPText is a MESSAGE that SIPp sends.
type SIPText struct {
	From, To string // users
	Text     string // one line, without ";"
}

// SIPpBatch is messages that SIPp sends one after the other, each when the one
// before has been answered.
type SIPpBatch struct {
	Host           int    // SIPp's own
	Server         string // host:port
	Domain         string // of From and To
	User, Password string // for the digest, if it is asked for
	Texts          []SIPText
}

// SendBySIPp sends the batch and gives the final answers' codes, in order; the
// challenges are left out. It stops at an answer other than 200 and 202.
func SendBySIPp(ctx context.Context, lab *Lab, b SIPpBatch) ([]int, error) {
	dir, err := lab.Dir(fmt.Sprintf("sipp-%d-sends-%d", b.Host, time.Now().UnixNano()))
	if err != nil {
		return nil, err
	}
	file, err := fill(dir, "uac.xml", sippUAC, b)
	if err != nil {
		return nil, err
	}
	var table strings.Builder
	table.WriteString("SEQUENTIAL\n")
	for _, t := range b.Texts {
		fmt.Fprintf(&table, "%s;%s;%s\n", t.From, t.To, t.Text)
	}
	texts, err := write(dir, "texts.csv", table.String())
	if err != nil {
		return nil, err
	}
	n := strconv.Itoa(len(b.Texts))
	s, err := newSIPp(lab, dir, file, b.Host, sendPort, "-inf", texts, "-m", n, "-l", "1", "-r", "200", "-default_behaviors", "all,-bye", "-timeout", "60", b.Server)
	if err != nil {
		return nil, err
	}
	if err := s.Start(ctx); err != nil {
		return nil, err
	}
	if _, err := s.Wait(ctx); err != nil {
		return nil, err
	}
	var codes []int
	for _, m := range s.Messages() {
		if c := m.Code(); c >= 200 && m.Method() == "MESSAGE" && c != 401 && c != 407 {
			codes = append(codes, c)
		}
	}
	return codes, nil
}

var sippRecord = regexp.MustCompile(`(?m)^-{20,} .*\n(?:UDP|TCP) message (received|sent) \[(\d+)\] ?bytes ?:\n\n`)

// Messages is what SIPp has received so far, requests and responses, in order.
func (s *SIPp) Messages() []SIPMessage {
	raw, err := os.ReadFile(s.trace)
	if err != nil {
		return nil // nothing yet
	}
	var all []SIPMessage
	for len(raw) > 0 {
		at := sippRecord.FindSubmatchIndex(raw)
		if at == nil {
			break
		}
		n, err := strconv.Atoi(string(raw[at[4]:at[5]]))
		if err != nil || at[1]+n > len(raw) {
			break // still being written
		}
		if string(raw[at[2]:at[3]]) == "received" {
			all = append(all, ParseSIP(string(raw[at[1]:at[1]+n])))
		}
		raw = raw[at[1]+n:]
	}
	return all
}

// Texts is the MESSAGE requests received so far, in order.
func (s *SIPp) Texts() []SIPMessage {
	var all []SIPMessage
	for _, m := range s.Messages() {
		if strings.HasPrefix(m.Start, "MESSAGE ") {
			all = append(all, m)
		}
	}
	return all
}

// WaitText gives the first MESSAGE whose text is text.
func (s *SIPp) WaitText(ctx context.Context, text string) (SIPMessage, error) {
	var found SIPMessage
	err := Poll(ctx, func(context.Context) bool {
		for _, m := range s.Texts() {
			if m.Text() == text {
				found = m
				return true
			}
		}
		return false
	})
	if err != nil {
		return found, fmt.Errorf("%s waits for %q: %w", s.Name, text, err)
	}
	return found, nil
}
