package config

import (
	"errors"
	"io/fs"
	"path/filepath"
	"testing"
	"time"

	"gateway/adapters"
	"gateway/bridge"
)

// phones is a configuration with one of everything that the decoder knows.
type phones struct {
	Listen   []string           `toml:"listen"`
	Domain   string             `toml:"domain"`
	Peer     string             `toml:"peer"`
	Hosts    bool               `toml:"hosts"`
	Port     int16              `toml:"port"`
	Wait     time.Duration      `toml:"wait"`
	Lines    map[string]line    `toml:"lines"`
	Accounts map[string]account `toml:"accounts"`
	Apps     []app              `toml:"apps"`
	Form     form               `toml:"form"`

	seen func() // what Check may leave behind
}

type line struct {
	User     string        `toml:"user"`
	Password bridge.Secret `toml:"password"`
}

type account struct {
	Password bridge.Secret `toml:"password"`
}

type app struct {
	TX int `toml:"tx"`
	RX int `toml:"rx"`
}

// form reads and writes itself.
type form struct{ word string }

func (f *form) UnmarshalText(text []byte) error {
	if len(text) > 3 {
		return errors.New("want at most three letters")
	}
	f.word = string(text)
	return nil
}

func (f form) MarshalText() ([]byte, error) { return []byte(f.word), nil }

func (*phones) Naming() bridge.Naming                        { return bridge.Naming{} }
func (*phones) CheckName(bridge.Role, bridge.Pattern) string { return "" }
func (p *phones) Claims() []string                           { return p.Listen }
func (*phones) Own() []string                                { return nil }
func (*phones) NotYet() []string                             { return []string{"codecs", "lines.*.expires", "apps[].echo"} }
func (c *phones) Check(bad func(key, msg string)) {
	c.seen = func() {}
	if len(c.Listen) == 0 {
		bad("listen", "is missing")
	}
	for i, l := range c.Listen {
		if l == "udp" {
			bad("listen["+string(rune('0'+i))+"]", "want udp:HOST:PORT")
		}
	}
	for name, a := range c.Accounts {
		if a.Password == "" {
			bad("accounts."+name+".password", "is missing")
		}
	}
	if c.Peer == "" && c.Domain == "" {
		bad("", "want a peer or a domain")
	}
}

type chat struct {
	Component string        `toml:"component"`
	Secret    bridge.Secret `toml:"secret"`
}

func (*chat) Naming() bridge.Naming {
	return bridge.Naming{LeadSep: '@', TailSep: '/'}
}
func (*chat) CheckName(bridge.Role, bridge.Pattern) string { return "" }
func (*chat) Own() []string                                { return nil }
func (c *chat) Check(bad func(key, msg string)) {
	if c.Secret == "" {
		bad("secret", "is missing")
	}
}

func fakeKinds() []adapters.Kind {
	return []adapters.Kind{
		{Name: "sip", Config: func() bridge.Config { return &phones{Domain: "gw.example.org", Wait: time.Minute} }},
		{Name: "xmpp", Config: func() bridge.Config { return &chat{} }},
	}
}

// fakeSecrets has a file for every case, and some variables.
func fakeSecrets() *secrets {
	files := map[string]struct {
		data string
		mode fs.FileMode
		err  error
	}{
		"good.pw":   {data: "good secret\n", mode: 0o600},
		"dos.pw":    {data: "good secret\r\n", mode: 0o600},
		"open.pw":   {data: "open secret", mode: 0o644},
		"two.pw":    {data: "one\ntwo\n", mode: 0o600},
		"empty.pw":  {data: "\n", mode: 0o600},
		"long.pw":   {err: errTooLong(maxSecret)},
		"device.pw": {err: errNotRegular},
	}
	env := map[string]string{"GOOD": "env secret", "EMPTY": "", "_x1": "env secret", "NATS": "nats://user:hush@host"}
	return &secrets{
		dir:    "etc",
		getenv: func(name string) (string, bool) { v, ok := env[name]; return v, ok },
		read: func(file string) ([]byte, fs.FileMode, error) {
			f, ok := files[filepath.Base(file)]
			if !ok {
				f.err = fs.ErrNotExist
			}
			if f.err != nil {
				return nil, 0, &fs.PathError{Op: "read", Path: file, Err: f.err}
			}
			return []byte(f.data), f.mode, nil
		},
	}
}

// fakeLoader reads no real file and routes nothing.
func fakeLoader(name string) *loader {
	l := newLoader(name, fakeKinds(), fakeSecrets())
	l.host = func() (string, error) { return "Gw_1.example.org", nil }
	l.router = func([]bridge.MapSpec, map[string]bridge.Namer) (*bridge.Router, []bridge.Problem) {
		return &bridge.Router{}, nil
	}
	return l
}

// mustLoad loads a text that has no mistake.
func mustLoad(t *testing.T, text string) *File {
	t.Helper()
	f, problems := fakeLoader("mapping.toml").load([]byte(text))
	for _, p := range problems {
		if !p.Warn {
			t.Fatal(p)
		}
	}
	return f
}

const small = `
[sip.pbx]
listen = ["udp:127.0.0.1:5060"]

[[map]]
home = "pbx:1"
`
