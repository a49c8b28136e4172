package wire

import "strconv"

// Type is a message's type (RTMP 1.0 section 5.4 and 7.1).
type Type uint8

// The types of messages. Those below TypeAudio are protocol control: Conn deals
// with them, and Read does not give them.
const (
	TypeSetChunkSize  Type = 1
	TypeAbort         Type = 2
	TypeAck           Type = 3
	TypeUserControl   Type = 4
	TypeWindowAck     Type = 5
	TypePeerBandwidth Type = 6
	TypeAudio         Type = 8
	TypeVideo         Type = 9
	TypeDataAMF3      Type = 15
	TypeSharedAMF3    Type = 16
	TypeCommandAMF3   Type = 17
	TypeDataAMF0      Type = 18
	TypeSharedAMF0    Type = 19
	TypeCommandAMF0   Type = 20
	TypeAggregate     Type = 22
)

// String is the type's number, for logs.
func (t Type) String() string { return "type " + strconv.Itoa(int(t)) }

// A Message is one message of a stream. Its body may be empty, which is legal.
type Message struct {
	Type   Type
	Stream uint32 // 0 is the connection itself
	Time   uint32 // ms; it wraps
	Body   []byte
}

// IsCommand reports whether ParseCommand is for it.
func (m Message) IsCommand() bool { return m.Type == TypeCommandAMF0 || m.Type == TypeCommandAMF3 }

// IsData reports whether ParseData is for it.
func (m Message) IsData() bool { return m.Type == TypeDataAMF0 || m.Type == TypeDataAMF3 }

// droppable reports whether a slow peer can do without it: sound and pictures,
// but not what says how they are to be decoded.
func (m Message) droppable() bool {
	switch m.Type {
	case TypeAudio:
		return !isAudioConfig(m.Body)
	case TypeVideo:
		return !isVideoConfig(m.Body)
	default:
		return false
	}
}

// isAudioConfig knows the AudioSpecificConfig (FLV 10.1 section E.4.2.1), and
// the sequence start of Enhanced RTMP.
func isAudioConfig(b []byte) bool {
	return len(b) > 1 && (AudioCodec(b[0]>>4) == AAC && b[1] == 0 || AudioCodec(b[0]>>4) == enhanced && b[0]&15 == 0)
}

// isVideoConfig knows the AVCDecoderConfigurationRecord (section E.4.3.1), and
// the sequence start of Enhanced RTMP.
func isVideoConfig(b []byte) bool {
	return len(b) > 1 && (b[0]&0x8f == 7 && b[1] == 0 || b[0]&0x8f == 0x80)
}
