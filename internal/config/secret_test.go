package config

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

func secretOf(t *testing.T, f *File, name string) string {
	t.Helper()
	for _, a := range f.Adapters {
		if a.Name == name {
			return a.Config.(*chat).Secret.Reveal()
		}
	}
	t.Fatalf("no adapter %q", name)
	return ""
}

func TestSecretsComeFromWhereTheFileSays(t *testing.T) {
	t.Parallel()
	tests := []struct{ name, line, want string }{
		{"by value", `secret = "plain"`, "plain"},
		{"a dollar is no variable by itself", `secret = "$GOOD"`, "$GOOD"},
		{"nor is one in the middle", `secret = "a${GOOD}"`, "a${GOOD}"},
		{"from the environment", `secret = "${GOOD}"`, "env secret"},
		{"a variable with odd letters", `secret = "${_x1}"`, "env secret"},
		{"from a file", `secret_file = "good.pw"`, "good secret"},
		{"from a file with CR LF", `secret_file = "dos.pw"`, "good secret"},
		{"from a file with a mode that is warned of", `secret_file = "open.pw"`, "open secret"},
		{"one trailing newline is cut", `secret_file = "two.pw"`, "one\ntwo"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := mustLoad(t, "[xmpp.chat]\n"+tt.line)
			if got := secretOf(t, f, "chat"); got != tt.want {
				t.Errorf("got %q, want %q", got, tt.want)
			}
		})
	}
}

func TestSecretFilesAreRelativeToTheMappingFile(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), mode); err != nil {
			t.Fatal(err)
		}
	}
	write("chat.pw", "from disk\n", 0o600)
	write("mapping.toml", "[xmpp.chat]\nsecret_file = 'chat.pw'", 0o644)
	f, problems := Load(filepath.Join(dir, "mapping.toml"), fakeKinds())
	if f == nil {
		t.Fatal(problems)
	}
	if got := secretOf(t, f, "chat"); got != "from disk" {
		t.Errorf("got %q", got)
	}
	if want := filepath.Join(dir, "state"); f.Gateway.State != want {
		t.Errorf("state is %q, want %q", f.Gateway.State, want)
	}
}

func TestSecretFilesAreBoundedAndRegular(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("full"), make([]byte, maxSecret), 0o640); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path("long"), make([]byte, maxSecret+1), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Mkfifo(path("fifo"), 0o600); err != nil {
		t.Fatal(err)
	}
	data, mode, err := readSecret(path("full"))
	if err != nil || len(data) != maxSecret || mode.Perm() != 0o640 {
		t.Errorf("full: %d bytes, mode %v, %v", len(data), mode, err)
	}
	for name, want := range map[string]string{
		"long": errTooLong(maxSecret).Error(),
		"fifo": errNotRegular.Error(),
		".":    errNotRegular.Error(),
		"none": "no such file",
	} {
		if _, _, err := readSecret(path(name)); err == nil || !strings.Contains(reason(err), want) {
			t.Errorf("%s: got %v, want %q", name, err, want)
		}
	}
}

func TestSecretsAreNeverPrinted(t *testing.T) {
	t.Parallel()
	f := mustLoad(t, `
[sip.pbx]
listen = ["udp:[::]:5060"]
accounts = { 1 = { password = "hush-1" }, "a b" = { password_file = "good.pw" } }
lines = { 2 = { password = "${GOOD}" } }
[xmpp.chat]
secret = "hush-2"`)
	var b strings.Builder
	if err := f.Print(&b); err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"hush", "good secret", "env secret"} {
		if strings.Contains(b.String(), secret) {
			t.Errorf("%q is printed:\n%s", secret, &b)
		}
	}
	for _, want := range []string{
		`accounts = { 1 = { password = "***" }, "a b" = { password_file = "good.pw" } }`,
		`lines = { 2 = { password = "${GOOD}" } }`,
		`secret = "***"`,
	} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("%s is not printed:\n%s", want, &b)
		}
	}
}
