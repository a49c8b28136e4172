package rtmp

import (
	"errors"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// streamCommands are those of NetConnection and NetStream (RTMP 1.0 section 7.2)
// that are not calls.
var streamCommands = map[string]func(*session, wire.Command) error{
	"createStream":    (*session).createStream,
	"initStream":      (*session).ignore,
	"deleteStream":    (*session).deleteStream,
	"closeStream":     (*session).closeStream,
	"publish":         (*session).publish,
	"play":            (*session).play,
	"releaseStream":   (*session).acknowledge,
	"FCPublish":       (*session).acknowledge,
	"FCUnpublish":     (*session).acknowledge,
	"FCSubscribe":     (*session).subscribe,
	"onStatus":        (*session).ignore,
	"getStreamLength": (*session).length,
	"receiveAudio":    (*session).receiveAudio,
	"receiveVideo":    (*session).acknowledge,
	"pause":           (*session).pause,
}

func (s *session) ignore(wire.Command) error { return nil }

func (s *session) acknowledge(c wire.Command) error {
	s.reply(c)
	return nil
}

// length is 0 for what is live.
func (s *session) length(c wire.Command) error {
	s.reply(c, 0)
	return nil
}

// subscribe answers what librtmp says of a live stream.
func (s *session) subscribe(c wire.Command) error {
	s.reply(c)
	s.write(wire.Command{Name: "onFCSubscribe", Args: []any{wire.Obj("level", "status", "code", codePlayStart, "description", wire.Text(c.Arg(0)))}}.Message())
	return nil
}

func (s *session) createStream(c wire.Command) error {
	id := s.newStream()
	if id == 0 {
		s.write(c.Error(nil, wire.Obj("level", "error", "code", codeCallFailed, "description", "too many streams")).Message())
		return nil
	}
	s.reply(c, float64(id))
	return nil
}

// newStream makes a stream and gives its number; 0: there are enough.
func (s *session) newStream() uint32 {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.streams) >= maxStreams {
		return 0
	}
	s.next++
	s.streams[s.next] = &stream{session: s, id: s.next}
	return s.next
}

func (s *session) deleteStream(c wire.Command) error {
	id, ok := wire.Whole(c.Arg(0), maxStreamID)
	if !ok {
		id = c.Stream
	}
	if st := s.stream(id); st != nil {
		s.stop(st)
		s.mu.Lock()
		delete(s.streams, id)
		s.mu.Unlock()
	}
	s.reply(c)
	return nil
}

const maxStreamID = 1 << 31

// closeStream ends what a stream is for; the stream stays, and may begin again, as
// it does with siprtmp's clients at each call.
func (s *session) closeStream(c wire.Command) error {
	if st := s.stream(c.Stream); st != nil {
		s.stop(st)
	}
	s.reply(c)
	return nil
}

func (s *session) stream(id uint32) *stream {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.streams[id]
}

// stop ends what a stream is for.
func (s *session) stop(st *stream) {
	s.mu.Lock()
	was := st.role
	st.role = idle
	sound := s.sound
	line := st.line
	st.line = nil
	s.mu.Unlock()
	switch {
	case was == idle:
	case line != nil:
		line.quit(st)
	case was == playing && sound != nil:
		sound.deafen(s.conn, st.id)
	}
	if was == publishing && line == nil {
		s.status(st.id, "status", codeUnpublished, "")
	}
}

// begin gives a stream a role; what it had is over. nil: there is no such stream.
func (s *session) begin(c wire.Command, r role) *stream {
	st := s.stream(c.Stream)
	if st == nil {
		if wire.Text(c.Arg(0)) != "" {
			s.status(c.Stream, "error", streamCode(r == publishing, bridge.Malformed), statusText(bridge.Malformed, "there is no such stream: createStream makes them"))
		}
		return nil
	}
	if name := wire.Text(c.Arg(0)); name == "" { // publish(false), play(false)
		s.stop(st)
		return nil
	}
	s.stop(st)
	s.mu.Lock()
	defer s.mu.Unlock()
	st.role, st.name, st.line, st.seen, st.reader = r, wire.Text(c.Arg(0)), nil, false, tagReader{}
	st.hush.Store(false)
	return st
}

// The names of a siprtmp client's streams: what it says, and what it hears.
const (
	localStream  = "local"
	remoteStream = "remote"
)

// byCommands reports whether a stream is that of calls by commands: where names
// say so, or the client has shown that it knows commands. Any name will do then.
func (s *session) byCommands(name string) bool {
	return s.app.kind != appCall && (s.spoke || s.app.kind == appPhone || name == localStream || name == remoteStream)
}

func (s *session) publish(c wire.Command) error {
	st := s.begin(c, publishing)
	if st == nil {
		return nil
	}
	name, query := wire.SplitName(st.name)
	if s.byCommands(name) {
		s.status(st.id, "status", codePublishStart, name)
		return nil
	}
	if err := s.byURLTo(st, name, query.Get("user"), first(query.Get("password"), query.Get("pass"))); err != nil {
		return s.refuse(st, err)
	}
	s.status(st.id, "status", codePublishStart, name)
	return nil
}

