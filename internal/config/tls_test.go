package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"gateway/adapters"
	"gateway/bridge"
)

// A secured configuration asks for encryption.
type secured struct {
	phones
	tls  *tls.Config
	told bool // when Check came
}

func (s *secured) UseTLS(t *tls.Config)        { s.tls = t }
func (s *secured) Check(func(key, msg string)) { s.told = s.tls != nil }

// writePair writes cert.pem and key.pem of a new certificate with that number.
func writePair(t *testing.T, dir string, number int64) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	c := &x509.Certificate{SerialNumber: big.NewInt(number), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, c, c, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string]*pem.Block{"cert.pem": {Type: "CERTIFICATE", Bytes: der}, "key.pem": {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(filepath.Join(dir, name), pem.EncodeToMemory(b), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// loadSecured loads a file in dir that has a [sip.pbx] and more.
func loadSecured(t *testing.T, dir, more string) (*File, *secured, []Problem) {
	t.Helper()
	s := &secured{}
	kinds := []adapters.Kind{{Name: "sip", Config: func() bridge.Config { return s }}}
	name := filepath.Join(dir, "mapping.toml")
	if err := os.WriteFile(name, []byte("gateway.node = \"gw1\"\n"+more+"\n[sip.pbx]\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	f, problems := Load(name, kinds)
	return f, s, problems
}

// number is that of the certificate that is shown.
func number(t *testing.T, c *tls.Config) int64 {
	t.Helper()
	cert, err := c.GetCertificate(nil)
	if err != nil {
		t.Fatal(err)
	}
	return cert.Leaf.SerialNumber.Int64()
}

const tlsTable = "[tls]\ncert = \"cert.pem\"\nkey = \"key.pem\""

func TestAnAdapterIsGivenTheCertificateBeforeItIsChecked(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writePair(t, dir, 7)
	f, s, problems := loadSecured(t, dir, tlsTable)
	if f == nil {
		t.Fatal(problems)
	}
	if !s.told || number(t, s.tls) != 7 || s.tls.MinVersion != tls.VersionTLS12 {
		t.Errorf("told %v, %+v", s.told, s.tls)
	}
	var b strings.Builder
	if err := f.Print(&b); err != nil || !strings.Contains(b.String(), "[tls]\ncert = \""+dir+"/cert.pem\"\n") {
		t.Errorf("%v, %s", err, &b)
	}
	if f, s, _ := loadSecured(t, dir, ""); f == nil || s.tls != nil {
		t.Error("without [tls] there is a certificate")
	}
}

// A trusting configuration names whom it believes.
type trusting struct {
	phones
	CA    string `toml:"ca"`
	roots *x509.CertPool
}

func (c *trusting) TrustFile() (string, *string)    { return "ca", &c.CA }
func (c *trusting) UseRoots(p *x509.CertPool)       { c.roots = p }
func (c *trusting) Check(bad func(key, msg string)) {}

func TestAnAdapterIsToldWhomToTrust(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writePair(t, dir, 7)
	if err := os.WriteFile(filepath.Join(dir, "text.pem"), []byte("text"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, row := range []struct{ line, want string }{
		{"", ""},
		{`ca = "cert.pem"`, ""},
		{`ca = ""`, "sip.pbx.ca: want the name of a file"},
		{`ca = "gone.pem"`, "sip.pbx.ca: " + dir + "/gone.pem: no such file"},
		{`ca = "text.pem"`, "sip.pbx.ca: there is no certificate in " + dir + "/text.pem"},
	} {
		c := &trusting{}
		kinds := []adapters.Kind{{Name: "sip", Config: func() bridge.Config { return c }}}
		name := filepath.Join(dir, "mapping.toml")
		if err := os.WriteFile(name, []byte("gateway.node = \"gw1\"\n[sip.pbx]\n"+row.line+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		f, problems := Load(name, kinds)
		if row.want != "" {
			if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.String(), row.want) }) {
				t.Errorf("%s: %v, want %q", row.line, problems, row.want)
			}
			continue
		}
		if f == nil || (c.roots != nil) != (row.line != "") {
			t.Errorf("%q: %v, %v", row.line, c.roots, problems)
		}
	}
}

func TestACertificateIsRenewedWhileItIsInUse(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writePair(t, dir, 1)
	first, used, _ := loadSecured(t, dir, tlsTable)
	none, _, _ := loadSecured(t, dir, "")
	for _, n := range []int64{2, 3} {
		writePair(t, dir, n)
		next, _, problems := loadSecured(t, dir, tlsTable)
		if next == nil {
			t.Fatal(problems)
		}
		if list := first.NeedsRestart(next); len(list) > 0 {
			t.Errorf("a renewed certificate needs a restart of %q", list)
		}
		first.RenewTLS(next)
		first = next
		if got := number(t, used.tls); got != n {
			t.Errorf("certificate %d is shown, want %d", got, n)
		}
	}
	if list := first.NeedsRestart(none); len(list) != 1 || list[0] != "tls" {
		t.Errorf("to do without needs a restart of %q", list)
	}
	none.RenewTLS(first)
	first.RenewTLS(none)
}

func TestMistakesInTLSHaveTheirPlaces(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	writePair(t, dir, 1)
	other := t.TempDir()
	writePair(t, other, 2)
	for name, data := range map[string]string{"text.pem": "text", "long.pem": strings.Repeat("x", maxPEM+1)} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(data), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	open := filepath.Join(dir, "open.pem")
	key, err := os.ReadFile(filepath.Join(dir, "key.pem"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(open, key, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct{ name, text, want string }{
		{"nothing in it", "[tls]", "2:2: tls.cert: want the name of a file"},
		{"no key", "[tls]\ncert = \"cert.pem\"", "2:2: tls.key: want the name of a file"},
		{"no file", "[tls]\ncert = \"gone.pem\"\nkey = \"key.pem\"", "3:8: tls.cert: " + dir + "/gone.pem: no such file or directory"},
		{"no certificate", "[tls]\ncert = \"text.pem\"\nkey = \"key.pem\"", "3:8: tls.cert: tls: failed to find any PEM data"},
		{"a long file", "[tls]\ncert = \"long.pem\"\nkey = \"key.pem\"", "longer than 256 KiB"},
		{"a directory", "[tls]\ncert = \".\"\nkey = \"key.pem\"", "not a regular file"},
		{"another's key", "[tls]\ncert = \"cert.pem\"\nkey = \"" + other + "/key.pem\"", "private key does not match public key"},
		{"a key for everybody", "[tls]\ncert = \"cert.pem\"\nkey = \"open.pem\"", "4:7: tls.key: warning"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			at := t.TempDir()
			for _, name := range []string{"cert.pem", "key.pem", "text.pem", "long.pem", "open.pem"} {
				if err := os.Symlink(filepath.Join(dir, name), filepath.Join(at, name)); err != nil {
					t.Fatal(err)
				}
			}
			_, _, problems := loadSecured(t, at, tt.text)
			want := strings.ReplaceAll(tt.want, dir, at)
			if !slices.ContainsFunc(problems, func(p Problem) bool { return strings.Contains(p.String(), want) }) {
				t.Errorf("got %v, want %q", problems, want)
			}
		})
	}
}
