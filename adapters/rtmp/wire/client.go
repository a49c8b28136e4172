package wire

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"sync"
)

// A Client is a connection to another server, which has answered connect.
type Client struct {
	*Conn
	app string

	reading sync.WaitGroup
	ended   chan struct{} // closed when nothing comes any more

	mu      sync.Mutex // guards what follows
	calls   map[float64]chan Command
	streams map[uint32]chan Command // who waits for an onStatus
	last    float64                 // the ID that was used last
	err     error                   // why it ended
}

// Connecting says how to connect.
type Connecting struct {
	TLS    *tls.Config // for rtmps
	Limits Limits
	// Fields are set in the command object besides, or instead of, what a client says
	// there.
	Fields []Field
	// Args follow the command object.
	Args []any
	// On gets what comes and is no answer to us: sound, data, calls by the
	// server. It is called from one goroutine and must not wait. nil drops it all.
	On func(Message)
}

// A StatusError is what the server refused something with.
type StatusError struct{ Code, Description string }

// Error is the code and the description.
func (e *StatusError) Error() string { return e.Code + ": " + e.Description }

// errUnanswered is for an answer that says nothing.
var errUnanswered = errors.New("the server's answer has no code")

// Connect dials the server of u and connects to its application. ctx bounds this only.
func Connect(ctx context.Context, u URL, how Connecting) (*Client, error) {
	conn, err := Dial(ctx, u, how.TLS, how.Limits)
	if err != nil {
		return nil, err
	}
	c := &Client{
		Conn: conn, app: u.App, ended: make(chan struct{}),
		calls: make(map[float64]chan Command), streams: make(map[uint32]chan Command),
	}
	c.reading.Go(func() { c.read(how.On) })
	object := Obj("app", u.App, "type", "nonprivate", "flashVer", "FMLE/3.0 (compatible; gateway)", "tcUrl", u.ConnectURL(),
		"fpad", false, "capabilities", 239, "audioCodecs", 0x0fff, "videoCodecs", 0x00ff, "videoFunction", 1, "objectEncoding", 0)
	for _, f := range how.Fields {
		object.set(f)
	}
	if _, err := c.call(ctx, "connect", object, how.Args...); err != nil {
		c.Close()
		return nil, fmt.Errorf("rtmp connect to %s: %w", u.ConnectURL(), err)
	}
	return c, nil
}

func (o *Object) set(f Field) {
	for i := range o.Fields {
		if o.Fields[i].Name == f.Name {
			o.Fields[i].Value = f.Value
			return
		}
	}
	o.Fields = append(o.Fields, f)
}

// read is the goroutine that reads.
func (c *Client) read(on func(Message)) {
	err := c.readAll(on)
	c.mu.Lock()
	c.err = err
	c.mu.Unlock()
	close(c.ended)
}

func (c *Client) readAll(on func(Message)) error {
	for {
		m, err := c.Read()
		if err != nil {
			return err
		}
		if m.IsCommand() {
			cmd, err := ParseCommand(m, c.limits.AMF)
			if err != nil {
				return err
			}
			if c.answered(cmd) {
				continue
			}
		}
		if on != nil {
			on(m)
		}
	}
}

// answered hands an answer to who waits for it. An onStatus goes on as well when
// nobody does.
func (c *Client) answered(cmd Command) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch cmd.Name {
	case "_result", "_error":
		if wait := c.calls[cmd.ID]; wait != nil {
			delete(c.calls, cmd.ID)
			wait <- cmd // it has room for one
		}
		return true
	case "onStatus":
		wait := c.streams[cmd.Stream]
		if wait == nil {
			return false
		}
		select {
		case wait <- cmd:
		default:
		}
		return true
	}
	return false
}

// Call calls a command of the server's and gives its answer's values, after the
// command object; a StatusError for an _error.
func (c *Client) Call(ctx context.Context, name string, args ...any) ([]any, error) {
	return c.call(ctx, name, nil, args...)
}

func (c *Client) call(ctx context.Context, name string, object any, args ...any) ([]any, error) {
	wait := make(chan Command, 1)
	c.mu.Lock()
	c.last++
	id := c.last
	c.calls[id] = wait
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.calls, id)
	}()
	if err := c.Write(Command{Name: name, ID: id, Object: object, Args: args}.Message()); err != nil {
		return nil, err
	}
	answer, err := c.wait(ctx, wait)
	if err != nil {
		return nil, err
	}
	if answer.Name == "_error" {
		return nil, statusOf(answer)
	}
	return answer.Args, nil
}

func (c *Client) wait(ctx context.Context, answers <-chan Command) (Command, error) {
	select {
	case a := <-answers:
		return a, nil
	case <-c.ended:
		select {
		case a := <-answers: // it came before the end
			return a, nil
		default:
			return Command{}, c.Err()
		}
	case <-ctx.Done():
		return Command{}, context.Cause(ctx)
	}
}

// Notify calls a command whose answer nobody waits for.
func (c *Client) Notify(stream uint32, name string, args ...any) error {
	return c.Write(Command{Name: name, Args: args, Stream: stream}.Message())
}

// Ended is closed when the connection has ended.
func (c *Client) Ended() <-chan struct{} { return c.ended }

// Err says why the connection has ended; nil before it has.
func (c *Client) Err() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.err
}

// Close ends the connection, and waits for what reads it.
func (c *Client) Close() error {
	err := c.Conn.Close()
	c.reading.Wait()
	return err
}

// Stop writes what is queued, deleteStream for instance, and ends the connection then.
func (c *Client) Stop() error {
	err := c.Finish()
	c.reading.Wait()
	return err
}

// statusOf is the error in a command's information object.
func statusOf(cmd Command) error {
	for _, v := range append([]any{cmd.Object}, cmd.Args...) {
		if o, ok := v.(Object); ok {
			if code := Text(o.Get("code")); code != "" {
				return &StatusError{code, Text(o.Get("description"))}
			}
		}
	}
	return errUnanswered
}
