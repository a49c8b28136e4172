package rtmp

import (
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// maxName bounds the name of an account or stream, in bytes; maxURL a URL.
const (
	maxName = 256
	maxURL  = 1024
)

var errName = errors.New("want 1 to 256 bytes of text without spaces, control characters and any of / ? & #")

func foldName(n bridge.Name) (bridge.Name, error) {
	if n.Lead != "" || n.Tail != "" {
		return n, errName
	}
	if isURL(n.Main) {
		t, err := parseTarget(n.Main, false)
		if err != nil {
			return n, err
		}
		n.Main = t.String()
		return n, nil
	}
	if !isPlain(n.Main) {
		return n, errName
	}
	return n, nil
}

var errMade = errors.New("who calls can't choose the server of a stream")

// madeName refuses the URL of a server other than that which the pattern itself
// names: what a variable stands for may be a caller's word, and nobody shall have us
// connect to where they like.
func madeName(pattern string, n bridge.Name) error {
	if !isURL(n.Main) {
		return nil
	}
	fixed, _, _ := strings.Cut(pattern, "{")
	if server := serverOf(fixed); server == "" || server != serverOf(n.Main) {
		return errMade
	}
	return nil
}

// serverOf is the scheme, host and port of a URL, or of the beginning of one, as they
// compare; "" where they are not whole, or none.
func serverOf(s string) string {
	scheme, rest, ok := strings.Cut(s, "://")
	host, _, whole := strings.Cut(rest, "/")
	if !ok || !whole {
		return ""
	}
	t, err := parseTarget(scheme+"://"+host+"/app/key", false)
	if err != nil {
		return ""
	}
	return t.String()
}

// isPlain reports whether s can be the name of an account or a stream.
func isPlain(s string) bool {
	return s != "" && len(s) <= maxName && utf8.ValidString(s) && !strings.ContainsFunc(s, func(r rune) bool {
		return unicode.IsControl(r) || unicode.IsSpace(r) || strings.ContainsRune("/?&#", r)
	})
}

func isURL(s string) bool { return strings.Contains(s, "://") }

// A target is a stream on another server.
type target struct {
	secure     bool
	host, port string
	app, key   string // key with its query, if there is one
	user       string
	password   bridge.Secret
	pull       bool
	hears      taste // in what it is published; none: as the adapter has it
}

// parseTarget reads a stream's URL: rtmp://HOST[:PORT]/APP/KEY, of whose path the
// last part is the key. #pull says that it is played, #push or nothing that it is
// published: a fragment is for us, no server ever sees it.
func parseTarget(s string, credentials bool) (target, error) {
	if len(s) > maxURL || !utf8.ValidString(s) {
		return target{}, fmt.Errorf("want a URL of at most %d bytes", maxURL)
	}
	s, way, _ := strings.Cut(s, "#")
	u, err := wire.ParseURL(s)
	switch {
	case err != nil || !isDomain(u.Host) || !isPort(u.Port):
		return target{}, errors.New("want rtmp://HOST/APP/KEY or rtmps://HOST/APP/KEY") // the error might repeat a password
	case u.App == "" || u.Stream == "" || strings.HasPrefix(u.Stream, "?"):
		return target{}, errors.New("want an application and a key, as in rtmp://HOST/APP/KEY")
	case way != "" && way != "pull" && way != "push":
		return target{}, errors.New("want #pull, #push or nothing behind the URL")
	case u.User != "" && !credentials:
		return target{}, errors.New("credentials would be seen in logs: have the URL in the adapter's streams")
	}
	return target{
		secure: u.TLS, host: strings.ToLower(u.Host), port: u.Port, app: u.App, key: u.Stream, user: u.User,
		password: bridge.Secret(u.Password), pull: way == "pull",
	}, nil
}

func isPort(s string) bool {
	n, err := strconv.ParseUint(s, 10, 16)
	return err == nil && n > 0
}

// url is where the target's stream is. There are no credentials in it.
func (t target) url() wire.URL {
	return wire.URL{TLS: t.secure, Host: t.host, Port: t.port, App: t.app, Stream: t.key}
}

// String is the URL without credentials: the name of the stream. #push is left
// out.
func (t target) String() string {
	s := t.url().ConnectURL() + "/" + t.key
	if t.pull {
		s += "#pull"
	}
	return s
}

// where is the server and application, for logs: keys are secrets as often as
// not.
func (t target) where() string { return t.url().ConnectURL() }

// An address is what a client calls a party: USER, USER@DOMAIN, sip:USER@DOMAIN, or
// "Display" <sip:USER@DOMAIN>. Whatever follows the domain does not matter.
type address struct {
	user, domain, display string
}

// parseAddress reads the forms that clients use for a party.
func parseAddress(s string) (address, bool) {
	var a address
	if len(s) > maxURL || !utf8.ValidString(s) {
		return a, false
	}
	s = strings.TrimSpace(s)
	if open := strings.IndexByte(s, '<'); open >= 0 {
		end := strings.IndexByte(s[open:], '>')
		if end < 0 {
			return a, false
		}
		a.display = oneLine(strings.Trim(strings.TrimSpace(s[:open]), `"`), maxDisplay)
		s = s[open+1 : open+end]
	}
	for _, scheme := range []string{"sip:", "sips:", "tel:"} {
		if len(s) > len(scheme) && strings.EqualFold(s[:len(scheme)], scheme) {
			s = s[len(scheme):]
			break
		}
	}
	s, _, _ = strings.Cut(s, ";")
	s, _, _ = strings.Cut(s, "?")
	user, domain, hosted := strings.Cut(s, "@")
	user, err := url.PathUnescape(user)
	if err != nil || !isPlain(user) || hosted && domain == "" {
		return a, false
	}
	a.user, a.domain = user, foldDomain(domain)
	return a, !hosted || isDomain(a.domain)
}

// oneLine makes a bounded line without control characters of a text from the
// network.
func oneLine(s string, runes int) string {
	s = strings.Join(strings.Fields(strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError {
			return ' '
		}
		return r
	}, s)), " ")
	if utf8.RuneCountInString(s) > runes {
		s = string([]rune(s)[:runes])
	}
	return s
}

// The bounds of what people read.
const (
	maxDisplay = 64  // runes
	maxReason  = 200 // runes
)
