package wire

import (
	"strings"
	"testing"
)

func TestURLs(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		url     string
		want    URL
		connect string
		shown   string
	}{
		{"rtmp://gw/call/bob", URL{Host: "gw", Port: "1935", App: "call", Stream: "bob"}, "rtmp://gw/call", "rtmp://gw/call/bob"},
		{"rtmp://gw:1936/sip/alice@x/bob@y", URL{Host: "gw", Port: "1936", App: "sip/alice@x", Stream: "bob@y"}, "rtmp://gw:1936/sip/alice@x", "rtmp://gw:1936/sip/alice@x/bob@y"},
		{"rtmps://live.example.org/app/key?a=b/c", URL{TLS: true, Host: "live.example.org", Port: "443", App: "app", Stream: "key?a=b/c"}, "rtmps://live.example.org/app", "rtmps://live.example.org/app/key"},
		{"RTMP://u:p%40ss@[::1]:1935/a/b/c", URL{Host: "::1", Port: "1935", User: "u", Password: "p@ss", App: "a/b", Stream: "c"}, "rtmp://[::1]/a/b", "rtmp://[::1]/a/b/c"},
		{"rtmp://h/app/mp4:dir/file.mp4", URL{Host: "h", Port: "1935", App: "app", Stream: "mp4:dir/file.mp4"}, "rtmp://h/app", "rtmp://h/app/mp4:dir/file.mp4"},
		{"rtmp://h/app/sip:bob@x", URL{Host: "h", Port: "1935", App: "app", Stream: "sip:bob@x"}, "rtmp://h/app", "rtmp://h/app/sip:bob@x"},
		{"rtmp://h/app", URL{Host: "h", Port: "1935", App: "app"}, "rtmp://h/app", "rtmp://h/app"},
		{"rtmp://h/app/", URL{Host: "h", Port: "1935", App: "app"}, "rtmp://h/app", "rtmp://h/app"},
		{"rtmp://h", URL{Host: "h", Port: "1935"}, "rtmp://h/", "rtmp://h/"},
	} {
		got, err := ParseURL(tt.url)
		if err != nil || got != tt.want || got.ConnectURL() != tt.connect || got.String() != tt.shown {
			t.Errorf("%s: %+v, %v; connects to %s, shown as %s", tt.url, got, err, got.ConnectURL(), got.String())
		}
	}
	for _, s := range []string{"", "gw/call/bob", "http://gw/call/bob", "rtmp:///call/bob", "rtmp://h:x/a/b", "rtmp://h/a b", "rtmp://h?x/a", "rtmp://h/a\x00", "rtmp://h/" + strings.Repeat("a", maxURL)} {
		if got, err := ParseURL(s); err == nil {
			t.Errorf("%.60q is %+v", s, got)
		}
	}
}

func TestNamesHaveQueries(t *testing.T) {
	t.Parallel()
	name, q := SplitName("bob?user=alice&password=s%26t")
	if name != "bob" || q.Get("user") != "alice" || q.Get("password") != "s&t" {
		t.Errorf("%q, %v", name, q)
	}
	if name, q := SplitName("bob"); name != "bob" || q.Get("user") != "" {
		t.Errorf("%q, %v", name, q)
	}
	if name, q := SplitName("bob?%zz"); name != "bob" || len(q) != 0 {
		t.Errorf("%q, %v", name, q)
	}
}

func FuzzURL(f *testing.F) {
	f.Add("rtmp://u:p@h:1/a/b/c?d=e/f")
	f.Add("rtmps://[::1]/app/mp4:x/y")
	f.Add("rtmp://::/0/0")
	f.Fuzz(func(t *testing.T, s string) {
		u, err := ParseURL(s)
		if err != nil {
			return
		}
		again, err := ParseURL(u.ConnectURL() + "/" + u.Stream)
		if u.Stream != "" && u.App != "" && (err != nil || again.Host != u.Host || again.Port != u.Port) {
			t.Fatalf("%q: %+v, then %+v, %v", s, u, again, err)
		}
	})
}
