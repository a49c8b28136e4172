package store

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/minio/highwayhash"
)

// JetStream repairs a damaged stream by cutting off what follows the damage,
// and says nothing. So its files are read before it sees them. Their form is
// that of nats-server 2.15, server/filestore.go: a stream's directory has a
// description (meta.inf), its checksum in hex (meta.sum), and blocks of records
// (msgs/N.blk):
//
//	length 4  sequence 8  time 8  subject's length 2     little endian
//	subject   [headers' length 4  headers]  data  checksum 8
//
// The highest bit of the length says that there are headers. The checksum is
// HighwayHash-64 of all but the lengths, its key SHA-256 of "STREAM-N".
const (
	recordHeader  = 22
	recordSum     = 8
	headersBit    = 1 << 31
	maxBlock      = 64 << 20 // bytes: eight times the largest block
	maxComplaints = 20
)

// inspect looks for damage in an embedded store. It changes nothing.
func inspect(dir string) (damage []string) {
	info, err := os.Stat(dir)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return []string{err.Error()}
	case !info.IsDir():
		return []string{dir + " is not a directory"}
	}
	streams, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", "*"))
	if err != nil {
		return []string{err.Error()}
	}
	for _, s := range streams {
		if strings.HasPrefix(filepath.Base(s), ".") {
			continue // being deleted
		}
		damage = append(damage, inspectStream(s)...)
	}
	return damage[:min(len(damage), maxComplaints)]
}

func inspectStream(dir string) (damage []string) {
	if err := checkDescription(dir); err != nil {
		damage = append(damage, err.Error())
	}
	blocks, err := filepath.Glob(filepath.Join(dir, "msgs", "*.blk"))
	if err == nil && len(blocks) == 0 {
		err = fmt.Errorf("%s has no blocks", dir)
	}
	if err != nil {
		damage = append(damage, err.Error())
	}
	for _, file := range blocks {
		if err := checkBlock(file, filepath.Base(dir)); err != nil {
			damage = append(damage, fmt.Sprintf("%s: %v", file, err))
		}
	}
	return damage
}

// checkDescription compares a stream's description with its checksum.
func checkDescription(dir string) error {
	text, err := os.ReadFile(filepath.Join(dir, "meta.inf"))
	if err != nil {
		return err
	}
	sum, err := os.ReadFile(filepath.Join(dir, "meta.sum"))
	if err != nil {
		return err
	}
	if got := checksum(filepath.Base(dir), text); hex.EncodeToString(got) != string(sum) {
		return fmt.Errorf("%s: wrong checksum", filepath.Join(dir, "meta.inf"))
	}
	return nil
}

func checkBlock(file, stream string) error {
	n, err := strconv.Atoi(strings.TrimSuffix(filepath.Base(file), ".blk"))
	if err != nil {
		return nil // none of JetStream's
	}
	info, err := os.Stat(file)
	if err != nil {
		return err
	}
	if info.Size() > maxBlock {
		return fmt.Errorf("has %d bytes, too many", info.Size())
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	return checkRecords(data, stream+"-"+strconv.Itoa(n))
}

// checkRecords checks the records of a block.
func checkRecords(data []byte, key string) error {
	for at := 0; at < len(data); {
		rest := data[at:]
		if len(rest) < recordHeader+recordSum {
			return fmt.Errorf("ends inside a record, at byte %d", at)
		}
		word := binary.LittleEndian.Uint32(rest)
		size := int(word &^ headersBit)
		body := recordHeader + int(binary.LittleEndian.Uint16(rest[recordHeader-2:])) // where the subject ends
		headers := 0
		if word&headersBit != 0 {
			headers = 4
		}
		switch {
		case size < body+headers+recordSum:
			return fmt.Errorf("garbage in place of a record, at byte %d", at)
		case size > len(rest):
			return fmt.Errorf("ends inside a record, at byte %d", at)
		}
		end := size - recordSum
		if headers > 0 && !headersEnd(rest[body:end]) {
			return fmt.Errorf("wrong length of headers in the record at byte %d", at)
		}
		if !bytes.Equal(checksum(key, rest[4:20], rest[recordHeader:body], rest[body+headers:end]), rest[end:size]) {
			return fmt.Errorf("wrong checksum of the record at byte %d", at)
		}
		at += size
	}
	return nil
}

// headersEnd reports whether the headers of a record end where their length
// says, which no checksum covers.
func headersEnd(b []byte) bool {
	n := int64(binary.LittleEndian.Uint32(b))
	return n <= int64(len(b)-4) && bytes.HasSuffix(b[4:4+n], []byte("\r\n\r\n"))
}

// checksum is JetStream's, of the parts one after the other.
func checksum(key string, parts ...[]byte) []byte {
	k := sha256.Sum256([]byte(key))
	h, err := highwayhash.NewDigest64(k[:])
	if err != nil {
		return nil // can't be: the key has the size
	}
	for _, p := range parts {
		_, _ = h.Write(p) // a hash takes all
	}
	return h.Sum(nil)
}
