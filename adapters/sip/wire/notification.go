package wire

import (
	"encoding/xml"
	"slices"
	"strconv"
	"strings"
)

const (
	notificationSpace = "urn:ietf:params:xml:ns:imdn"
	// reasonSpace is Linphone's extension: the SIP status of a failure.
	reasonSpace = "http://www.linphone.org/xsds/imdn.xsd"
)

// A Disposition is what became of a message.
type Disposition uint8

// The dispositions of RFC 5438 section 5 that mean something to the sender.
const (
	OtherDisposition Disposition = iota // it was processed or stored, or nothing will be told of its display
	Delivered
	Displayed
	Failed
	Forbidden
	Erroneous
)

// A Notification is a message/imdn+xml (RFC 5438 section 11).
type Notification struct {
	ID          string // imdn.Message-ID of the message that it is about
	DateTime    string // of that message, by RFC 3339
	Disposition Disposition
	Code        int    // the SIP status of a failure, 0 if not said
	Reason      string // of a failure, for people; on one line
}

// dispositions are the elements below an imdn.
var dispositions = map[string]Disposition{
	"delivery-notification/status/delivered": Delivered,
	"delivery-notification/status/failed":    Failed,
	"delivery-notification/status/forbidden": Forbidden,
	"delivery-notification/status/error":     Erroneous,
	"display-notification/status/displayed":  Displayed,
}

// readNotification reads a message/imdn+xml.
func readNotification(body []byte) (*Notification, error) {
	var n Notification
	err := readXML(body, func(path []xml.StartElement, text string) {
		names := under(path, notificationSpace, "imdn")
		if len(names) == 0 {
			return
		}
		switch where := strings.Join(names, "/"); {
		case where == "message-id":
			n.ID = text
		case where == "datetime":
			n.DateTime = text
		case dispositions[where] != OtherDisposition:
			n.Disposition = dispositions[where]
		case where == "delivery-notification/status/reason":
			n.Reason = Phrase(text)
			n.Code = statusAttr(path[len(path)-1])
		}
	})
	if err != nil {
		return nil, err
	}
	if n.ID == "" || len(n.ID) > maxMessageID || len(n.DateTime) > maxDateTime {
		return nil, fault(400, "Malformed "+TypeNotification)
	}
	return &n, nil
}

// statusAttr is the code of a failure, 0 if it is none.
func statusAttr(e xml.StartElement) int {
	i := slices.IndexFunc(e.Attr, func(a xml.Attr) bool { return a.Name.Local == "code" })
	if i < 0 {
		return 0
	}
	n, err := strconv.Atoi(e.Attr[i].Value)
	if err != nil || n < 300 || n > 699 {
		return 0
	}
	return n
}

// XML writes the notification of one that was Delivered, Displayed or Failed.
func (n *Notification) XML() string {
	kind, status := "delivery-notification", "<failed/>"
	switch n.Disposition {
	case Delivered:
		status = "<delivered/>"
	case Displayed:
		kind, status = "display-notification", "<displayed/>"
	default:
		if n.Code != 0 {
			status += `<reason xmlns="` + reasonSpace + `" code="` + strconv.Itoa(n.Code) + `">` + escaped(Phrase(n.Reason)) + "</reason>"
		}
	}
	return `<?xml version="1.0" encoding="UTF-8"?>` + "\r\n" +
		`<imdn xmlns="` + notificationSpace + `"><message-id>` + escaped(n.ID) + "</message-id><datetime>" + escaped(n.DateTime) +
		"</datetime><" + kind + "><status>" + status + "</status></" + kind + "></imdn>\r\n"
}
