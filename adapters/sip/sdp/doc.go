// Package sdp reads and writes session descriptions (RFC 8866) and keeps the
// rules of offer and answer (RFC 3264) for one leg of a call.
//
//	body ─▶ Parse ─▶ Session ─▶ Exchange.TakeOffer  ─▶ bridge.Description
//	                            Exchange.TakeAnswer ─▶ bridge.Description, Agreed
//	body ◀─ Bytes ◀─ Session ◀─ Exchange.MakeOffer  ◀─ bridge.Description, Local
//	                            Exchange.MakeAnswer ◀─ bridge.Description, Local
//
// Nothing in it does I/O or waits: what ports and keys there are, it is told,
// and what has been agreed on, it says as media.Setting values.
//
// Words. A line is an m-line with what belongs to it; its place among the
// lines of a session never changes. A slot is what an Exchange remembers of one
// line. Local is our end of a stream: address, keys, certificate.
package sdp
