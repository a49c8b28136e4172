package peer

import "testing"

const wrappedText = "MESSAGE sip:a@b SIP/2.0\r\nFrom: <sip:x@y>;tag=t1\r\nCall-ID: c1\r\nCSeq: 3 MESSAGE\r\nContent-Type: message/cpim\r\n\r\n" +
	"From: <sip:x@y>\r\nNS: imdn <urn:ietf:params:imdn>\r\nimdn.Message-ID: id1\r\n\r\n"

func TestWrappedTextsAndNotificationsAreRead(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, raw, text, composing string
		imdn                       IMDN
	}{
		{"text", "MESSAGE sip:a@b SIP/2.0\r\nContent-Type: text/plain;charset=UTF-8\r\n\r\nhello", "hello", "", IMDN{}},
		{"wrapped text", wrappedText + "Content-Type: text/plain\r\n\r\nhello\r\n\r\nyou", "hello\r\n\r\nyou", "", IMDN{}},
		{"notification", wrappedText + "Content-Type: message/imdn+xml\r\n\r\n<imdn><message-id>m1</message-id><display-notification><status><displayed/></status>" +
			"</display-notification></imdn>", "", "", IMDN{"m1", "displayed"}},
		{"failure", wrappedText + "Content-Type: message/imdn+xml\r\n\r\n<imdn><message-id>m1</message-id><delivery-notification><status><failed/><reason/></status>" +
			"</delivery-notification></imdn>", "", "", IMDN{"m1", "failed"}},
		{"typing", "MESSAGE sip:a@b SIP/2.0\r\nContent-Type: application/im-iscomposing+xml\r\n\r\n<isComposing><state>active</state></isComposing>", "", "active", IMDN{}},
	} {
		m := ParseSIP(row.raw)
		n, ok := m.IMDN()
		if m.Text() != row.text || m.Composing() != row.composing || n != row.imdn || ok != (n != IMDN{}) {
			t.Errorf("%s: %q, %q, %+v", row.name, m.Text(), m.Composing(), n)
		}
	}
	m := ParseSIP(wrappedText + "Content-Type: text/plain\r\n\r\nhello")
	if c, ok := m.CPIM(); !ok || c.Header("imdn.Message-ID") != "id1" || c.Inner("Content-Type") != "text/plain" {
		t.Errorf("%+v", c)
	}
	if id := m.Identity(); id != "c1 3 MESSAGE t1" {
		t.Errorf("identity %q", id)
	}
}
