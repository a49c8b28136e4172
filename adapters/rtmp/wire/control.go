package wire

import (
	"bytes"
	"fmt"

	"github.com/yutopp/go-rtmp/message"
)

// ourWindow is after how many bytes we ask to be told that they have come.
const ourWindow = 2_500_000

// controlMessage is protocol control as a message of the connection itself.
func controlMessage(m message.Message) (Message, error) {
	var b bytes.Buffer
	if err := message.NewEncoder(&b).Encode(m); err != nil {
		return Message{}, fmt.Errorf("compose protocol control: %w", err)
	}
	return Message{Type: Type(m.TypeID()), Body: b.Bytes()}, nil
}

// An Event is one of user control (RTMP 1.0 section 7.1.7) that is about a
// stream.
type Event uint8

// The events of streams.
const (
	StreamBegin Event = iota
	StreamEOF
	StreamDry
	StreamIsRecorded
)

// Tell tells the peer that something has become of a stream.
func (c *Conn) Tell(e Event, stream uint32) error {
	switch e {
	case StreamBegin:
		return c.control(&message.UserCtrl{Event: &message.UserCtrlEventStreamBegin{StreamID: stream}})
	case StreamEOF:
		return c.control(&message.UserCtrl{Event: &message.UserCtrlEventStreamEOF{StreamID: stream}})
	case StreamDry:
		return c.control(&message.UserCtrl{Event: &message.UserCtrlEventStreamDry{StreamID: stream}})
	default:
		return c.control(&message.UserCtrl{Event: &message.UserCtrlEventStreamIsRecorded{StreamID: stream}})
	}
}

// Buffer tells the server how many ms a client wants to have in advance.
func (c *Conn) Buffer(stream, ms uint32) error {
	return c.control(&message.UserCtrl{Event: &message.UserCtrlEventSetBufferLength{StreamID: stream, LengthMs: ms}})
}

func (c *Conn) control(m message.Message) error {
	out, err := controlMessage(m)
	if err != nil {
		return err
	}
	return c.Write(out)
}

// onControl does what the peer's protocol control asks for. Events that we do not
// know ask for nothing.
func (c *Conn) onControl(m Message) error {
	var got message.Message
	if err := message.NewDecoder(bytes.NewReader(m.Body)).Decode(message.TypeID(m.Type), &got); err != nil {
		if m.Type == TypeUserControl {
			return nil
		}
		return fmt.Errorf("read protocol control of %v: %w", m.Type, err)
	}
	switch got := got.(type) {
	case *message.SetChunkSize:
		c.in.size = min(got.ChunkSize, maxChunk)
	case *message.AbortMessage:
		c.in.abort(got.ChunkStreamID)
	case *message.WinAckSize:
		if got.Size > 0 {
			c.window = uint64(got.Size)
		}
	case *message.SetPeerBandwidth:
		return c.onBandwidth(got.Size)
	case *message.UserCtrl:
		switch ping := got.Event.(type) {
		case *message.UserCtrlEventPingRequest:
			return c.control(&message.UserCtrl{Event: &message.UserCtrlEventPingResponse{Timestamp: ping.Timestamp}})
		case *message.UserCtrlEventPingResponse:
			c.pings.answered(ping.Timestamp)
		}
	}
	return nil
}

// onBandwidth answers with the window that was asked for, unless it is the one
// that the peer knows (section 5.4.5).
func (c *Conn) onBandwidth(size int32) error {
	if size <= 0 || size == c.told {
		return nil
	}
	c.told = size
	return c.control(&message.WinAckSize{Size: size})
}

// acknowledge says how much has come, when half of the window has (section
// 5.4.3): who waits for it shall not have to.
func (c *Conn) acknowledge() error {
	got := c.count.read.Load()
	if got-c.acked < c.window/2 {
		return nil
	}
	c.acked = got
	return c.control(&message.Ack{SequenceNumber: uint32(got)})
}
