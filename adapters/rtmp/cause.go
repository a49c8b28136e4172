package rtmp

import (
	"strconv"
	"strings"

	"gateway/bridge"
)

// statuses say which status of SIP (RFC 3261 section 21) a cause is told as:
// siprtmp's clients are told "486 Busy Here", and tell the same.
var statuses = map[bridge.Cause]int{
	bridge.Internal:       500,
	bridge.Malformed:      400,
	bridge.Unauthorized:   401,
	bridge.Unregistered:   401,
	bridge.Forbidden:      403,
	bridge.NotFound:       404,
	bridge.BadAddress:     484,
	bridge.Gone:           410,
	bridge.Moved:          301,
	bridge.Unsupported:    501,
	bridge.NotAcceptable:  488,
	bridge.WrongType:      415,
	bridge.TooLarge:       413,
	bridge.Policy:         608,
	bridge.Looped:         482,
	bridge.Unavailable:    480,
	bridge.Busy:           486,
	bridge.BusyEverywhere: 600,
	bridge.Declined:       603,
	bridge.Cancelled:      487,
	bridge.Conflict:       491,
	bridge.Constrained:    500,
	bridge.NoRoute:        502,
	bridge.Overloaded:     503,
	bridge.Timeout:        408,
	bridge.GatewayTimeout: 504,
	bridge.Normal:         480,
	bridge.Elsewhere:      487,
	bridge.Replaced:       487,
	bridge.NoMedia:        480,
	bridge.Insecure:       488,
}

// causes are the inverse, with what others send besides.
var causes = map[int]bridge.Cause{
	301: bridge.Moved, 302: bridge.Moved, 380: bridge.NotAcceptable,
	400: bridge.Malformed, 401: bridge.Unauthorized, 403: bridge.Forbidden, 404: bridge.NotFound, 405: bridge.Unsupported,
	406: bridge.NotAcceptable, 407: bridge.Unauthorized, 408: bridge.Timeout, 410: bridge.Gone, 413: bridge.TooLarge,
	415: bridge.WrongType, 416: bridge.BadAddress, 480: bridge.Unavailable, 481: bridge.NotFound, 482: bridge.Looped,
	483: bridge.Looped, 484: bridge.BadAddress, 485: bridge.BadAddress, 486: bridge.Busy, 487: bridge.Cancelled,
	488: bridge.NotAcceptable, 491: bridge.Conflict, 500: bridge.Internal, 501: bridge.Unsupported, 502: bridge.NoRoute,
	503: bridge.Overloaded, 504: bridge.GatewayTimeout, 600: bridge.BusyEverywhere, 603: bridge.Declined, 604: bridge.NotFound,
	606: bridge.NotAcceptable, 607: bridge.Declined, 608: bridge.Policy,
}

// phrases are what people read behind a status.
var phrases = map[int]string{
	301: "Moved", 400: "Bad Request", 401: "Unauthorized", 403: "Forbidden", 404: "Not Found", 408: "Request Timeout", 410: "Gone",
	413: "Too Large", 415: "Unsupported Media Type", 480: "Temporarily Unavailable", 482: "Loop Detected", 484: "Address Incomplete",
	486: "Busy Here", 487: "Request Terminated", 488: "Not Acceptable Here", 491: "Request Pending", 500: "Internal Server Error",
	501: "Not Supported", 502: "Bad Gateway", 503: "Service Unavailable", 504: "Server Time-out", 600: "Busy Everywhere", 603: "Decline", 608: "Rejected",
}

// statusText is what a client is told of a cause: "404 Not Found". reason, if the
// other side has given one, stands in place of the phrase.
func statusText(c bridge.Cause, reason string) string {
	status, ok := statuses[c]
	if !ok {
		status = 500
	}
	if reason = oneLine(reason, maxReason); reason == "" {
		reason = phrases[status]
	}
	return strconv.Itoa(status) + " " + reason
}

