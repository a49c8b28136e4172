// Package rtmp is the adapter for RTMP (Adobe's specification 1.0): a server for
// Flash's phones, which speak siprtmp's commands, and for programs that publish and
// play URLs; and a client that calls streams on other servers.
//
//	wire.Serve ──▶ session.go ──▶ connect.go, login.go   who is it?
//	               one connection  streams.go            what is published and played
//	                    │
//	     commands ──▶ tongue.go, switch*.go ─▶ phone.go ──┐
//	                    machine.go: what, when            ├─▶ leg.go, describe.go ◀──▶ bridge
//	     URLs ──────▶ line.go ────────────────────────────┤
//	     other servers ──▶ remote.go ─────────────────────┘
//
//	     sound: tag.go, clock.go ◀──▶ sound.go ◀──▶ media.Plane
//	     texts: message.go ◀──▶ bridge
//
// Who is there belongs to the hub (hub.go), under one lock, and to nobody that
// waits. A leg is a goroutine with a box; sound does not pass it.
//
// # siprtmp's commands
//
// rtmp://HOST/sip/USER[@DOMAIN][/ANYTHING], connect(url, login, password, display
// name, "wideband" or "narrowband"). The result of connect comes when the client is
// logged in: as one of accounts, or, with enroll, when the peer has taken its
// registration. On the connection's stream a client says, and is answered _result:
//
//	invite(address[, formats...])  accept([formats...])  reject([reason])  bye()
//	sendDTMF(keys)  hold(true or false)  sendMessage([address,] text)
//	sendPagingMessage(address, text)
//
// and is told:
//
//	invited(from, to)  cancelled(from, to)  ringing(reason)  accepted([format, null])
//	rejected(reason)  byed()  holded(true or false)  receivedDTMF(key)
//	receivedMessage(text)  receivedPagingMessage(from, text)  messageFailed(to, reason)
//
// Formats are wideband, narrowband, pcmu, pcma; ulaw and alaw, which are Speex on
// the client's side; others are passed over. A reason begins with a status of SIP:
// "486 Busy Here". The client publishes what it says and plays what it hears, under
// any names; streams stay for the next call. All clients of an account ring. A client
// that is in a call is not rung: when all are, the caller hears that they are busy.
//
// A text is answered with _result "taken" or "stored", or with _error, whose
// description is a reason; who expects no answer is told messageFailed. A client
// answers for a text likewise. NetStream.send("message", text) writes to the other side of the
// call.
//
// # mod_rtmp's commands
//
// rtmp://HOST/phone is for clients of FreeSWITCH's mod_rtmp: login, logout,
// register, unregister, makeCall, answer, hangup, attach, transfer, join, sendDTMF,
// sendevent; and connected, onLogin, onMakeCall, incomingCall, callState, onHangup,
// onAttach, onLogout, event. Of several calls one is spoken in (front.go). join is a transfer: the other
// sides of two calls go on with each other. three_way(call, call) has both of them and the client
// hear each other (trio.go). sendevent of a call is a text. FCSubscribe places no call.
//
// # URLs
//
// Who publishes rtmp://HOST/call/NAME calls NAME, with that sound, and who plays it
// hears the call; both by one account are one party. The end of the last is the end of
// the call. Who an account's client is, it shows by user=NAME&password=SECRET behind the
// stream's name, or the application's; by connect's arguments; or by user:password@
// in the URL, where the application names the account: rtmp://HOST/call/USER/NAME.
// An account that publishes or plays its own name waits for calls and takes each at
// once. What fails is told by onStatus, and the end of the connection.
package rtmp
