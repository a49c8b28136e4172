package config

import (
	"strings"
	"testing"
)

func TestTheStoresURLs(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, list, shown string }{
		{"a host", "nats://10.0.0.1", "nats://10.0.0.1"},
		{"a host and a port", "nats://nats.example.org:4222", "nats://nats.example.org:4222"},
		{"user and password", "nats://user:hush@host", "nats://***@host"},
		{"a token", "tls://hush@host:4222/", "tls://***@host:4222"},
		{"several", "nats://user:hush@a:1, tls://user:hush@[::1]:2", "nats://***@a:1,tls://***@[::1]:2"},
		{"an escaped password", "nats://user:hu%2Csh@host", "nats://***@host"},
		{"masked", "nats://***@host", "nats://***@host"},
		{"no scheme", "10.0.0.1:4222", ""},
		{"another scheme", "http://hush@10.0.0.1", ""},
		{"no host", "nats://", ""},
		{"no host but a user", "nats://user:hush@", ""},
		{"a port that is none", "nats://user:hush@host:port", ""},
		{"port 0", "nats://host:0", ""},
		{"a port too high", "nats://host:65536", ""},
		{"a colon only", "nats://host:", ""},
		{"a path", "nats://user:hush@host/x", ""},
		{"a query", "nats://user:hush@host?x=hush", ""},
		{"an empty one", "nats://host,", ""},
		{"a comma in a password", "nats://user:hu,sh@host", ""},
		{"masked whole", "***", ""},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f, problems := fakeLoader("mapping.toml").load([]byte("[gateway]\nnode = \"n\"\nstore = '" + row.list + "'"))
			for _, p := range problems {
				if strings.Contains(p.String(), "hush") {
					t.Errorf("the secret is told: %v", p)
				}
			}
			if row.shown == "" {
				if f != nil || len(problems) == 0 || problems[len(problems)-1].String() != "mapping.toml:3:9: gateway.store: "+wantStore {
					t.Errorf("got %v", problems)
				}
				return
			}
			if f == nil {
				t.Fatal(problems)
			}
			first, second := reprint(t, f)
			if !strings.Contains(first, "\nstore = \""+row.shown+"\"\n") || first != second {
				t.Errorf("printed\n%s\nthen\n%s", first, second)
			}
		})
	}
}

func TestTheStoresURLMayComeFromElsewhere(t *testing.T) {
	t.Parallel()
	for _, row := range []struct{ name, line, problem string }{
		{"a file", `store_file = "good.pw"`, "mapping.toml:3:14: gateway.store_file: " + wantStore},
		{"the environment", `store = "${GOOD}"`, "mapping.toml:3:9: gateway.store: " + wantStore},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			_, problems := fakeLoader("mapping.toml").load([]byte("[gateway]\nnode = \"n\"\n" + row.line))
			if len(problems) == 0 || problems[len(problems)-1].String() != row.problem {
				t.Errorf("got %v", problems)
			}
		})
	}
	f := mustLoad(t, "[gateway]\nnode = \"n\"\nstore = \"${NATS}\"")
	var b strings.Builder
	if err := f.Print(&b); err != nil {
		t.Fatal(err)
	}
	if f.Gateway.Store.Reveal() != "nats://user:hush@host" || !strings.Contains(b.String(), `store = "${NATS}"`) {
		t.Errorf("store is %q, printed\n%s", f.Gateway.Store.Reveal(), &b)
	}
}

func TestAStoreWithoutANodeIsWarnedOf(t *testing.T) {
	t.Parallel()
	f, problems := fakeLoader("mapping.toml").load([]byte("[gateway]\nstore = \"nats://host\""))
	if f == nil || !strings.Contains(problems[len(problems)-1].String(), "warning: its streams are named by node") {
		t.Errorf("got %v", problems)
	}
}

func TestReceiptsArePhoneOrHop(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name, line string
		ok         bool
	}{
		{"left out", "", true},
		{"phone", `receipts = "phone"`, true},
		{"hop", `receipts = "hop"`, true},
		{"empty", `receipts = ""`, false},
		{"another word", `receipts = "always"`, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			f, problems := fakeLoader("mapping.toml").load([]byte(small + row.line))
			if !row.ok {
				if f != nil || len(problems) == 0 || !strings.HasSuffix(problems[len(problems)-1].String(), `: map[0].receipts: want "phone" or "hop"`) {
					t.Errorf("got %v", problems)
				}
				return
			}
			if f == nil {
				t.Fatal(problems)
			}
			first, second := reprint(t, f)
			if first != second || strings.Contains(first, "receipts") != (row.line != "") {
				t.Errorf("printed\n%s\nthen\n%s", first, second)
			}
			if want := strings.Trim(strings.TrimPrefix(row.line, "receipts = "), `"`); f.Maps[0].Receipts != want {
				t.Errorf("the map has %q", f.Maps[0].Receipts)
			}
		})
	}
}
