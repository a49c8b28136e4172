package sip

import "gateway/bridge"

// statuses says which status a cause is answered with (RFC 7247 table 2, with
// these differences: a status that wants a header we don't have is not sent
// (401, 407, 302), and Overloaded is no 503, for that speaks of the whole
// server and makes proxies leave us out; 480 may have Retry-After too).
var statuses = map[bridge.Cause]int{
	bridge.Internal:       500,
	bridge.Malformed:      400,
	bridge.Unauthorized:   403,
	bridge.Unregistered:   403,
	bridge.Forbidden:      403,
	bridge.NotFound:       404,
	bridge.BadAddress:     484,
	bridge.Gone:           410,
	bridge.Moved:          410,
	bridge.Unsupported:    501,
	bridge.NotAcceptable:  406,
	bridge.WrongType:      415,
	bridge.TooLarge:       513,
	bridge.Policy:         403,
	bridge.Looped:         482,
	bridge.Unavailable:    480,
	bridge.Busy:           486,
	bridge.BusyEverywhere: 600,
	bridge.Declined:       603,
	bridge.Cancelled:      487,
	bridge.Conflict:       491,
	bridge.Constrained:    500,
	bridge.NoRoute:        502,
	bridge.Overloaded:     480,
	bridge.Timeout:        408,
	bridge.GatewayTimeout: 504,
}

// callStatuses are the statuses that a call is refused with where a message has
// another, or none. Those of what only ends calls are for calls that have not
// been taken yet.
var callStatuses = map[bridge.Cause]int{
	bridge.NotAcceptable: 488,
	bridge.Normal:        480,
	bridge.Elsewhere:     487,
	bridge.Replaced:      487,
	bridge.NoMedia:       480,
	bridge.Insecure:      488,
}

// releases are the causes of Q.850 (section 2.2.7.1.5), as Reason headers have
// them (RFC 3326, RFC 6432): what a status can't say, and what a BYE is sent for.
var releases = map[bridge.Cause]int{
	bridge.NotFound:       1,
	bridge.NoRoute:        3,
	bridge.Normal:         16,
	bridge.Busy:           17,
	bridge.Timeout:        19,
	bridge.Unavailable:    20,
	bridge.Declined:       21,
	bridge.Gone:           22,
	bridge.Moved:          23,
	bridge.Elsewhere:      26,
	bridge.NoMedia:        27,
	bridge.BadAddress:     28,
	bridge.Replaced:       31,
	bridge.Internal:       41,
	bridge.Overloaded:     42,
	bridge.Constrained:    47,
	bridge.Policy:         55,
	bridge.Forbidden:      57,
	bridge.Unsupported:    79,
	bridge.NotAcceptable:  88,
	bridge.Malformed:      95,
	bridge.GatewayTimeout: 102,
	bridge.Insecure:       111,
}

// released are what others send besides.
var released = map[int]bridge.Cause{
	2:   bridge.NoRoute,
	18:  bridge.Timeout,
	31:  bridge.Normal,
	34:  bridge.Constrained,
	38:  bridge.NoRoute,
	44:  bridge.Constrained,
	50:  bridge.Forbidden,
	52:  bridge.Forbidden,
	58:  bridge.Constrained,
	65:  bridge.NotAcceptable,
	69:  bridge.Unsupported,
	127: bridge.Internal,
}

