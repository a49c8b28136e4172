package wire

import (
	"bytes"
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"strings"
)

// AcceptEncoding lists the content codings that ReadContent undoes. There are
// phones (Linphone is one) that deflate unasked.
const AcceptEncoding = "identity, deflate, gzip"

// plainBytes undoes a content coding (RFC 3261 section 20.12). What comes out
// is no longer than a message may be.
func plainBytes(encoding string, body []byte) ([]byte, error) {
	var r io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return body, nil
	case "deflate":
		if r, err = zlib.NewReader(bytes.NewReader(body)); err != nil {
			// Without the header that RFC 1950 puts before RFC 1951: seen often
			// enough elsewhere.
			r, err = flate.NewReader(bytes.NewReader(body)), nil
		}
	case "gzip", "x-gzip":
		r, err = gzip.NewReader(bytes.NewReader(body))
	default:
		return nil, fault(415, "Unsupported Content-Encoding")
	}
	if err != nil {
		return nil, fault(400, "Malformed body")
	}
	out, err := io.ReadAll(io.LimitReader(r, MaxMessage+1))
	if err != nil {
		return nil, fault(400, "Malformed body")
	}
	if len(out) > MaxMessage {
		return nil, fault(413, "Body is too long")
	}
	return out, nil
}
