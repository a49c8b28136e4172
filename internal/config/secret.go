package config

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"syscall"

	"gateway/bridge"

	"github.com/pelletier/go-toml/v2/unstable"
)

// maxSecret bounds a file that holds a secret, in bytes.
const maxSecret = 4 << 10

// secrets reads secrets from where the mapping file says that they are.
type secrets struct {
	dir    string // that names of files are relative to
	getenv func(name string) (string, bool)
	read   func(file string) ([]byte, fs.FileMode, error)
	// shown has, by a secret's key, what Print shows of it instead of "***".
	shown map[string]shownSecret
}

// shownSecret is the key and the value that a file gave instead of the secret.
type shownSecret struct{ suffix, value string }

// A value of this form is the name of an environment variable.
var fromEnv = regexp.MustCompile(`^\$\{([A-Za-z_][A-Za-z0-9_]*)\}$`)

// secret decodes a secret that is given by value or by "${NAME}".
func (d *decoder) secret(n *node, v reflect.Value) {
	if !d.want(n, unstable.String) {
		return
	}
	if !strings.HasPrefix(n.text, "${") || !strings.HasSuffix(n.text, "}") {
		if n.text == "" {
			d.probs.value(n, "is empty")
		}
		v.SetString(n.text)
		return
	}
	m := fromEnv.FindStringSubmatch(n.text)
	if m == nil {
		d.probs.value(n, `want "${NAME}" with the name of an environment variable`)
		return
	}
	text, ok := d.secrets.getenv(m[1])
	switch {
	case !ok:
		d.probs.value(n, "%s is not set in the environment", m[1])
	case text == "":
		d.probs.value(n, "%s is empty in the environment", m[1])
	default:
		v.SetString(text)
		d.secrets.shown[n.path()] = shownSecret{value: n.text}
	}
}

// secretFile decodes kid, the key x_file of the table n, into the secret x.
func (d *decoder) secretFile(n, kid *node, f field, v reflect.Value) {
	for _, twin := range kid.again {
		d.want(twin, unstable.String)
	}
	if !d.want(kid, unstable.String) {
		return
	}
	if other := n.kids[f.key]; other != nil {
		first, second := other, kid
		if first.key > second.key {
			first, second = second, first
		}
		line, _ := d.probs.src.position(first.key)
		d.probs.key(second, "is given already, by %q in line %d", first.name, line)
		return
	}
	if kid.text == "" {
		d.probs.value(kid, "want the name of a file")
		return
	}
	file := kid.text
	if !filepath.IsAbs(file) {
		file = filepath.Join(d.secrets.dir, file)
	}
	data, mode, err := d.secrets.read(file)
	if err != nil {
		d.probs.value(kid, "%s", reason(err))
		return
	}
	data = bytes.TrimSuffix(data, []byte("\n"))
	data = bytes.TrimSuffix(data, []byte("\r"))
	if len(data) == 0 {
		d.probs.value(kid, "%s is empty", clip(file))
		return
	}
	if mode.Perm()&0o004 != 0 {
		d.probs.put(kid.val, kid.path(), clip(file)+" can be read by everybody (chmod 600 helps)", true)
	}
	if bytes.ContainsAny(data, "\r\n") {
		d.probs.put(kid.val, kid.path(), clip(file)+" has more than one line: all of it is the secret", true)
	}
	v.FieldByIndex(f.index).Set(reflect.ValueOf(bridge.Secret(data)))
	d.secrets.shown[join(n.path(), f.key)] = shownSecret{suffix: fileSuffix, value: kid.text}
}

var errNotRegular = errors.New("not a regular file")

func errTooLong(most int) error { return fmt.Errorf("longer than %d KiB", most>>10) }

// readSecret reads a file that holds a secret.
func readSecret(file string) ([]byte, fs.FileMode, error) { return readRegular(file, maxSecret) }

// readRegular reads a regular file of at most so many bytes. It does not wait on
// a pipe that somebody put in its place.
func readRegular(file string, most int) ([]byte, fs.FileMode, error) {
	f, err := os.OpenFile(file, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, 0, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, 0, err
	}
	if !info.Mode().IsRegular() {
		return nil, 0, &fs.PathError{Op: "read", Path: file, Err: errNotRegular}
	}
	data, err := io.ReadAll(io.LimitReader(f, int64(most)+1))
	if err != nil {
		return nil, 0, err
	}
	if len(data) > most {
		return nil, 0, &fs.PathError{Op: "read", Path: file, Err: errTooLong(most)}
	}
	return data, info.Mode(), nil
}

// reason is err without the name of the system call: "x.pw: no such file or
// directory".
func reason(err error) string {
	if perr, ok := errors.AsType[*fs.PathError](err); ok {
		return clip(perr.Path) + ": " + perr.Err.Error()
	}
	return err.Error()
}
