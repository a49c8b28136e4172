package mesh

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"gateway/adapters/mesh/bulk"
	"gateway/adapters/mesh/wire"
	"gateway/bridge"
)

const (
	meetWithin = 30 * time.Second // or the peer is not there
	blockSize  = wire.MaxBlock
)

var errNotMet = errors.New("the peer is not in the mesh, or can't be reached")

// SendFile joins a mesh for as long as it takes to send a file to a peer, and
// returns when the peer has it on disk, or why not. cfg is the table of the mesh: of
// a client, whose server it joins, or of a server, which it joins itself. progress
// is told bytes sent and the size, often; it must not wait.
func SendFile(ctx context.Context, cfg *Config, env bridge.Env, path, to string, progress func(done, size uint64)) error {
	object, file, err := openObject(path)
	if err != nil {
		return err
	}
	defer file.Close()
	client, err := guestConfig(cfg)
	if err != nil {
		return err
	}
	env.Key = make([]byte, 32)
	_, _ = rand.Read(env.Key) // who sends is another than the gateway itself; it never fails
	env.Metrics = nil
	a, err := New(client, env)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	ended := make(chan error, 1)
	go func() {
		err := a.Run(ctx, noBridge{})
		cancel(err)
		ended <- err
	}()
	err = a.sendObject(ctx, object, to, progress)
	cancel(nil)
	if failed := <-ended; failed != nil {
		return failed
	}
	return err
}

// openObject describes a file.
func openObject(path string) (*bulk.Object, *os.File, error) {
	file, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	h := sha256.New()
	size, err := io.Copy(h, file)
	if err != nil {
		file.Close()
		return nil, nil, fmt.Errorf("read %s: %w", path, err)
	}
	o := &bulk.Object{Data: file, Offer: wire.Offer{
		Size: uint64(size), Block: blockSize, Sum: [32]byte(h.Sum(nil)), Name: filepath.Base(path),
	}}
	return o, file, nil
}

// guestConfig is that of one more client of a mesh.
func guestConfig(cfg *Config) (*Config, error) {
	c := *cfg
	c.Listen, c.Folder, c.Port, c.UPnP, c.STUN = nil, "", 0, false, nil
	c.Peer = "sender"
	if cfg.isClient() {
		return &c, nil
	}
	door, err := parseDoor(cfg.Listen[0]) // who is no client has one
	if err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if door.Addr().IsUnspecified() {
		door = netip.AddrPortFrom(netip.AddrFrom4([4]byte{127, 0, 0, 1}), door.Port())
	}
	c.Join = door.String()
	return &c, nil
}

// sendObject waits for the peer to be met, and sends.
func (a *Adapter) sendObject(ctx context.Context, o *bulk.Object, to string, progress func(done, size uint64)) error {
	who, err := a.meet(ctx, to)
	if err != nil {
		return err
	}
	p := a.part.Load()
	if p == nil {
		return errNotRunning
	}
	return p.files.mover.Send(ctx, o, who.UUID, func(s bulk.Progress) { progress(s.Bytes, s.Size) })
}

// meet waits until there is a way to a peer.
func (a *Adapter) meet(ctx context.Context, name string) (Remote, error) {
	end := time.NewTimer(meetWithin)
	defer end.Stop()
	look := time.NewTicker(a.set.pace.tick)
	defer look.Stop()
	for {
		if p := a.part.Load(); p != nil {
			if who, err := p.find(name); err == nil && who.Path != wire.Unreached && who.Version > 0 {
				if !who.extended() {
					return who, fmt.Errorf("the peer's program takes no files: %w", bulk.ErrRefused)
				}
				return who, nil
			}
		}
		select {
		case <-ctx.Done():
			return Remote{}, context.Cause(ctx)
		case <-end.C:
			return Remote{}, fmt.Errorf("%w: %q", errNotMet, name)
		case <-look.C:
		}
	}
}

// noBridge is a bridge that knows nobody.
type noBridge struct{}

var errNoBridge = &bridge.Error{Op: "take", Cause: bridge.Unavailable, Reason: "this program only sends a file"}

func (noBridge) Message(_ bridge.Message, done func(bridge.Outcome, error))   { done(0, errNoBridge) }
func (noBridge) Incoming(bridge.Invite, func(bridge.Events) bridge.Leg) error { return errNoBridge }
func (noBridge) Bounced(string, *bridge.Error)                                {}
func (noBridge) Reachable(bridge.Address)                                     {}
func (noBridge) Changed(bridge.Address)                                       {}
func (noBridge) Watch(_ bridge.Watch, done func(error))                       { done(errNoBridge) }
func (noBridge) State(bool, error)                                            {}
func (noBridge) EnrollsFor(string, string) bool                               { return false }
func (noBridge) MayTranscode(...string) bool                                  { return false }

func (noBridge) Enroll(_ bridge.Enrolment, told func(error)) (leave func()) {
	told(errNoBridge)
	return func() {}
}
