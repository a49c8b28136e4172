package wire

import (
	"mime"
	"testing"
)

func TestWhatIsKnownBySightIsWhatItSays(t *testing.T) {
	t.Parallel()
	for _, v := range []string{
		"text/plain", "text/plain;charset=UTF-8", "text/plain; charset=UTF-8", "text/plain;charset=utf-8", "text/plain; charset=utf-8",
		"Text/Plain; Charset=\"utf-8\"; format=flowed", "message/cpim", "text/plain; charset=ISO-8859-1",
	} {
		kind, charset, err := mediaType(v)
		want, params, err2 := mime.ParseMediaType(v)
		if err != nil || err2 != nil || kind != want {
			t.Errorf("%q is %q, want %q (%v, %v)", v, kind, want, err, err2)
		}
		text, err := decode(kind, charset, []byte("\u00e4"))
		if want, err2 := decode(want, params["charset"], []byte("\u00e4")); text != want || (err == nil) != (err2 == nil) {
			t.Errorf("%q reads %q, %v; want %q, %v", v, text, err, want, err2)
		}
	}
	if _, _, err := mediaType("text/"); err == nil {
		t.Error("half a type is one")
	}
}
