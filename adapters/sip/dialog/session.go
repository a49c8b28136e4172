package dialog

import (
	"bytes"
	"errors"
	"io"
	"mime"
	"mime/multipart"
	"strings"

	"gateway/adapters/sip/wire"
)

const (
	sessionType = "application/sdp"
	maxParts    = 8
)

var (
	errContent  = errors.New("a body that is no session description")
	errEncoding = errors.New("an encoded body")
)

// body is the body of m, nil if there is none.
func body(m *wire.Message) []byte {
	if m.Request != nil {
		return m.Request.Body()
	}
	return m.Response.Body()
}

// session finds the session description in m; nil if there is none. A body of
// another kind is an error unless it says that it may be ignored (RFC 3261
// section 20.11).
func session(m *wire.Message) ([]byte, error) {
	data := body(m)
	if len(data) == 0 {
		return nil, nil
	}
	if m.Get("Content-Type") == sessionType && m.Get("Content-Encoding") == "" {
		return data, nil // nearly always
	}
	if e := strings.ToLower(m.Get("Content-Encoding")); e != "" && e != "identity" {
		return nil, errEncoding
	}
	kind, ps, err := mime.ParseMediaType(m.Get("Content-Type"))
	switch {
	case err != nil && kind == "":
		return nil, errContent
	case kind == sessionType:
		return data, nil
	case strings.HasPrefix(kind, "multipart/") && ps["boundary"] != "":
		return sessionPart(data, ps["boundary"])
	case optional(m.Get("Content-Disposition")):
		return nil, nil
	}
	return nil, errContent
}

// sessionPart looks into a multipart body (RFC 2046 section 5.1, RFC 5621).
func sessionPart(data []byte, boundary string) ([]byte, error) {
	r := multipart.NewReader(bytes.NewReader(data), boundary)
	for range maxParts {
		p, err := r.NextRawPart()
		if err != nil {
			break
		}
		if kind, _, _ := mime.ParseMediaType(p.Header.Get("Content-Type")); kind != sessionType {
			continue
		}
		switch strings.ToLower(p.Header.Get("Content-Transfer-Encoding")) {
		case "", "7bit", "8bit", "binary":
		default:
			return nil, errEncoding
		}
		sdp, err := io.ReadAll(p)
		if err != nil {
			return nil, errContent
		}
		return sdp, nil
	}
	return nil, nil
}

func optional(disposition string) bool {
	_, ps := params(disposition)
	h, _ := get(ps, "handling")
	return strings.EqualFold(h, "optional")
}
