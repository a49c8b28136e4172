package peer

import (
	"context"
	_ "embed" // for the configuration's template
	"fmt"
	"path/filepath"
)

//go:embed files/rtmp/nginx.conf
var nginxConfig string

// rtmpModule is where Debian keeps nginx's module.
const rtmpModule = "/usr/lib/nginx/modules/ngx_rtmp_module.so"

// RTMPHost is the host of a Lab that nginx is at.
const RTMPHost = 5

// Nginx is an RTMP server (https://github.com/arut/nginx-rtmp-module) whose
// application "live" hands on what is published to it, and whose application "hls"
// makes files of that for browsers.
type Nginx struct {
	*Program
	addr string
	dir  string
}

// StartNginx runs one at RTMPHost. What is published to its application "push" goes to the
// URL push, what is played of its application "pull" comes from the URL pull; "" for none.
func StartNginx(ctx context.Context, lab *Lab, push, pull string) (*Nginx, error) {
	binary, err := need("nginx")
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir("nginx")
	if err != nil {
		return nil, err
	}
	n := &Nginx{addr: lab.At(RTMPHost, RTMPPort), dir: dir}
	_, err = fill(dir, "nginx.conf", nginxConfig, map[string]any{"Module": rtmpModule, "Dir": dir, "Addr": n.addr, "Push": push, "Pull": pull})
	if err != nil {
		return nil, fmt.Errorf("configure nginx: %w", err)
	}
	n.Program = &Program{
		Name: "nginx", dir: dir, argv: []string{binary, "-p", dir, "-e", "stderr", "-c", filepath.Join(dir, "nginx.conf")},
		ready: func(ctx context.Context) error { return acceptsTCP(ctx, n.addr) },
	}
	lab.add(n.Program)
	return n, n.Start(ctx)
}

// URL is that of a stream of an application of its.
func (n *Nginx) URL(app, stream string) string { return "rtmp://" + n.addr + "/" + app + "/" + stream }

// HLS is the list of the files that are made of a stream of "hls" (RFC 8216); it may not
// be there yet.
func (n *Nginx) HLS(stream string) string { return filepath.Join(n.dir, "hls", stream+".m3u8") }
