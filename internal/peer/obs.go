package peer

import (
	"context"
	"embed"
	"fmt"
	"os"
	"path/filepath"
)

//go:embed files/obs
var obsFiles embed.FS

// OBS is OBS Studio (https://obsproject.com), with a desktop of its own, whose microphone
// hears a tone. It streams from when it has started.
type OBS struct {
	Program
	Desktop *Desktop
}

// OBSConfig is where one streams to, as its settings have it.
type OBSConfig struct {
	Server, Key    string
	User, Password string // behind "Use authentication"; none: it is off
	Tone           float64
}

// StartOBS starts one, as the user name.
func StartOBS(ctx context.Context, lab *Lab, name string, cfg OBSConfig) (*OBS, error) {
	binary, err := need("obs")
	if err != nil {
		return nil, err
	}
	o := &OBS{}
	if o.Desktop, err = StartDesktop(ctx, lab, "desktop-"+name, cfg.Tone); err != nil {
		return nil, err
	}
	home := filepath.Join(o.Desktop.Home, ".config", "obs-studio")
	for file, folder := range map[string]string{
		"global.ini": "", "basic.ini": "basic/profiles/call", "service.json": "basic/profiles/call", "call.json": "basic/scenes",
	} {
		text, err := obsFiles.ReadFile("files/obs/" + file)
		if err != nil {
			return nil, fmt.Errorf("configure obs: %w", err)
		}
		dir := filepath.Join(home, folder)
		if err := os.MkdirAll(dir, 0o700); err != nil {
			return nil, fmt.Errorf("configure obs: %w", err)
		}
		if _, err := fill(dir, file, string(text), cfg); err != nil {
			return nil, fmt.Errorf("configure obs: %w", err)
		}
	}
	o.Program = Program{Name: "obs of " + name, dir: o.Desktop.Home, env: append(o.Desktop.Env, "QT_QPA_PLATFORM=xcb"), argv: []string{
		binary, "--multi", "--profile", "call", "--collection", "call", "--scene", "scene", "--startstreaming",
		"--disable-updater", "--disable-missing-files-check",
	}}
	lab.add(&o.Program)
	return o, o.Start(ctx)
}