func (s *session) play(c wire.Command) error {
	st := s.begin(c, playing)
	if st == nil {
		return nil
	}
	name, query := wire.SplitName(st.name)
	if s.byCommands(name) {
		s.started(st, name)
		s.mu.Lock()
		defer s.mu.Unlock()
		if s.sound != nil {
			st.hears(s.sound)
		}
		return nil
	}
	liking, ok := s.taste().asked(query)
	if !ok {
		return s.refuse(st, &bridge.Error{Op: dialOp, Cause: bridge.NotAcceptable, Reason: reasonCodec})
	}
	s.mu.Lock()
	s.liking = liking
	s.mu.Unlock()
	if err := s.byURLTo(st, name, query.Get("user"), first(query.Get("password"), query.Get("pass"))); err != nil {
		return s.refuse(st, err)
	}
	return nil
}

// started tells a client that a stream plays, as Flash Media Server does.
func (s *session) started(st *stream, name string) {
	if err := s.conn.Tell(wire.StreamBegin, st.id); err != nil {
		s.house.metrics.drop(dropGone)
	}
	s.status(st.id, "status", codePlayReset, name)
	s.status(st.id, "status", codePlayStart, name)
	s.write(wire.Data{Name: "|RtmpSampleAccess", Args: []any{true, true}, Stream: st.id}.Message())
}

// refuse tells a client of a stream that can't be, which ends the connection: it
// is by URL, and has nothing else to do.
func (s *session) refuse(st *stream, err error) error {
	e := asError(err)
	s.house.noise.Do(func() { s.log.Info("stream refused", "publish", st.role == publishing, "cause", e.Cause, "err", err) })
	s.status(st.id, "error", streamCode(st.role == publishing, e.Cause), statusText(e.Cause, e.Reason))
	return errRefused
}

// byURLTo has a stream be one side of a call by URL to name, of the account that the
// client has shown to be, or shows by the stream's query.
func (s *session) byURLTo(st *stream, name, user, password string) error {
	if s.house.draws.Load() {
		return &bridge.Error{Op: dialOp, Cause: bridge.Unavailable, Reason: "the gateway is about to end"}
	}
	if s.name == "" {
		party, ok := parseAddress(user)
		if !ok || party.domain != "" && !s.house.serves(party.domain, s.host) {
			return &bridge.Error{Op: dialOp, Cause: bridge.Unauthorized, Reason: "who are you? user=NAME&password=SECRET behind the name says so"}
		}
		if err := s.prove(address{user: party.user, domain: party.domain}, user, bridge.Secret(password)); err != nil {
			return err
		}
	}
	to, err := s.address(name)
	if err != nil {
		return err
	}
	s.withdraw()
	return s.house.hub.join(st, lineKey{s.name, to.user})
}

// audio takes a message of sound.
func (s *session) audio(m wire.Message) error {
	s.mu.Lock()
	st, sound := s.streams[m.Stream], s.sound
	if st == nil || st.role != publishing {
		s.mu.Unlock()
		return nil
	}
	line := st.line
	s.mu.Unlock()
	p := pulse{ms: m.Time, waited: s.conn.Waited()}
	p.format, p.frames = st.reader.read(m.Body)
	switch {
	case len(p.frames) == 0:
		return s.strange(st)
	case line != nil:
		line.feed(st, p)
	case sound != nil:
		sound.feed(st, p)
	}
	return nil
}

// strange is for sound that nothing was made of. Who publishes a URL is refused with
// sound that nobody here knows: it would call, and never be heard. One with commands, and who was
// heard before, may have its reasons.
func (s *session) strange(st *stream) error {
	what := st.reader.strange
	if what == "" {
		return nil
	}
	s.house.metrics.drop(dropFormat)
	if st.line == nil || st.reader.known {
		return nil
	}
	return s.refuse(st, &bridge.Error{Op: dialOp, Cause: bridge.NotAcceptable, Reason: "sound is wanted as " + knownSound + ", not " + what})
}

// knownSound is what clients may send, for people.
const knownSound = "AAC, MP3, Opus, Speex, Nellymoser, G.711 or linear PCM"

// pictureTime is how long a stream may have pictures only, before it is taken for
// one without sound, in ms.
const pictureTime = 3000

// picture passes over a message of video. A call by URL begins with the first
// sound, or with pictures when there is none for some time.
func (s *session) picture(m wire.Message) {
	st := s.stream(m.Stream)
	if st == nil || st.role != publishing || st.line == nil {
		return
	}
	if !st.seen {
		st.seen, st.when = true, m.Time
	}
	if m.Time-st.when >= pictureTime {
		st.line.place()
	}
}

func asError(err error) *bridge.Error {
	var e *bridge.Error
	if errors.As(err, &e) {
		return e
	}
	return &bridge.Error{Op: dialOp, Cause: bridge.Internal, Err: err}
}

const (
	dialOp = "place a call"
	sendOp = "send"
)
