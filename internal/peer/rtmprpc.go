package peer

import (
	"context"
	"crypto/sha256"
	_ "embed" // for the client
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
)

//go:embed files/rtmp/client.js
var rtmpClient string

//go:embed files/rtmp/package-lock.json
var rtmpLock []byte

// An RTMPClient is a client with calls, as programs for Flash had: it runs in
// Node, on a library that other people wrote. It records the sound of the
// streams that it plays.
type RTMPClient struct {
	Program

	mu  sync.Mutex // guards ids
	ids int
}

// An RTMPEvent is what a client tells.
type RTMPEvent struct {
	Event  string // "called", "stream" (an onStatus), "data" or "closed"
	Name   string // of what was called
	Args   []any
	Info   map[string]any // of an onStatus
	ID     float64        // of the call
	Stream int
}

// An RTMPRefusal is what a call was answered with that failed.
type RTMPRefusal struct{ Info map[string]any }

// Error is what it says.
func (r *RTMPRefusal) Error() string { return fmt.Sprintf("refused: %v", r.Info) }

// StartRTMPClient runs one that is not connected yet.
func StartRTMPClient(ctx context.Context, lab *Lab, name string) (*RTMPClient, error) {
	node, err := need("node")
	if err != nil {
		return nil, err
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		return nil, fmt.Errorf("rtmp client: %w", err)
	}
	library := filepath.Join(cache, "gateway-peers", fmt.Sprintf("rtmp-%.16x.js", sha256.Sum256(rtmpLock)))
	if _, err := os.Stat(library); err != nil {
		return nil, fmt.Errorf("rtmp client: the library is not there (scripts/install-peers makes it): %w", err)
	}
	dir, err := lab.Dir(name)
	if err != nil {
		return nil, err
	}
	script, err := write(dir, "client.js", rtmpClient)
	if err != nil {
		return nil, err
	}
	c := &RTMPClient{}
	c.Program = Program{Name: name, dir: dir, argv: []string{node, script, library}}
	lab.add(&c.Program)
	return c, c.Start(ctx)
}

// do gives an order and waits for its answer.
func (c *RTMPClient) do(ctx context.Context, order string, params map[string]any) (any, error) {
	c.mu.Lock()
	c.ids++
	id := c.ids
	c.mu.Unlock()
	all := map[string]any{"id": id, "order": order}
	for k, v := range params {
		all[k] = v
	}
	line, err := json.Marshal(all)
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Name, order, err)
	}
	if err := c.Type(string(line)); err != nil {
		return nil, err
	}
	mark := fmt.Sprintf(`{"answer":%d`, id)
	got, err := c.Out.Wait(ctx, func(line string) bool {
		return strings.HasPrefix(line, mark+",") || strings.HasPrefix(line, mark+"}")
	})
	if err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Name, order, err)
	}
	var answer struct {
		Value   any
		Refused map[string]any
	}
	if err := json.Unmarshal([]byte(got), &answer); err != nil {
		return nil, fmt.Errorf("%s: %s: %w", c.Name, order, err)
	}
	if answer.Refused != nil {
		return nil, &RTMPRefusal{answer.Refused}
	}
	return answer.Value, nil
}

// Connect connects to an application at an address, host:port; args follow the
// command object. It gives the answer's information object.
func (c *RTMPClient) Connect(ctx context.Context, addr, app string, args ...any) (map[string]any, error) {
	host, port, err := net.SplitHostPort(addr)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	n, err := strconv.Atoi(port)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", c.Name, err)
	}
	if args == nil {
		args = []any{}
	}
	v, err := c.do(ctx, "connect", map[string]any{"host": host, "port": n, "app": app, "tcUrl": "rtmp://" + addr + "/" + app, "fields": map[string]any{}, "args": args})
	info, _ := v.(map[string]any)
	return info, err
}

// Call calls a command of the server's and gives its answer.
func (c *RTMPClient) Call(ctx context.Context, name string, args ...any) (any, error) {
	if args == nil {
		args = []any{}
	}
	return c.do(ctx, "call", map[string]any{"name": name, "args": args})
}

// Stream makes a stream and gives its id.
func (c *RTMPClient) Stream(ctx context.Context) (int, error) {
	v, err := c.do(ctx, "stream", nil)
	id, _ := v.(float64)
	return int(id), err
}

// Command sends a command of a stream: "publish", "play", "closeStream".
func (c *RTMPClient) Command(ctx context.Context, stream int, name string, args ...any) error {
	if args == nil {
		args = []any{}
	}
	_, err := c.do(ctx, "command", map[string]any{"stream": stream, "name": name, "args": args})
	return err
}