// causeOf reads what a client gives as its reason: "486 Busy Here". Without a
// status in front it is that of a person who does not want to.
func causeOf(text string) bridge.Cause {
	word, _, _ := strings.Cut(strings.TrimSpace(text), " ")
	status, err := strconv.Atoi(word)
	if err != nil {
		return bridge.Declined
	}
	if c, ok := causes[status]; ok {
		return c
	}
	switch {
	case status >= 300 && status < 400:
		return bridge.Moved
	case status >= 400 && status < 500:
		return bridge.Malformed
	case status >= 500 && status < 600:
		return bridge.Internal
	case status >= 600 && status < 700:
		return bridge.Declined
	}
	return bridge.Declined
}

// The codes of NetStream.onStatus and NetConnection.onStatus (ActionScript 3
// reference, NetStatusEvent.info) that we send and read.
const (
	codeConnected     = "NetConnection.Connect.Success"
	codeRejected      = "NetConnection.Connect.Rejected"
	codeClosed        = "NetConnection.Connect.Closed"
	codeCallFailed    = "NetConnection.Call.Failed"
	codePublishStart  = "NetStream.Publish.Start"
	codePublishBad    = "NetStream.Publish.BadName"
	codePublishDenied = "NetStream.Publish.Denied"
	codePublishFailed = "NetStream.Publish.Failed"
	codeUnpublished   = "NetStream.Unpublish.Success"
	codePlayReset     = "NetStream.Play.Reset"
	codePlayStart     = "NetStream.Play.Start"
	codePlayStop      = "NetStream.Play.Stop"
	codePaused        = "NetStream.Pause.Notify"
	codeUnpaused      = "NetStream.Unpause.Notify"
	codeSeek          = "NetStream.Seek.Notify"
	codePlayOver      = "NetStream.Play.UnpublishNotify"
	codePlayNotFound  = "NetStream.Play.StreamNotFound"
	codePlayFailed    = "NetStream.Play.Failed"
)

// streamCode is the code of a stream that has failed for a cause.
func streamCode(publish bool, c bridge.Cause) string {
	switch c {
	case bridge.Busy, bridge.Conflict:
		if publish {
			return codePublishBad
		}
		return codePlayFailed
	case bridge.Unauthorized, bridge.Unregistered, bridge.Forbidden, bridge.Policy:
		if publish {
			return codePublishDenied
		}
		return codePlayFailed
	case bridge.NotFound, bridge.BadAddress, bridge.Gone:
		if publish {
			return codePublishBad
		}
		return codePlayNotFound
	}
	if publish {
		return codePublishFailed
	}
	return codePlayFailed
}

// codeCauses say what another server means by the code of a refusal.
var codeCauses = map[string]bridge.Cause{
	codeRejected:                           bridge.Forbidden,
	codeClosed:                             bridge.Unavailable,
	codeCallFailed:                         bridge.Internal,
	"NetConnection.Connect.Failed":         bridge.Unavailable,
	"NetConnection.Connect.InvalidApp":     bridge.NotFound,
	"NetConnection.Connect.AppShutdown":    bridge.Unavailable,
	codePublishBad:                         bridge.Busy,
	codePublishDenied:                      bridge.Forbidden,
	codePublishFailed:                      bridge.Internal,
	codePlayNotFound:                       bridge.NotFound,
	codePlayFailed:                         bridge.Internal,
	codePlayStop:                           bridge.Normal,
	codePlayOver:                           bridge.Normal,
	codeUnpublished:                        bridge.Normal,
	"NetStream.Play.InsufficientBW":        bridge.Constrained,
	"NetStream.Play.FileStructureInvalid":  bridge.NotAcceptable,
	"NetStream.Play.NoSupportedTrackFound": bridge.NotAcceptable,
}

// causeOfCode is what a code of another server's means, if it is a refusal or an
// end.
func causeOfCode(level, code string) (bridge.Cause, bool) {
	if c, ok := codeCauses[code]; ok {
		return c, true
	}
	return bridge.Internal, level == "error"
}