// causes says what a status means (RFC 7247 table 3, finer where the bridge
// has a finer word).
var causes = map[int]bridge.Cause{
	300: bridge.Moved,
	301: bridge.Moved,
	302: bridge.Moved,
	305: bridge.Moved,
	380: bridge.NotAcceptable,
	400: bridge.Malformed,
	401: bridge.Unauthorized,
	402: bridge.Forbidden,
	403: bridge.Forbidden,
	404: bridge.NotFound,
	405: bridge.Unsupported,
	406: bridge.NotAcceptable,
	407: bridge.Unauthorized,
	408: bridge.Timeout,
	410: bridge.Gone,
	413: bridge.TooLarge,
	414: bridge.BadAddress,
	415: bridge.WrongType,
	416: bridge.BadAddress,
	420: bridge.Unsupported,
	421: bridge.Unsupported,
	423: bridge.Constrained,
	428: bridge.Unauthorized,
	429: bridge.Policy,
	430: bridge.Unavailable,
	433: bridge.Policy,
	439: bridge.Unsupported,
	440: bridge.Looped,
	480: bridge.Unavailable,
	481: bridge.NotFound,
	482: bridge.Looped,
	483: bridge.Looped,
	484: bridge.BadAddress,
	485: bridge.BadAddress,
	486: bridge.Busy,
	487: bridge.Cancelled,
	488: bridge.NotAcceptable,
	489: bridge.Unsupported,
	491: bridge.Conflict,
	493: bridge.NotAcceptable,
	500: bridge.Internal,
	501: bridge.Unsupported,
	502: bridge.NoRoute,
	503: bridge.Overloaded,
	504: bridge.GatewayTimeout,
	505: bridge.NotAcceptable,
	513: bridge.TooLarge,
	600: bridge.BusyEverywhere,
	603: bridge.Declined,
	604: bridge.NotFound,
	606: bridge.NotAcceptable,
	607: bridge.Declined,
	608: bridge.Policy,
}

// statusOf is the status to answer a cause with.
func statusOf(c bridge.Cause) int {
	if s, ok := statuses[c]; ok {
		return s
	}
	return 500
}

// callStatusOf is the status to refuse a call with.
func callStatusOf(c bridge.Cause) int {
	if s, ok := callStatuses[c]; ok {
		return s
	}
	return statusOf(c)
}

// releaseOf is what a cause is called in Q.850: 31, which says nothing, where
// it has no name.
func releaseOf(c bridge.Cause) int {
	if n, ok := releases[c]; ok {
		return n
	}
	return releases[bridge.Replaced]
}

// causeOfRelease is the inverse of releaseOf; 0 for what is not known.
func causeOfRelease(n int) bridge.Cause {
	for c, m := range releases {
		if m == n && c != bridge.Replaced {
			return c
		}
	}
	return released[n]
}

// causeOf is what a status from 300 to 699 means; of one that is not known,
// what its class means (RFC 3261 section 8.1.3.2).
func causeOf(status int) bridge.Cause {
	if c, ok := causes[status]; ok {
		return c
	}
	switch status / 100 {
	case 3:
		return bridge.Moved
	case 4:
		return bridge.Malformed
	case 6:
		return bridge.Unavailable
	}
	return bridge.Internal
}

// again reports whether the same request may well be taken later after this
// status.
func again(status int) bool {
	switch status {
	case 408, 500, 502, 503, 504:
		return true
	}
	return false
}

// phrases are the Reason-Phrases (RFC 3261 section 21) of what we send.
var phrases = map[int]string{
	180: "Ringing",
	183: "Session Progress",
	200: "OK",
	202: "Accepted",
	400: "Bad Request",
	401: "Unauthorized",
	403: "Forbidden",
	404: "Not Found",
	405: "Method Not Allowed",
	406: "Not Acceptable",
	408: "Request Timeout",
	410: "Gone",
	415: "Unsupported Media Type",
	416: "Unsupported URI Scheme",
	420: "Bad Extension",
	423: "Interval Too Brief",
	480: "Temporarily Unavailable",
	481: "Call/Transaction Does Not Exist",
	482: "Loop Detected",
	483: "Too Many Hops",
	484: "Address Incomplete",
	486: "Busy Here",
	487: "Request Terminated",
	488: "Not Acceptable Here",
	489: "Bad Event",
	491: "Request Pending",
	500: "Server Internal Error",
	501: "Not Implemented",
	502: "Bad Gateway",
	503: "Service Unavailable",
	504: "Server Time-out",
	505: "Version Not Supported",
	513: "Message Too Large",
	600: "Busy Everywhere",
	603: "Decline",
}
