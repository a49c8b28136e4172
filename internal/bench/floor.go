package main

import (
	"bytes"
	"context"
	"crypto/sha1"
	_ "embed" // for the program
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"gateway/internal/peer"
)

//go:embed files/floor.c
var floorSource string

const (
	floorHost       = 5
	floorComponent  = "floor.example.org"
	floorPhonesPort = peer.SIPPort + 4 // of the phones behind it
	floorFile       = 256 << 10        // bytes of what it writes down in
)

// A floor is the smallest program that makes the gateway's promises with the same system
// calls: what it costs is what they cost. It does nothing else, so it is no gateway.
type floor struct {
	cmd    *exec.Cmd
	ended  chan struct{} // closed when it has
	phones *sipEnd
}

// startFloor builds it and starts it. note says why it is nil.
func startFloor(ctx context.Context, w *world) (f *floor, note string, err error) {
	dir, err := w.lab.Dir("floor")
	if err != nil {
		return nil, "", err
	}
	source, binary := filepath.Join(dir, "floor.c"), filepath.Join(dir, "floor")
	if err := os.WriteFile(source, []byte(floorSource), 0o644); err != nil {
		return nil, "", fmt.Errorf("floor: %w", err)
	}
	if out, err := exec.CommandContext(ctx, "gcc", "-O2", "-o", binary, source).CombinedOutput(); err != nil {
		return nil, fmt.Sprintf("it can't be built: %v %s", err, out), nil
	}
	files, err := w.floorFiles(dir)
	defer func() {
		for _, file := range files {
			file.Close()
		}
	}()
	if errors.Is(err, unix.EINVAL) {
		return nil, fmt.Sprintf("the file system of %s has no writes past the page cache", dir), nil
	}
	if err != nil {
		return nil, "", fmt.Errorf("floor: %w", err)
	}
	f = &floor{ended: make(chan struct{})}
	server, phones := w.lab.At(floorHost, peer.SIPPort), w.lab.At(peer.SIPHost, floorPhonesPort)
	f.cmd = exec.CommandContext(ctx, binary, floorComponent, users, server, phones)
	f.cmd.ExtraFiles = files
	f.cmd.Stdout, f.cmd.Stderr = os.Stderr, os.Stderr
	f.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Pdeathsig: syscall.SIGKILL}
	if err := f.cmd.Start(); err != nil {
		return nil, "", fmt.Errorf("floor: %w", err)
	}
	go f.runWait()
	if f.phones, err = newSIPEnd(phones, server, floorComponent, users, &w.current); err != nil {
		f.close()
		return nil, "", err
	}
	return f, "", nil
}

// floorFiles opens what it works with: the server's stream, the phones, and a file.
func (w *world) floorFiles(dir string) (files []*os.File, err error) {
	server, err := component114(w.lab.At(peer.XMPPHost, peer.ComponentPort), floorComponent)
	if err != nil {
		return nil, err
	}
	defer server.Close()
	local, err := net.ResolveUDPAddr("udp4", w.lab.At(floorHost, peer.SIPPort))
	if err != nil {
		return nil, err
	}
	remote, err := net.ResolveUDPAddr("udp4", w.lab.At(peer.SIPHost, floorPhonesPort))
	if err != nil {
		return nil, err
	}
	phones, err := net.DialUDP("udp4", local, remote)
	if err != nil {
		return nil, err
	}
	defer phones.Close()
	for _, open := range []func() (*os.File, error){server.File, phones.File} {
		file, err := open()
		if err != nil {
			return files, err
		}
		files = append(files, file)
	}
	for _, name := range []string{"log", "outbox"} {
		file, err := os.Create(filepath.Join(dir, name))
		if err != nil {
			return files, err
		}
		files = append(files, file)
		if _, err := file.Write(make([]byte, floorFile)); err != nil {
			return files, err
		}
		if err := file.Sync(); err != nil {
			return files, err
		}
	}
	return files, pastTheCache(files[len(files)-1])
}

// pastTheCache has a file written past the page cache, which shall have nothing of it.
func pastTheCache(file *os.File) error {
	fd := int(file.Fd())
	if err := unix.Fadvise(fd, 0, 0, unix.FADV_DONTNEED); err != nil {
		return err
	}
	flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0)
	if err != nil {
		return err
	}
	_, err = unix.FcntlInt(uintptr(fd), unix.F_SETFL, flags|unix.O_DIRECT)
	return err
}

// component114 lets a component in at a server (XEP-0114).
func component114(server, domain string) (*net.TCPConn, error) {
	conn, err := net.DialTimeout("tcp", server, loginTime)
	if err != nil {
		return nil, err
	}
	e := &xmppEnd{conn: conn}
	if err := e.enter(domain); err != nil {
		conn.Close()
		return nil, fmt.Errorf("let %s in: %w", domain, err)
	}
	return conn.(*net.TCPConn), nil
}

// enter is the handshake of a component.
func (e *xmppEnd) enter(domain string) error {
	if err := e.conn.SetDeadline(time.Now().Add(loginTime)); err != nil {
		return err
	}
	open := "<stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' to='" + domain + "'>"
	got, err := e.exchange(open, "<stream:stream")
	for err == nil && bytes.Count(got, []byte(">")) < bytes.Count(got, []byte("<")) {
		var more []byte
		more, err = e.exchange("", ">")
		got = append(got, more...)
	}
	if err != nil {
		return err
	}
	_, id, _ := bytes.Cut(got, []byte("id='"))
	id, _, ok := bytes.Cut(id, []byte("'"))
	if !ok {
		return errors.New("the stream has no id")
	}
	if _, err := e.exchange(fmt.Sprintf("<handshake>%x</handshake>", sha1.Sum(append(id, secret...))), "<handshake"); err != nil {
		return err
	}
	return e.conn.SetDeadline(time.Time{})
}

func (f *floor) runWait() {
	_ = f.cmd.Wait() // what it printed says more
	close(f.ended)
}

func (f *floor) close() {
	_ = syscall.Kill(-f.cmd.Process.Pid, syscall.SIGKILL)
	<-f.ended
	if f.phones != nil {
		f.phones.close()
	}
}

func (f *floor) path() path {
	return path{name: floorName, group: f.cmd.Process.Pid, phones: f.phones, component: floorComponent}
}
