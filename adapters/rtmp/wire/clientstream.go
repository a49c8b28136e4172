package wire

import (
	"context"
	"errors"
	"fmt"
	"math"
)

// The codes of onStatus that say that a stream is on.
const (
	PublishStart = "NetStream.Publish.Start"
	PlayStart    = "NetStream.Play.Start"
)

// bufferAhead is what a player says it wants to have in advance, in ms: little,
// since this is a call.
const bufferAhead = 100

var errStream = errors.New("the server gave no stream")

// Publish makes a stream and publishes it under that name, live, and gives its id
// when the server says that it has begun.
func (c *Client) Publish(ctx context.Context, name string) (uint32, error) {
	stream, err := c.prepare(ctx, []string{"releaseStream", "FCPublish"}, name)
	if err == nil {
		err = c.start(ctx, stream, PublishStart, Command{Name: "publish", ID: c.next(), Args: []any{name, "live"}, Stream: stream})
	}
	if err != nil {
		return 0, fmt.Errorf("rtmp publish: %w", err)
	}
	return stream, nil
}

// Play makes a stream and plays what is published live under that name, and gives its id when
// the server says that it has begun. A server that has nobody of that name yet
// may say so at once, or let the player wait.
func (c *Client) Play(ctx context.Context, name string) (uint32, error) {
	stream, err := c.prepare(ctx, []string{"FCSubscribe"}, name)
	if err == nil {
		err = c.Buffer(stream, bufferAhead)
	}
	if err == nil { // -1: a live stream only
		err = c.start(ctx, stream, PlayStart, Command{Name: "play", ID: c.next(), Args: []any{name, -1}, Stream: stream})
	}
	if err != nil {
		return 0, fmt.Errorf("rtmp play: %w", err)
	}
	return stream, nil
}

// prepare says what Flash's encoders say before they create a stream. Servers that
// know nothing of it may refuse it: nobody waits for that.
func (c *Client) prepare(ctx context.Context, first []string, name string) (uint32, error) {
	for _, command := range first {
		if err := c.Write(Command{Name: command, ID: c.next(), Args: []any{name}}.Message()); err != nil {
			return 0, err
		}
	}
	return c.CreateStream(ctx)
}

func (c *Client) next() float64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last++
	return c.last
}

// CreateStream gives the id of a new stream.
func (c *Client) CreateStream(ctx context.Context) (uint32, error) {
	args, err := c.Call(ctx, "createStream")
	if err != nil {
		return 0, err
	}
	if len(args) > 0 {
		if id, ok := Whole(args[0], math.MaxUint32); ok && id > 0 {
			return id, nil
		}
	}
	return 0, errStream
}

// start sends a command that a stream begins with, and waits until the server
// says that it has.
func (c *Client) start(ctx context.Context, stream uint32, code string, cmd Command) error {
	statuses := make(chan Command, 8)
	c.mu.Lock()
	c.streams[stream] = statuses
	c.mu.Unlock()
	defer func() {
		c.mu.Lock()
		defer c.mu.Unlock()
		delete(c.streams, stream)
	}()
	if err := c.Write(cmd.Message()); err != nil {
		return err
	}
	for {
		status, err := c.wait(ctx, statuses)
		if err != nil {
			return err
		}
		info, _ := status.Arg(0).(Object)
		if Text(info.Get("code")) == code {
			return nil
		}
		if Text(info.Get("level")) == "error" {
			return statusOf(status)
		}
	}
}

// Unpublish ends a stream that was published.
func (c *Client) Unpublish(stream uint32, name string) error {
	if err := c.Notify(0, "FCUnpublish", name); err != nil {
		return err
	}
	return c.DeleteStream(stream)
}

// DeleteStream ends a stream.
func (c *Client) DeleteStream(stream uint32) error {
	return c.Notify(0, "deleteStream", stream)
}
