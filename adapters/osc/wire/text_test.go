package wire

import (
	"bytes"
	"errors"
	"strings"
	"testing"
)

func TestLinesBecomeTypedByTheRule(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ line, tags, back string }{
		{"/a", "", "/a"},
		{"/fader/1 0.75", "f", "/fader/1 0.75"},
		{"/a 1 -2 +3", "iii", "/a 1 -2 3"},
		{"/a 2147483648 -2147483649", "hh", "/a 2147483648 -2147483649"},
		{"/a 1.0 1e3 .5 -2.", "ffff", "/a 1.0 1000.0 0.5 -2.0"},
		{"/a 1e-9", "f", "/a 1e-09"},
		{"/a on true false nil", "sTFN", "/a on true false nil"},
		{`/a "true" '1' "two words" 'it is "so"'`, "ssss", `/a "true" "1" "two words" "it is \"so\""`},
		{"/a 1.2.3 0x10 1_000 Inf NaN 99999999999999999999", "sssssf", "/a 1.2.3 0x10 1_000 Inf NaN 1e+20"},
		{"/a ,hd 1 2", "hd", "/a ,hd 1 2.0"},
		{"/a ,f 1", "f", "/a 1.0"},
		{"/a ,f NaN", "f", "/a ,f NaN"},
		{"/a ,s 1", "s", `/a "1"`},
		{"/a ',s' 1", "si", `/a ",s" 1`},
		{"/a ,b 00ff", "b", "/a ,b 00ff"},
		{`/a ,b ""`, "b", `/a ,b ""`},
		{"/a ,[ii]I 1 2", "[ii]I", "/a ,[ii]I 1 2"},
		{"/grün ü", "s", "/grün ü"},
		{"  /a   1  ", "i", "/a 1"},
		{every, "ifsbhtdScrmTFNI[s]", every},
	} {
		p := packetOf(t, tt.line)
		m, err := Parse(p)
		if err != nil || string(m.Tags) != tt.tags || Line(m) != tt.back {
			t.Errorf("%s: %q, %s, %v; want %q, %s", tt.line, m.Tags, Line(m), err, tt.tags, tt.back)
		}
		if again := packetOf(t, tt.back); !bytes.Equal(again, p) {
			t.Errorf("%s is %q, and comes back as %q", tt.line, p, again)
		}
	}
}

func TestLinesThatAreNoMessageSayWhy(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		line string
		want error
	}{
		{"", errLine},
		{"hello", errLine},
		{`"hello"`, errLine},
		{"/a\x00b", errLine},
		{`/a "open`, errQuote},
		{`/a 'open`, errQuote},
		{`/a "bad \q"`, errQuote},
		{"/a ,ii 1", errFewer},
		{"/a ,i 1 2", errMore},
		{"/a ,i x", errWordType},
		{"/a ,i 2147483648", errWordType},
		{"/a ,T false", errWordType},
		{"/a ,q 1", errWordType},
		{"/a ,[i 1", errWordType},
		{"/a ,t 00", errWordType},
		{"/a ,b xyz", errWordType},
		{"/a " + strings.Repeat("x", 4096), errLong},
		{"/a" + strings.Repeat(" x", maxWords), errLong},
	} {
		if p, err := ParseLine(tt.line); !errors.Is(err, tt.want) {
			t.Errorf("%.40q: %q, %v; want %v", tt.line, p, err, tt.want)
		}
	}
}

func FuzzTextToOSC(f *testing.F) {
	for _, s := range []string{every, "/fader/1 0.75", `/a "x y" 'z'`, "/a ,hd 1 2", "/a ,f NaN", `/a ,b ""`, "/a -0 +1 1e5"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, line string) {
		p, err := ParseLine(line)
		if err != nil {
			return
		}
		m, err := Parse(p)
		if err != nil || Check(p) != nil {
			t.Fatalf("%q gives no packet: %v", line, err)
		}
		back := Line(m)
		again, err := ParseLine(back)
		if errors.Is(err, errLong) {
			return // types and quotes need room
		}
		if err != nil {
			t.Fatalf("%q: %v", back, err)
		}
		m2, err := Parse(again)
		if err != nil || string(m2.Tags) != string(m.Tags) || !strings.Contains(back, "NaN") && !bytes.Equal(p, again) {
			t.Errorf("%q is %q, then %q, then %q: %v", line, p, back, again, err)
		}
	})
}

func FuzzOSCToText(f *testing.F) {
	f.Add(packetOf(f, every))
	f.Add(packetOf(f, `/a "\x01\xff" "x y" ""`))
	f.Add([]byte("/\xff\n \"\x00\x00\x00,\x00\x00\x00"))
	f.Fuzz(func(t *testing.T, p []byte) {
		m, err := Parse(p)
		if err != nil {
			return
		}
		line := Line(m)
		if strings.ContainsAny(line, "\r\n\x00\x1b") {
			t.Errorf("%q is not one line", line)
		}
		again, err := ParseLine(line)
		if errors.Is(err, errLong) || errors.Is(err, errLine) {
			return // more than a line may have, or an address that begins in quotes
		}
		if err != nil {
			t.Fatalf("%q: %v", line, err)
		}
		m2, err := Parse(again)
		if err != nil || string(m2.Address) != string(m.Address) || string(m2.Tags) != string(m.Tags) {
			t.Fatalf("%q came back as %q: %v", line, again, err)
		}
		if Line(m2) != line {
			t.Errorf("%q came back as %q", line, Line(m2))
		}
	})
}
