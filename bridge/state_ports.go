package bridge

import (
	"slices"
	"strings"

	"gateway/bridge/media"
)

// streamPorts are ports by stream, in the order of the streams' names. There are few of
// them: one, nearly always.
type streamPorts []streamPort

type streamPort struct {
	stream string
	port   media.PacketPort
}

// at is the port of a stream, zero if it has none.
func (s streamPorts) at(stream string) media.PacketPort {
	if i, there := s.search(stream); there {
		return s[i].port
	}
	return media.PacketPort{}
}

func (s streamPorts) search(stream string) (int, bool) {
	return slices.BinarySearchFunc(s, stream, func(p streamPort, name string) int { return strings.Compare(p.stream, name) })
}

// put makes a port that of a stream.
func (s *streamPorts) put(stream string, port media.PacketPort) {
	i, there := s.search(stream)
	if there {
		(*s)[i].port = port
		return
	}
	*s = slices.Insert(*s, i, streamPort{stream, port})
}

// drop forgets the port of a stream.
func (s *streamPorts) drop(stream string) {
	if i, there := s.search(stream); there {
		*s = slices.Delete(*s, i, i+1)
	}
}

// without forgets a port, whatever stream has it.
func (s *streamPorts) without(port media.PacketPort) {
	*s = slices.DeleteFunc(*s, func(p streamPort) bool { return p.port == port })
}
