package peer

import (
	"context"
	_ "embed" // for the configuration's template
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
)

//go:embed files/ejabberd.yml
var ejabberdConfig string

// Ejabberd is another XMPP server (https://www.ejabberd.im).
type Ejabberd struct {
	Program
	lab   *Lab
	ports []int // it listens on
	mark  int   // how many lines it had printed before its last start
}

// EjabberdConfig is what an Ejabberd serves.
type EjabberdConfig struct {
	Users      map[string]string // "alice@example.org" to password; their domains are served
	Domains    []string          // served besides, without users
	Components map[string]string // domain to secret (XEP-0114)
	Offline    bool              // messages for users who are away are kept, not refused
}

// ejabberdReady is printed when the users are there, and on disk.
const ejabberdReady = "the users are there"

// ejabberdUsers registers the users of a file. The table is written through,
// or a kill within seconds would lose them.
const ejabberdUsers = `{ok, Users} = file:consult("users.eterm"),
lists:foreach(fun({U, S, P}) -> ejabberd_auth:try_register(U, S, P) end, Users),
mnesia:dump_log(), dets:sync(passwd),
io:format("` + ejabberdReady + `~n").`

// StartEjabberd runs an ejabberd at XMPPHost, without the node name, cookie
// and port mapper that Erlang programs like to share with others of the
// machine. Its users and data outlive Stop, Kill and Start.
func StartEjabberd(ctx context.Context, lab *Lab, cfg EjabberdConfig) (*Ejabberd, error) {
	erl, err := need("erl")
	if err != nil {
		return nil, err
	}
	libs, err := ejabberdLibs()
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir("ejabberd")
	if err != nil {
		return nil, err
	}
	e := &Ejabberd{lab: lab, ports: []int{XMPPPort, webSocketPort}}
	if len(cfg.Components) > 0 {
		e.ports = append(e.ports, ComponentPort)
	}
	file, err := e.configure(dir, cfg)
	if err != nil {
		return nil, fmt.Errorf("configure ejabberd: %w", err)
	}
	e.Program = Program{
		Name: "ejabberd", dir: dir, ready: e.isReady,
		argv: []string{
			erl, "-noinput", "-mnesia", "dir", fmt.Sprintf("%q", filepath.Join(dir, "db")),
			"-s", "ejabberd", "-eval", ejabberdUsers,
		},
		env: []string{
			"ERL_LIBS=" + libs, "EJABBERD_CONFIG_PATH=" + file, "HOME=" + dir,
			"EJABBERD_LOG_PATH=" + filepath.Join(dir, "ejabberd.log"), "EJABBERD_PID_PATH=" + filepath.Join(dir, "ejabberd.pid"),
		},
	}
	lab.add(&e.Program)
	return e, e.Start(ctx)
}

// Start is Program.Start.
func (e *Ejabberd) Start(ctx context.Context) error {
	e.mark = e.Out.Len()
	return e.Program.Start(ctx)
}

// ejabberdLibs is the folder of Erlang libraries with ejabberd in it: Debian
// names it after the machine's kind.
func ejabberdLibs() (string, error) {
	found, err := filepath.Glob("/usr/lib/*/ejabberd-*/ebin/ejabberd.app")
	if err != nil {
		return "", err
	}
	if len(found) == 0 {
		return "", errors.New("ejabberd is not installed (scripts/install-peers installs it)")
	}
	return filepath.Dir(filepath.Dir(filepath.Dir(found[0]))), nil
}

func (e *Ejabberd) configure(dir string, cfg EjabberdConfig) (string, error) {
	domains := slices.Clone(cfg.Domains)
	var users strings.Builder
	for user, password := range cfg.Users {
		local, domain, _ := strings.Cut(user, "@")
		domains = append(domains, domain)
		fmt.Fprintf(&users, "{<<%q/utf8>>, <<%q/utf8>>, <<%q/utf8>>}.\n", local, domain, password)
	}
	if _, err := write(dir, "users.eterm", users.String()); err != nil {
		return "", err
	}
	slices.Sort(domains)
	domains = slices.Compact(domains)
	if err := writeCert(dir, domains); err != nil {
		return "", err
	}
	return fill(dir, "ejabberd.yml", ejabberdConfig, map[string]any{
		"Dir": dir, "Host": e.lab.Host(XMPPHost), "XMPPPort": XMPPPort, "ComponentPort": ComponentPort,
		"WebSocketPort": webSocketPort, "Domains": domains, "Components": cfg.Components, "Offline": cfg.Offline,
	})
}

func (e *Ejabberd) isReady(ctx context.Context) error {
	if _, err := e.Out.WaitAfter(ctx, e.mark, Containing(ejabberdReady)); err != nil {
		return err
	}
	for _, port := range e.ports {
		if err := acceptsTCP(ctx, e.lab.At(XMPPHost, port)); err != nil {
			return err
		}
	}
	return nil
}