// Tone has a stream that is published say a tone, in mu-law, until Silence.
func (c *RTMPClient) Tone(ctx context.Context, stream int, hz float64) error {
	_, err := c.do(ctx, "tone", map[string]any{"stream": stream, "hz": hz})
	return err
}

// Silence ends it.
func (c *RTMPClient) Silence(ctx context.Context, stream int) error {
	_, err := c.do(ctx, "silence", map[string]any{"stream": stream})
	return err
}

// Data sends data on a stream, as NetStream.send does.
func (c *RTMPClient) Data(ctx context.Context, stream int, name string, args ...any) error {
	_, err := c.do(ctx, "data", map[string]any{"stream": stream, "name": name, "args": args})
	return err
}

// Record begins to record what a stream plays.
func (c *RTMPClient) Record(ctx context.Context, stream int) error {
	_, err := c.do(ctx, "record", map[string]any{"stream": stream, "file": c.heardFile()})
	return err
}

// CloseConnection hangs up.
func (c *RTMPClient) CloseConnection(ctx context.Context) error {
	_, err := c.do(ctx, "close", nil)
	return err
}

func (c *RTMPClient) heardFile() string { return filepath.Join(c.dir, "heard.flv") }

// Heard is what it has recorded so far. ffmpeg decodes it, which takes a while.
func (c *RTMPClient) Heard(ctx context.Context) (Sound, error) {
	out := filepath.Join(c.dir, "heard.wav")
	cmd := exec.CommandContext(ctx, "ffmpeg", "-nostdin", "-loglevel", "error", "-y", "-f", "flv", "-i", c.heardFile(),
		"-ar", fmt.Sprint(playRate), "-ac", "1", "-c:a", "pcm_s16le", out)
	if text, err := cmd.CombinedOutput(); err != nil {
		return Sound{}, fmt.Errorf("%s: decode: %w: %s", c.Name, err, strings.TrimSpace(string(text)))
	}
	return ReadWAV(out)
}

// Events is what it has told since a mark, which Out.Len gives.
func (c *RTMPClient) Events(mark int) []RTMPEvent {
	var all []RTMPEvent
	lines := c.Out.All()
	for _, line := range lines[min(mark, len(lines)):] {
		if e, ok := parseRTMPEvent(line); ok {
			all = append(all, e)
		}
	}
	return all
}

func parseRTMPEvent(line string) (e RTMPEvent, ok bool) {
	return e, json.Unmarshal([]byte(line), &e) == nil && e.Event != ""
}

// WaitEvent gives the first event since a mark that match likes.
func (c *RTMPClient) WaitEvent(ctx context.Context, mark int, match func(RTMPEvent) bool) (RTMPEvent, error) {
	line, err := c.Out.WaitAfter(ctx, mark, func(line string) bool {
		e, ok := parseRTMPEvent(line)
		return ok && match(e)
	})
	if err != nil {
		return RTMPEvent{}, fmt.Errorf("%s: wait for an event, had %v: %w", c.Name, c.Events(mark), err)
	}
	e, _ := parseRTMPEvent(line)
	return e, nil
}

// WaitCalled waits until the server has called a command since a mark, and gives
// what with.
func (c *RTMPClient) WaitCalled(ctx context.Context, mark int, name string) ([]any, error) {
	e, err := c.WaitEvent(ctx, mark, func(e RTMPEvent) bool { return e.Event == "called" && e.Name == name })
	return e.Args, err
}

// WaitStatus waits for an onStatus of a stream whose code is that.
func (c *RTMPClient) WaitStatus(ctx context.Context, mark, stream int, code string) error {
	_, err := c.WaitEvent(ctx, mark, func(e RTMPEvent) bool {
		return e.Event == "stream" && e.Stream == stream && e.Info["code"] == code
	})
	return err
}

// WaitTone waits until it has heard a tone of hz for about half a second.
func (c *RTMPClient) WaitTone(ctx context.Context, hz float64) error {
	size := int64(0)
	return Poll(ctx, func(ctx context.Context) bool {
		info, err := os.Stat(c.heardFile())
		if err != nil || info.Size() < size+4000 { // half a second of mu-law more than the last time
			return false
		}
		size = info.Size()
		s, err := c.Heard(ctx)
		return err == nil && s.Tail(20*toneWindow).Lasts(hz, toneShare) >= 10*toneWindow
	})
}
