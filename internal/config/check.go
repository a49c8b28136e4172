package config

import (
	"net"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"time"

	"gateway/bridge"
)

// A node's name goes into message ids, and so into host names.
var nodeName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9.-]{0,61}[A-Za-z0-9])?$`)

// checkGateway completes [gateway] and looks for mistakes of meaning.
func (l *loader) checkGateway(g *Gateway) {
	bad := func(key, msg string) { l.meaning("gateway", key, msg, false) }
	if g.Node == "" && !l.given("gateway.node") {
		g.Node = l.hostNode()
	}
	if !nodeName.MatchString(g.Node) {
		bad("node", "want 1 to 63 letters, digits, '-' and '.', a letter or digit first and last")
	}
	switch {
	case g.State == "":
		bad("state", "want the name of a directory")
	case !filepath.IsAbs(g.State):
		g.State = filepath.Join(l.secrets.dir, g.State)
	}
	switch {
	case g.Records == "" && l.given("gateway.records"):
		bad("records", "want the name of a file")
	case g.Records != "" && !filepath.IsAbs(g.Records):
		g.Records = filepath.Join(l.secrets.dir, g.Records)
	}
	l.checkStore(g)
	if msg := checkHTTP(g.HTTP); msg != "" {
		bad("http", msg)
	}
	if _, ok := logLevel(g.Log); !ok {
		bad("log", `want "debug", "info", "warn" or "error"`)
	}
	if g.LogFormat != "text" && g.LogFormat != "json" {
		bad("log_format", `want "text" or "json"`)
	}
}

// given reports whether the file has a key.
func (l *loader) given(key string) bool {
	_, rest := l.root.find(key)
	return rest == ""
}

// hostNode makes a node's name of the host's, "" if that can't be.
func (l *loader) hostNode() string {
	host, err := l.host()
	if err != nil {
		return ""
	}
	fit := strings.Map(func(r rune) rune {
		if r < 0x80 && nodeName.MatchString(string(r)) || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, host)
	return strings.Trim(fit[:min(len(fit), 63)], "-.")
}

func checkHTTP(addr string) string {
	if addr == "" {
		return ""
	}
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return `want host:port, as in "127.0.0.1:8080" or "[::1]:8080"`
	}
	if _, err := strconv.ParseUint(port, 10, 16); err != nil {
		return "want a port from 0 to 65535"
	}
	if strings.ContainsFunc(host, func(r rune) bool { return r <= ' ' || r == 0x7f || r == '/' || r == '@' }) {
		return "want a host before the port"
	}
	return ""
}

// checkLimits gives [limits] in the bridge's words.
func (l *loader) checkLimits(lim limits) bridge.Limits {
	for key, n := range map[string]int{
		"messages_per_sender": lim.MessagesPerSender,
		"messages_per_second": lim.MessagesPerSecond,
		"calls":               lim.Calls,
		"calls_per_sender":    lim.CallsPerSender,
		"calls_per_second":    lim.CallsPerSecond,
		"transcoded":          lim.Transcoded,
	} {
		if n < 0 || n > maxRate {
			l.meaning("limits", key, "want 0 (no limit) to "+strconv.Itoa(maxRate), false)
		}
	}
	return bridge.Limits(lim)
}

// The bounds of [media] dead: less would end calls in which somebody thinks.
const (
	leastDead = 5 * time.Second
	mostDead  = 24 * time.Hour
)

// checkMedia looks for mistakes of meaning in [media].
func (l *loader) checkMedia(m Media) {
	if _, _, ok := m.Range(); !ok {
		l.meaning("media", "ports", `want a range of ports from 1024 to 65535 with room for a call, as in "20000-29999"`, false)
	}
	if m.Dead < leastDead || m.Dead > mostDead {
		l.meaning("media", "dead", "want 5s to 24h", false)
	}
	if !m.reflects() {
		l.meaning("media", "stun", `want "host:port", as in "stun.example.org:3478"`, false)
	}
}

// reflects reports whether STUN can be what it should.
func (m Media) reflects() bool {
	host, port, err := net.SplitHostPort(m.STUN)
	n, bad := strconv.ParseUint(port, 10, 16)
	return m.STUN == "" || err == nil && bad == nil && host != "" && n > 0
}

// maxRate is more than a machine can do.
const maxRate = 1_000_000

// checkAdapters has every adapter look for its mistakes of meaning.
func (l *loader) checkAdapters(list []Adapter) {
	if len(list) == 0 {
		l.probs.put(0, "", "there is no adapter in this file", true)
	}
	for _, a := range list {
		a.Config.Check(func(key, msg string) { l.meaning(a.table(), key, msg, false) })
	}
	l.checkClaims(list)
	l.checkEnrolment(list)
}

// An enroller is a bridge.Config of an adapter at whose peer others may register,
// or says why nobody can.
type enroller interface{ CanEnroll() string }

// checkEnrolment checks the adapters at whose peers another one's clients register.
func (l *loader) checkEnrolment(list []Adapter) {
	byName := map[string]bridge.Config{}
	for _, a := range list {
		byName[a.Name] = a.Config
	}
	for _, a := range list {
		c, ok := a.Config.(interface{ Enrolls() []string })
		if !ok {
			continue
		}
		for i, at := range c.Enrolls() {
			key := "enroll[" + strconv.Itoa(i) + "]"
			other, there := byName[at]
			e, able := other.(enroller)
			switch {
			case !there:
				l.meaning(a.table(), key, "no adapter is called "+strconv.Quote(clip(at)), false)
			case !able:
				l.meaning(a.table(), key, strconv.Quote(at)+" is of a kind that registers nobody", false)
			case e.CanEnroll() != "":
				l.meaning(a.table(), key, strconv.Quote(at)+" "+e.CanEnroll(), false)
			}
		}
	}
}

// A claimer is a bridge.Config that says what only one adapter can have: a
// socket, a name in its network.
type claimer interface{ Claims() []string }

func (l *loader) checkClaims(list []Adapter) {
	owner := map[string]string{}
	for _, a := range list {
		c, ok := a.Config.(claimer)
		if !ok {
			continue
		}
		for _, claim := range c.Claims() {
			if first := owner[claim]; first != "" && first != a.table() {
				l.meaning(a.table(), "", claim+" is "+first+"'s already", false)
			}
			owner[claim] = a.table()
		}
	}
}

// meaning reports what a check of meaning found with key in the table top,
// unless it is a consequence of what was found before. A key that the file does
// not have is reported where it should stand.
func (l *loader) meaning(top, key, msg string, warn bool) {
	full := top
	switch {
	case key != "" && key[0] == '[':
		full += key
	case key != "":
		full += "." + key
	}
	n, rest := l.root.find(cut(full, maxPath))
	at := n.path()
	switch {
	case rest != "" && rest[0] == '[':
		at += rest
	case rest != "":
		at = join(at, rest)
	}
	if !warn && l.probs.blamed(top, at) {
		return
	}
	l.probs.put(n.val, at, msg, warn)
}
