package wire

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"net/url"
	"strings"
)

// A URL is that of a stream on an RTMP server. What a slash, a colon or a
// question mark in it means nobody has laid down: it is read as ffmpeg and OBS do.
type URL struct {
	TLS      bool   // rtmps
	Host     string // a name or an address, without brackets
	Port     string
	User     string
	Password string
	App      string // the application that is connected to: "sip/alice@example.org"
	Stream   string // what is published or played, its query with it; "" if there is none
}

// The ports that a URL need not say.
const (
	plainPort = "1935"
	tlsPort   = "443"
)

// maxURL is how many bytes of a URL are looked at.
const maxURL = 4096

var errURL = errors.New("no URL of RTMP")

// ParseURL reads rtmp://[user[:password]@]host[:port]/app[/...]/stream. The stream is the last part of the
// path, or all from the part on that begins like "mp4:" behind the application.
func ParseURL(s string) (URL, error) {
	if len(s) > maxURL || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r == 0x7f }) {
		return URL{}, errURL
	}
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return URL{}, errURL
	}
	u := URL{Port: plainPort}
	switch strings.ToLower(scheme) {
	case "rtmp":
	case "rtmps":
		u.TLS, u.Port = true, tlsPort
	default:
		return URL{}, fmt.Errorf("%w: scheme %q", errURL, scheme)
	}
	authority, path, _ := strings.Cut(rest, "/")
	if err := u.authority(authority); err != nil {
		return URL{}, err
	}
	u.path(path)
	return u, nil
}

func (u *URL) authority(s string) error {
	parsed, err := url.Parse("rtmp://" + s)
	if err != nil || parsed.Hostname() == "" || parsed.Path != "" || parsed.RawQuery != "" || parsed.Fragment != "" {
		return fmt.Errorf("%w: host", errURL) // what is in it may be a password
	}
	if _, err := netip.ParseAddr(parsed.Hostname()); err != nil && strings.Contains(parsed.Hostname(), ":") {
		return fmt.Errorf("%w: host", errURL)
	}
	u.Host, u.User = parsed.Hostname(), parsed.User.Username()
	u.Password, _ = parsed.User.Password()
	if p := parsed.Port(); p != "" {
		u.Port = p
	}
	return nil
}

// path tells the application from the stream. A query belongs to the stream, and
// may have slashes in it.
func (u *URL) path(path string) {
	path, query, asked := strings.Cut(path, "?")
	cut := strings.LastIndexByte(path, '/')
	if first := strings.IndexByte(path, '/'); first >= 0 {
		if colon := strings.IndexByte(path[first:], ':'); colon >= 0 {
			cut = first + strings.LastIndexByte(path[first:first+colon], '/')
		}
	}
	u.App = path
	if cut >= 0 {
		u.App, u.Stream = path[:cut], path[cut+1:]
	}
	if asked {
		u.Stream += "?" + query
	}
}

// Address is host:port, to dial.
func (u URL) Address() string { return net.JoinHostPort(u.Host, u.Port) }

// ConnectURL is what connect says as tcUrl: without the stream, and without
// credentials.
func (u URL) ConnectURL() string {
	scheme, port := "rtmp", plainPort
	if u.TLS {
		scheme, port = "rtmps", tlsPort
	}
	host := u.Address()
	if u.Port == port {
		host = strings.TrimSuffix(host, ":"+port)
	}
	return scheme + "://" + host + "/" + u.App
}

// String is the URL without its password, for logs.
func (u URL) String() string {
	s := u.ConnectURL()
	if u.Stream != "" {
		name, _, _ := strings.Cut(u.Stream, "?") // a query may be a key
		s += "/" + name
	}
	return s
}

// SplitName tells the name of an application or a stream from its query. One that
// does not parse is no query: keys have all kinds of characters.
func SplitName(s string) (name string, query url.Values) {
	name, raw, asked := strings.Cut(s, "?")
	if !asked {
		return s, nil
	}
	query, err := url.ParseQuery(raw)
	if err != nil {
		return name, url.Values{}
	}
	return name, query
}
