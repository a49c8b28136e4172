package rtmp

import "gateway/adapters/rtmp/wire"

// receiveAudio is receiveAudio(true or false): whether the stream is to be sent sound (RTMP 1.0 section
// 7.2.2.4, where only true is answered).
func (s *session) receiveAudio(c wire.Command) error {
	s.reply(c)
	on, ok := c.Arg(0).(bool)
	if st := s.hushed(c, ok, !on); st != nil && on {
		name, _ := wire.SplitName(st.name)
		s.status(st.id, "status", codeSeek, name)
		s.status(st.id, "status", codePlayStart, name)
	}
	return nil
}

// pause is pause(true or false, ms): what is live goes on unheard (section 7.2.2.8).
func (s *session) pause(c wire.Command) error {
	s.reply(c)
	on, ok := c.Arg(0).(bool)
	if st := s.hushed(c, ok, on); st != nil {
		code := codeUnpaused
		if on {
			code = codePaused
		}
		name, _ := wire.SplitName(st.name)
		s.status(st.id, "status", code, name)
	}
	return nil
}

// hushed has a stream that plays be heard, or not. nil: there is none, or the command did
// not say what it wants.
func (s *session) hushed(c wire.Command, said, hush bool) *stream {
	st := s.stream(c.Stream)
	if st == nil || st.role != playing || !said {
		return nil
	}
	st.hush.Store(hush)
	return st
}
