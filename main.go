// Gateway bridges networks that never agreed to talk: SIP phones and PBXs with
// XMPP messengers. README.md says how to use it, bridge/doc.go how it is built.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"gateway/adapters"
	"gateway/bridge/media/child"
	"gateway/internal/app"
)

// version is set by the linker: -X main.version=…
var version = "devel"

func main() {
	runtime.MemProfileRate = 0 // nobody asks where memory came from
	if child.Is(os.Args) {     // [media] process: this is the relay
		os.Exit(child.Main())
	}
	var o app.Options
	flag.StringVar(&o.Config, "config", "", "the mapping `file`")
	flag.BoolVar(&o.Check, "check", false, "read everything, open nothing, print the resolved mapping")
	flag.StringVar(&o.Explain, "explain", "", "say where `ADAPTER:NAME` leads")
	flag.StringVar(&o.As, "as", "", "with -explain: for the sender `ADAPTER:NAME`")
	flag.StringVar(&o.Send, "send", "", "send `FILE` and end; with -to")
	flag.StringVar(&o.To, "to", "", "with -send: to `ADAPTER:NAME`")
	showVersion := flag.Bool("version", false, "print the version")
	flag.Parse()
	if *showVersion {
		fmt.Println("gateway", version)
		return
	}
	if flag.NArg() > 0 || !o.Fit() {
		fmt.Fprintln(os.Stderr, "usage: gateway -config mapping.toml [-check | -explain ADAPTER:NAME [-as ADAPTER:NAME] | -send FILE -to ADAPTER:NAME]")
		flag.PrintDefaults()
		os.Exit(app.ExitConfig)
	}
	o.Kinds, o.Version, o.Out, o.Err = adapters.All(), version, os.Stdout, os.Stderr
	signals := make(chan os.Signal, 4)
	signal.Notify(signals, syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM)
	o.Signals = signals
	os.Exit(app.Run(context.Background(), o))
}
