package wire

import (
	"errors"
	"fmt"
)

// A Command is a call, or the answer to one (RTMP 1.0 section 7.1.1): Name is
// what is called, or "_result" or "_error"; ID is 0 where no answer is expected.
type Command struct {
	Name   string
	ID     float64
	Object any   // the command object; nil for most
	Args   []any // what follows it
	Stream uint32
	Time   uint32
	AMF3   bool // it goes in a message of type 17
}

// Data is what a stream's publisher says beside sound and pictures (section
// 7.1.2): "onMetaData" and the like. Name is "" if it does not begin with a name.
type Data struct {
	Name   string
	Args   []any
	Stream uint32
	Time   uint32
	AMF3   bool // it goes in a message of type 15
}

var errCommand = errors.New("no command")

// ParseCommand reads a message of type 20 or 17.
func ParseCommand(m Message, bounds Bounds) (Command, error) {
	row, err := ParseAMF0(amfBody(m), bounds)
	if err != nil {
		return Command{}, fmt.Errorf("read a command: %w", err)
	}
	c := Command{Stream: m.Stream, Time: m.Time, AMF3: m.Type == TypeCommandAMF3}
	if len(row) == 0 {
		return Command{}, errCommand
	}
	name, ok := row[0].(string)
	if !ok || name == "" {
		return Command{}, errCommand
	}
	c.Name = name
	if len(row) > 1 {
		c.ID = Number(row[1])
	}
	if len(row) > 2 {
		c.Object, c.Args = row[2], row[3:]
	}
	return c, nil
}

// amfBody is what of the body is AMF0: what goes as AMF3 has a zero before it,
// which is no name's beginning.
func amfBody(m Message) []byte {
	if (m.Type == TypeCommandAMF3 || m.Type == TypeDataAMF3) && len(m.Body) > 0 && m.Body[0] == 0 {
		return m.Body[1:]
	}
	return m.Body
}

// Arg is the argument i; nil if there is none.
func (c Command) Arg(i int) any {
	if i < len(c.Args) {
		return c.Args[i]
	}
	return nil
}

// Message is the command as a message. The values of a type 17 are AMF0 as well,
// as Flash's servers send them and every client reads them.
func (c Command) Message() Message {
	m := Message{Type: TypeCommandAMF0, Stream: c.Stream, Time: c.Time, Body: make([]byte, 0, 256)}
	if c.AMF3 {
		m.Type, m.Body = TypeCommandAMF3, append(m.Body, 0)
	}
	m.Body = AppendAMF0(m.Body, c.Name, c.ID, c.Object)
	m.Body = AppendAMF0(m.Body, c.Args...)
	return m
}

// Result answers c with _result.
func (c Command) Result(object any, args ...any) Command { return c.answer("_result", object, args) }

// Error answers c with _error.
func (c Command) Error(object any, args ...any) Command { return c.answer("_error", object, args) }

func (c Command) answer(name string, object any, args []any) Command {
	return Command{Name: name, ID: c.ID, Object: object, Args: args, Stream: c.Stream, AMF3: c.AMF3}
}

// Status is an onStatus for a stream: level is "status", "warning" or "error".
// More are further fields, names and values by turns.
func Status(stream uint32, level, code, description string, more ...any) Command {
	info := Obj(append([]any{"level", level, "code", code, "description", description}, more...)...)
	return Command{Name: "onStatus", Args: []any{info}, Stream: stream}
}

// ParseData reads a message of type 18 or 15.
func ParseData(m Message, bounds Bounds) (Data, error) {
	row, err := ParseAMF0(amfBody(m), bounds)
	if err != nil {
		return Data{}, fmt.Errorf("read data: %w", err)
	}
	d := Data{Stream: m.Stream, Time: m.Time, AMF3: m.Type == TypeDataAMF3, Args: row}
	if len(row) > 0 {
		if name, ok := row[0].(string); ok {
			d.Name, d.Args = name, row[1:]
		}
	}
	return d, nil
}

// Message is the data as a message.
func (d Data) Message() Message {
	m := Message{Type: TypeDataAMF0, Stream: d.Stream, Time: d.Time}
	if d.AMF3 {
		m.Type, m.Body = TypeDataAMF3, []byte{0}
	}
	m.Body = AppendAMF0(m.Body, d.Name)
	m.Body = AppendAMF0(m.Body, d.Args...)
	return m
}
