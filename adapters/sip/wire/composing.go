package wire

import (
	"encoding/xml"
	"strconv"
	"time"
)

const composingSpace = "urn:ietf:params:xml:ns:im-iscomposing"

// A Composing says that somebody writes, or has stopped (RFC 3994).
type Composing struct {
	Active  bool
	Refresh time.Duration // within which it will be said again; 0 if not said
}

// readComposing reads an application/im-iscomposing+xml. A state that is not
// known is idle (RFC 3994 section 3.2).
func readComposing(body []byte) (*Composing, error) {
	var c Composing
	stated := false
	err := readXML(body, func(path []xml.StartElement, text string) {
		names := under(path, composingSpace, "isComposing")
		if len(names) != 1 {
			return
		}
		switch names[0] {
		case "state":
			stated, c.Active = true, text == "active"
		case "refresh":
			if n, err := strconv.ParseUint(text, 10, 16); err == nil {
				c.Refresh = time.Duration(n) * time.Second
			}
		}
	})
	if err != nil {
		return nil, err
	}
	if !stated {
		return nil, fault(400, "Malformed "+TypeComposing)
	}
	return &c, nil
}

// XML writes it.
func (c *Composing) XML() string {
	state, more := "idle", ""
	if c.Active {
		state = "active"
		more = "<contenttype>text/plain</contenttype><refresh>" + strconv.Itoa(int(c.Refresh/time.Second)) + "</refresh>"
	}
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" +
		`<isComposing xmlns="` + composingSpace + `"><state>` + state + "</state>" + more + "</isComposing>\r\n"
}
