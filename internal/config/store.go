package config

import (
	"net/url"
	"strconv"
	"strings"
)

const wantStore = "want nats://[USER:PASSWORD@]HOST[:PORT] or tls://…, with commas between several"

// checkStore looks at the URLs of the operator's NATS, and has Print show them
// without what is secret in them.
func (l *loader) checkStore(g *Gateway) {
	if g.Store == "" {
		return
	}
	shown, ok := maskStore(g.Store.Reveal())
	if !ok {
		l.meaning("gateway", "store", wantStore, false)
		return
	}
	if _, from := l.secrets.shown["gateway.store"]; !from {
		l.secrets.shown["gateway.store"] = shownSecret{value: shown}
	}
	if !l.given("gateway.node") {
		l.meaning("gateway", "store", "its streams are named by node, which is this host's name: set node, or they are lost with the name", true)
	}
}

// maskStore gives the URLs with "***" for user and password, and whether they
// are what the store takes.
func maskStore(list string) (string, bool) {
	var shown []string
	for text := range strings.SplitSeq(list, ",") {
		u, err := url.Parse(strings.TrimSpace(text))
		if err != nil || u.Scheme != "nats" && u.Scheme != "tls" || u.Hostname() == "" || u.Opaque != "" ||
			strings.Trim(u.Path, "/") != "" || u.RawQuery != "" || u.ForceQuery || u.Fragment != "" || !fitPort(u) {
			return "", false
		}
		host := u.Scheme + "://"
		if u.User != nil {
			host += masked + "@"
		}
		shown = append(shown, host+u.Host)
	}
	return strings.Join(shown, ","), true
}

// masked stands for a user and a password.
const masked = "***"

func fitPort(u *url.URL) bool {
	if u.Port() == "" {
		return !strings.HasSuffix(u.Host, ":")
	}
	n, err := strconv.ParseUint(u.Port(), 10, 16)
	return err == nil && n > 0
}
