package xmpp

import (
	"slices"
	"strings"
	"unicode/utf8"

	"gateway/bridge"
)

// What readers get who know no extensions. The words are English, as there is
// nothing that would say which language the reader has.
const (
	correctedPrefix = "(corrected) "
	reactedPrefix   = "reacted "
	retractedText   = "deleted a message"
	ownLang         = "en"
)

// maxQuote bounds, in code points, what is kept of a text that is answered: on
// a small screen it is to remind, not to be read again.
const maxQuote = 100

// words gives a message's texts as somebody can read them who knows no
// extensions; none if there is nothing to read.
func (st *stanza) words() []bridge.Body {
	only := len(st.bodies) == 0
	switch {
	case st.reacts && (only || st.isFallback(nsReactions)):
		if len(st.reactions) == 0 {
			return nil
		}
		return []bridge.Body{{Lang: ownLang, Text: reactedPrefix + strings.Join(st.reactions, " ")}}
	case st.retracts && (only || st.isFallback(nsRetract) || st.isFallback(nsRetractOld)):
		return []bridge.Body{{Lang: ownLang, Text: retractedText}}
	case only && len(st.urls) > 0:
		return []bridge.Body{{Text: strings.Join(st.urls, "\n")}}
	}
	bodies := slices.Clone(st.bodies)
	if len(bodies) == 1 { // with several, nothing says which of them is counted in
		bodies[0].Text = st.shortened(bodies[0].Text)
	}
	for i := range bodies {
		bodies[i].Text = withURLs(bodies[i].Text, st.urls)
		if st.corrects {
			bodies[i].Text = correctedPrefix + bodies[i].Text
		}
	}
	return bodies
}

// isFallback reports whether the body only stands in for the extension.
func (st *stanza) isFallback(namespace string) bool {
	return slices.ContainsFunc(st.fallbacks, func(s span) bool {
		return s.of == namespace || s.of == "" && s.whole
	})
}

// shortened cuts what a reply quotes (XEP-0461, XEP-0428) down to size.
func (st *stanza) shortened(text string) string {
	i := slices.IndexFunc(st.fallbacks, func(s span) bool { return s.of == nsReply && !s.whole })
	if i < 0 {
		return text
	}
	start, end := st.fallbacks[i].start, st.fallbacks[i].end
	if start < 0 || end < start || end > utf8.RuneCountInString(text) || end-start <= maxQuote {
		return text
	}
	runes := []rune(text)
	quote := strings.TrimRight(string(runes[start:start+maxQuote-1]), "> \t\n") + "…"
	if rest := strings.TrimLeft(string(runes[end:]), "\n"); rest != "" {
		quote += "\n" + rest
	}
	return string(runes[:start]) + quote
}

// withURLs adds the links that a text does not have.
func withURLs(text string, urls []string) string {
	for _, u := range urls {
		if !strings.Contains(text, u) {
			text += "\n" + u
		}
	}
	return text
}

// encrypted reports whether what was written can't be read.
func (st *stanza) encrypted() bool {
	if len(st.bodies) == 0 {
		return st.sealed
	}
	return st.sealed || st.cipher || strings.HasPrefix(st.bodies[0].Text, "?OTR") // XEP-0364
}
