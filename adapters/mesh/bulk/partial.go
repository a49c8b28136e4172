package bulk

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"

	"gateway/adapters/mesh/wire"
)

const (
	partialDir = ".partial"
	syncEvery  = 8 << 20 // bytes, after which what came is synced, and noted
	syncAfter  = 2 * time.Second
	diskQueue  = 1024 // blocks that wait for the disk
)

// errHash: what came is not what was offered.
var errHash = errors.New("the hash is another")

// A partial is a file that is not yet whole: its data, and beside it a note of
// which blocks are on disk. Its goroutine (run) owns it, but for queue.
type partial struct {
	folder string
	offer  wire.Offer
	queue  chan written
	log    *slog.Logger
	tell   func(diskEvent) // never waits for the mover to read it
	known  *hashes
	quota  uint64 // of the folder, less what others that are under way may become

	file  *os.File
	disk  blocks // what is written
	since int    // bytes since the last sync
}

type written struct {
	block uint32
	data  []byte
}

// A diskEvent is what a partial's goroutine tells.
type diskEvent struct {
	partial *partial
	have    blocks // at the beginning: what was there
	ready   bool
	ended   bool
	path    string // of the whole file, if err is nil
	err     error
}

// run opens what there is, writes what comes by the queue, and when that is closed
// ends: with a whole file, if all is there.
func (p *partial) run() {
	var path string
	err := errFault
	defer func() {
		if r := recover(); r != nil {
			p.log.Error("an object made us panic", "panic", r, "stack", string(debug.Stack()))
		}
		p.tell(diskEvent{partial: p, ended: true, path: path, err: err})
	}()
	path, err = p.work()
}

var errFault = errors.New("a fault of ours")

func (p *partial) work() (path string, err error) {
	if path, ok := p.already(); ok {
		return path, nil
	}
	if err := makeRoom(p.folder, p.base(), p.offer.Size, p.quota, time.Now()); err != nil {
		return "", err
	}
	if err := p.open(); err != nil {
		return "", err
	}
	defer p.file.Close() // it has been synced, or it does not matter
	p.tell(diskEvent{partial: p, ready: true, have: append(blocks(nil), p.disk...)})
	if err := p.write(); err != nil {
		return "", err
	}
	if err := p.note(); err != nil {
		return "", err
	}
	if p.disk.count() < p.offer.Blocks() {
		return "", errUnfinished
	}
	return p.finish()
}

var errUnfinished = errors.New("it is not whole")

// already finds the object among the files that are there.
func (p *partial) already() (string, bool) {
	path := filepath.Join(p.folder, safeName(p.offer.Name))
	info, err := os.Lstat(path)
	if err != nil || !info.Mode().IsRegular() || info.Size() != int64(p.offer.Size) {
		return "", false
	}
	sum, err := p.known.of(path, info)
	return path, err == nil && sum == p.offer.Sum
}

func (p *partial) base() string {
	return filepath.Join(p.folder, partialDir, hex.EncodeToString(p.offer.Sum[:]))
}

func (p *partial) open() error {
	if err := os.MkdirAll(filepath.Join(p.folder, partialDir), 0o700); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	file, err := os.OpenFile(p.base()+".part", os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return fmt.Errorf("partial file: %w", err)
	}
	p.file = file
	p.disk = newBlocks(p.offer.Blocks())
	if have, ok := readNote(p.base()+".map", &p.offer); ok {
		p.disk = have
	}
	return nil
}

// write takes blocks until the queue is closed.
func (p *partial) write() error {
	idle := time.NewTimer(syncAfter)
	defer idle.Stop()
	for {
		select {
		case w, ok := <-p.queue:
			if !ok {
				return nil
			}
			if _, err := p.file.WriteAt(w.data, int64(w.block)*int64(p.offer.Block)); err != nil {
				return fmt.Errorf("partial file: %w", err)
			}
			p.disk.add(w.block)
			if p.since += len(w.data); p.since >= syncEvery {
				if err := p.note(); err != nil {
					return err
				}
			}
		case <-idle.C:
			if err := p.note(); err != nil {
				return err
			}
			idle.Reset(syncAfter)
		}
	}
}

// note syncs what is written, and then notes it.
func (p *partial) note() error {
	if p.since == 0 {
		return nil
	}
	p.since = 0
	if err := p.file.Sync(); err != nil {
		return fmt.Errorf("partial file: %w", err)
	}
	if err := writeNote(p.base()+".map", &p.offer, p.disk); err != nil {
		return fmt.Errorf("partial file: %w", err)
	}
	return nil
}

// finish looks whether the whole is what was offered, and gives it its name.
func (p *partial) finish() (string, error) {
	if err := p.file.Truncate(int64(p.offer.Size)); err != nil {
		return "", fmt.Errorf("partial file: %w", err)
	}
	if err := p.file.Sync(); err != nil {
		return "", fmt.Errorf("partial file: %w", err)
	}
	sum, err := sumFile(p.base() + ".part")
	if err != nil {
		return "", err
	}
	if sum != p.offer.Sum {
		p.remove()
		return "", errHash
	}
	name := safeName(p.offer.Name)
	for n := 1; n < 1000; n++ {
		path := filepath.Join(p.folder, numbered(name, n))
		err := os.Link(p.base()+".part", path) // unlike a renaming, it takes the place of nothing
		if errors.Is(err, os.ErrExist) {
			continue
		}
		if err != nil {
			return "", fmt.Errorf("folder: %w", err)
		}
		p.remove()
		return path, syncDir(p.folder)
	}
	return "", fmt.Errorf("folder: %q is there too often", name)
}

func (p *partial) remove() {
	_ = os.Remove(p.base() + ".part") // what stays is found again, or goes when it is old
	_ = os.Remove(p.base() + ".map")
}

func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	defer d.Close()
	if err := d.Sync(); err != nil {
		return fmt.Errorf("folder: %w", err)
	}
	return nil
}

// A note is: size u64, block u16, then the set of blocks, and a hash of it all, by
// which half of one is known.
func writeNote(path string, o *wire.Offer, b blocks) error {
	out := binary.BigEndian.AppendUint64(nil, o.Size)
	out = binary.BigEndian.AppendUint16(out, o.Block)
	for _, w := range b {
		out = binary.LittleEndian.AppendUint64(out, w)
	}
	sum := sha256.Sum256(out)
	tmp := path + ".new"
	if err := os.WriteFile(tmp, append(out, sum[:]...), 0o600); err != nil {
		return err
	}
	return os.Rename(tmp, path)
}

func readNote(path string, o *wire.Offer) (blocks, bool) {
	const head = 8 + 2
	b := newBlocks(o.Blocks())
	want := head + 8*len(b) + sha256.Size
	if info, err := os.Stat(path); err != nil || info.Size() != int64(want) {
		return nil, false
	}
	data, err := os.ReadFile(path)
	if err != nil || len(data) != want {
		return nil, false
	}
	body := data[:want-sha256.Size]
	if sha256.Sum256(body) != [32]byte(data[want-sha256.Size:]) ||
		binary.BigEndian.Uint64(body) != o.Size || binary.BigEndian.Uint16(body[8:]) != o.Block {
		return nil, false
	}
	for i := range b {
		b[i] = binary.LittleEndian.Uint64(body[head+8*i:])
	}
	if n := o.Blocks(); n%64 != 0 && len(b) > 0 && b[len(b)-1]>>(n%64) != 0 {
		return nil, false
	}
	return b, true
}
