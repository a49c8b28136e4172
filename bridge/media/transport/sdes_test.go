package transport

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"gateway/bridge/media"
)

func TestInlineKeysAreReadOrRefused(t *testing.T) {
	t.Parallel()
	const (
		k30 = "WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz" // RFC 4568 section 9.1
		k28 = "QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ=="
	)
	for _, row := range []struct {
		name, params string
		suite        media.Suite
		want         error
	}{
		{"a key", "inline:" + k30, media.SuiteCM80, nil},
		{"in capitals", "INLINE:" + k30, media.SuiteCM32, nil},
		{"a lifetime", "inline:" + k30 + "|2^20", media.SuiteCM80, nil},
		{"a lifetime in full", "inline:" + k30 + "|1048576", media.SuiteCM80, nil},
		{"padding", "inline:" + k28, media.SuiteGCM128, nil},
		{"padding left out", "inline:" + strings.TrimRight(k28, "="), media.SuiteGCM128, nil},
		{"an identifier", "inline:" + k30 + "|2^20|1:4", media.SuiteCM80, ErrInline},
		{"an identifier alone", "inline:" + k30 + "|1:4", media.SuiteCM80, ErrInline},
		{"two keys", "inline:" + k30 + "|2^20|1:4;inline:" + k30 + "|2^20|2:4", media.SuiteCM80, ErrInline},
		{"a lifetime of none", "inline:" + k30 + "|0", media.SuiteCM80, ErrInline},
		{"a lifetime beyond the end", "inline:" + k30 + "|2^49", media.SuiteCM80, ErrInline},
		{"a lifetime that is none", "inline:" + k30 + "|", media.SuiteCM80, ErrInline},
		{"a key of another suite", "inline:" + k30, media.SuiteGCM256, ErrInline},
		{"no base64", "inline:" + strings.Repeat("!", 40), media.SuiteCM80, ErrInline},
		{"another method", "prompt:" + k30, media.SuiteCM80, ErrInline},
		{"nothing", "", media.SuiteCM80, ErrInline},
		{"another suite", "inline:" + k30, "F8_128_HMAC_SHA1_80", ErrSuite},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			key, err := ParseInline(row.suite, row.params)
			if !errors.Is(err, row.want) || (err == nil) != (row.want == nil) {
				t.Fatal(err)
			}
			if n, _ := KeyLength(row.suite); err == nil && len(key) != n {
				t.Errorf("%d bytes", len(key))
			}
			if err != nil && strings.Contains(err.Error(), k30[:8]) {
				t.Error("the key stands in the error")
			}
		})
	}
}

func FuzzInlineKeysComeBack(f *testing.F) {
	f.Add("inline:WVNfX19zZW1jdGwgKCkgewkyMjA7fQp9CnVubGVz|2^20")
	f.Add("inline:QUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQUFBQQ==|1:4")
	f.Fuzz(func(t *testing.T, params string) {
		for _, s := range Suites() {
			key, err := ParseInline(s, params)
			if err != nil {
				continue
			}
			again, err := ParseInline(s, FormatInline(key))
			if err != nil || !bytes.Equal(key, again) {
				t.Fatalf("%x, %x, %v", key, again, err)
			}
		}
	})
}
