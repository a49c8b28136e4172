package bridge

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/json"
	"strings"
	"sync"
	"testing"
)

func TestAMarkIsWhatAnHMACOfThePartsIs(t *testing.T) {
	t.Parallel()
	key := []byte("0123456789abcdef0123456789abcdef")
	k := NewKeyed(key)
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for _, parts := range [][]string{{}, {""}, {"a", "b"}, {"ab"}, {strings.Repeat("long", 5000)}, {"a\x00", "ü"}} {
				mac := hmac.New(sha256.New, key)
				mac.Write([]byte(strings.Join(parts, "")))
				if got := k.Sum(parts...); !bytes.Equal(got[:], mac.Sum(nil)) {
					t.Errorf("%.20q: %x", parts, got)
				}
			}
		})
	}
	wg.Wait()
}

// FuzzIdentity holds what an identity is made of against the form in which it was first written:
// a repeat that comes when the program has been replaced by a newer one must be known.
func FuzzIdentity(f *testing.F) {
	f.Add("pbx", "1001", "alice@example.org", "ref 1", "", "", "en", "hello")
	f.Add("pbx", `a"\`, "<&>", "\u2028\u2029", "de", "\x00\t\n", "", "\xff")
	f.Add("", "ü", "\x7f", "", "x", "subject", "", "")
	f.Fuzz(func(t *testing.T, adapter, from, to, ref, lang, subject, lang2, text string) {
		m := Message{Ref: ref, Bodies: []Body{{lang2, text}, {lang, text}}}
		m.From.Adapter, m.From.Name, m.To.Name = adapter, from, to
		for _, m.Subject = range [][]Body{nil, {}, {{lang, subject}}} {
			written := func(parts ...any) []byte {
				var b bytes.Buffer
				if err := json.NewEncoder(&b).Encode(parts); err != nil {
					t.Fatal(err)
				}
				return b.Bytes()
			}
			want := written(m.From.Adapter, m.From.Name, m.To.Name, m.Ref, m.Subject, m.Bodies)
			if got := appendRepeat(nil, m); !bytes.Equal(got, want) {
				t.Fatalf("a message's identity is of %q, was of %q", got, want)
			}
			home := Address{to, from}
			if got, want := appendCopy(nil, ref, home), written(ref, home); !bytes.Equal(got, want) {
				t.Fatalf("a copy's identity is of %q, was of %q", got, want)
			}
		}
	})
}
