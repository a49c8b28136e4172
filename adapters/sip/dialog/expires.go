package dialog

import (
	"strconv"
	"time"

	"gateway/adapters/sip/wire"
)

const (
	leastInterval = 90 * time.Second // RFC 4028 section 4
	usualInterval = 30 * time.Minute // RFC 4028 section 4 recommends it
	mostInterval  = 24 * time.Hour   // what nobody has in earnest is cut to
)

// An interval is a Session-Expires header (RFC 4028 section 4).
type interval struct {
	time.Duration
	refresher string // "uac", "uas"; "" if not said
}

// sessionExpires reads Session-Expires. found is false where there is none.
func sessionExpires(m *wire.Message) (i interval, found, ok bool) {
	values := m.All("Session-Expires")
	if len(values) == 0 {
		return interval{}, false, true
	}
	if len(values) > 1 || len(values[0]) > maxValue {
		return interval{}, true, false
	}
	head, ps := params(values[0])
	if i.Duration, ok = deltaSeconds(head); !ok {
		return interval{}, true, false
	}
	switch r, given := get(ps, "refresher"); {
	case !given:
	case r == "uac" || r == "uas":
		i.refresher = r
	default:
		return interval{}, true, false
	}
	return i, true, true
}

// minSE reads Min-SE; 0 if there is none that can be read.
func minSE(m *wire.Message) time.Duration {
	values := m.All("Min-SE")
	if len(values) != 1 || len(values[0]) > maxValue {
		return 0
	}
	head, _ := params(values[0])
	d, _ := deltaSeconds(head)
	return d
}

func deltaSeconds(s string) (time.Duration, bool) {
	n, ok := digits(s)
	return min(time.Duration(n)*time.Second, mostInterval), ok
}

func seconds(d time.Duration) string { return strconv.FormatInt(int64(d/time.Second), 10) }

func (i interval) field() wire.Field {
	v := seconds(i.Duration)
	if i.refresher != "" {
		v += ";refresher=" + i.refresher
	}
	return wire.Field{Name: "Session-Expires", Value: v}
}

// agree is what a server makes of the session timer that a request asks for (RFC
// 4028 section 9), given the least that we take and who refreshes now ("" where
// nobody has been told to). A status is the refusal: 422 or 400.
func agree(m *wire.Message, least time.Duration, refresher string) (i interval, status int) {
	timer := has(options(m, "Supported"), "timer") || has(options(m, "Require"), "timer")
	asked, found, ok := sessionExpires(m)
	switch {
	case !ok:
		return interval{}, 400
	case found && asked.Duration < least && timer:
		return interval{}, 422
	case found:
		i.Duration = max(asked.Duration, least)
	default:
		i.Duration = max(usualInterval, minSE(m))
	}
	switch {
	case !timer:
		i.refresher = "uas" // who knows nothing of it can't refresh
	case asked.refresher != "":
		i.refresher = asked.refresher
	case refresher != "":
		i.refresher = refresher
	default:
		i.refresher = "uac"
	}
	return i, 0
}

// grace is how long before the end of an interval a side that does not refresh
// gives up (RFC 4028 section 10).
func (i interval) grace() time.Duration { return min(32*time.Second, i.Duration/3) }
