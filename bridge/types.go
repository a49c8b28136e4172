package bridge

import (
	"log/slog"
	"strconv"
	"time"
)

// Kind says what a Message is.
type Kind uint8

// The kinds of messages.
const (
	Text      Kind = iota // written by somebody
	Failed                // Of could not be delivered: Cause and Reason say why
	Delivered             // Of is with its recipient
	Displayed             // Of has been shown to its recipient
	Composing             // somebody writes (Active), or has stopped
	// Signal is a text worth showing now or never, such as where a control
	// stands: nobody keeps it, there is one try, and no news of it.
	Signal
)

// A Want is what a sender asks to be told of a message.
type Want struct {
	Delivered bool `json:"delivered,omitempty"`
	Displayed bool `json:"displayed,omitempty"`
	Failed    bool `json:"failed,omitempty"` // in a form that programs read
}

// A Body is a text in one language.
type Body struct {
	Lang string `json:"lang,omitempty"` // BCP 47, "" if not said
	Text string `json:"text"`
}

// A Message goes from one party to another. An adapter fills in what its
// network said; the bridge replaces From and To by what the other side shall
// see and gives it an ID.
type Message struct {
	// ID is the bridge's own, 26 characters of [0-9a-v], the same at every
	// try: adapters make their wire identities of it.
	ID string `json:"id"`
	// Ref is the origin's own identity of the message, "" if it has none. A
	// repeat has the same.
	Ref string `json:"ref,omitempty"`
	// Of says what a receipt or a Failed is about: on the way in, Message.ID
	// as the adapter was given it; on the way out, the Ref of what the
	// recipient had written.
	Of   string `json:"of,omitempty"`
	Kind Kind   `json:"kind,omitempty"`
	From Party  `json:"from"`
	To   Party  `json:"to"`

	Subject []Body `json:"subject,omitempty"`
	Bodies  []Body `json:"bodies,omitempty"` // in the sender's order, the preferred first
	Thread  string `json:"thread,omitempty"` // groups messages of one conversation

	Sent time.Time `json:"sent,omitzero"` // by the sender's word; zero if not said
	At   time.Time `json:"at"`            // when the bridge took it
	Hops int       `json:"hops"`          // how often it may still be handed on

	Want   Want `json:"want,omitzero"`    // of a Text; of a Failed, what its writer had asked for
	Active bool `json:"active,omitempty"` // of a Composing
	// Hop: the word of the next hop counts as delivery.
	Hop bool `json:"hop,omitempty"`

	// Once: the origin's network has given the message away and keeps no
	// copy, so it goes to disk before the first try.
	Once bool `json:"once,omitempty"`

	Cause  Cause  `json:"cause,omitempty"`  // of a Failed
	Reason string `json:"reason,omitempty"` // of a Failed, for people

	// Try counts the attempts at handing the message on: 0 is the first, -1 one
	// after a restart, when it is not known whether there was another.
	Try int `json:"-"`
}

// Body is the preferred text, "" if there is none.
func (m Message) Body() string {
	if len(m.Bodies) == 0 {
		return ""
	}
	return m.Bodies[0].Text
}

// Outcome says how far a message has come.
type Outcome uint8

// The outcomes of handing on a message.
const (
	// Taken: it is with the recipient, or with the recipient's own server.
	Taken Outcome = iota + 1
	// Relayed: the next hop has it; a refusal may still come, by
	// Handler.Bounced. The bridge keeps its copy until that is unlikely.
	Relayed
	// Stored: it is on our disk and will be tried until it expires.
	Stored
	// Arrived: it is with the recipient's own device.
	Arrived
)

// String is the word for logs and metrics.
func (o Outcome) String() string {
	switch o {
	case Taken:
		return "taken"
	case Relayed:
		return "relayed"
	case Stored:
		return "stored"
	case Arrived:
		return "arrived"
	default:
		return "outcome" + strconv.Itoa(int(o))
	}
}

// A Secret is a password or the like. It prints, logs and marshals as "***";
// Reveal is the only way to its text.
type Secret string

const masked = "***"

// Reveal gives the secret itself.
func (s Secret) Reveal() string { return string(s) }

// String masks the secret.
func (s Secret) String() string { return masked }

// GoString masks the secret.
func (s Secret) GoString() string { return masked }

// LogValue masks the secret.
func (s Secret) LogValue() slog.Value { return slog.StringValue(masked) }

// MarshalText masks the secret.
func (s Secret) MarshalText() ([]byte, error) { return []byte(masked), nil }

// Limits bound what one sender, and all of them, may ask of us. Zero is no
// limit. A reload changes them at once.
type Limits struct {
	MessagesPerSender int           // in a minute
	MessagesPerSecond int           // by all
	Expire            time.Duration // how long a message may wait
	Calls             int           // at once, of all
	CallsPerSender    int           // at once
	CallsPerSecond    int           // begun by all
	Transcoded        int           // calls at once whose sound is decoded and encoded
}

func quote(s string) string { return strconv.QuoteToASCII(s) }
