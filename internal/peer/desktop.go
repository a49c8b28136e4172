package peer

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// A Desktop is what the programs of one user need around them: a screen that
// nobody sees (Xvfb) with a window manager, a message bus, and a sound server
// with a microphone that hears one tone and a speaker that can be recorded.
type Desktop struct {
	Home   string
	Env    []string // for the programs
	screen Program
	window Program
	bus    Program
	sound  Program
	voice  Program // says the tone
}

// A pulseaudio server's modules: what stands for the hardware.
const (
	speaker    = "speaker"
	microphone = "microphone"
)

// StartDesktop starts one, in a folder called name. tone is what the microphone
// hears, in Hz.
func StartDesktop(ctx context.Context, lab *Lab, name string, tone float64) (*Desktop, error) {
	dir, err := lab.Dir(name)
	if err != nil {
		return nil, err
	}
	d := &Desktop{Home: filepath.Join(dir, "home")}
	run := filepath.Join(dir, "run")
	for _, folder := range []string{d.Home, run} {
		if err := os.MkdirAll(folder, 0o700); err != nil {
			return nil, fmt.Errorf("desktop: %w", err)
		}
	}
	d.Env = []string{
		"HOME=" + d.Home, "XDG_RUNTIME_DIR=" + run, "XDG_DATA_HOME=" + d.data(), "XDG_CONFIG_HOME=" + filepath.Join(d.Home, ".config"),
		"XDG_CACHE_HOME=" + filepath.Join(d.Home, ".cache"), "LANG=C.UTF-8", "LC_ALL=C.UTF-8",
		"DBUS_SESSION_BUS_ADDRESS=unix:path=" + filepath.Join(run, "bus"), "PULSE_SERVER=unix:" + filepath.Join(run, "sound"),
		"PULSE_RUNTIME_PATH=" + filepath.Join(run, "pulse"), "PULSE_STATE_PATH=" + filepath.Join(run, "pulse"),
		// No accessibility bus, no hardware: drawing is slow, and the same everywhere.
		"GTK_A11Y=none", "GSK_RENDERER=cairo", "GDK_BACKEND=x11", "LIBGL_ALWAYS_SOFTWARE=1",
	}
	if err := d.show(ctx, lab, name); err != nil {
		return nil, err
	}
	for _, p := range []struct {
		program *Program
		binary  string
		args    []string
		socket  string
	}{
		{&d.bus, "dbus-daemon", []string{"--session", "--nofork", "--nopidfile", "--address=unix:path=" + filepath.Join(run, "bus")}, "bus"},
		{&d.sound, "pulseaudio", []string{
			"-n", "--daemonize=no", "--exit-idle-time=-1", "--disallow-exit", "--use-pid-file=no", "--realtime=no", "--log-level=error",
			"-L", "module-native-protocol-unix auth-anonymous=1 socket=" + filepath.Join(run, "sound"),
			"-L", "module-null-sink sink_name=" + speaker + " rate=48000 channels=1",
			// What is played to the sink comes in by the source, which does not look
			// like a sink's: Dino passes over those.
			"-L", "module-null-sink sink_name=" + microphone + " rate=48000 channels=1",
			"-L", "module-remap-source source_name=voice master=" + microphone + ".monitor",
		}, "sound"},
	} {
		socket := filepath.Join(run, p.socket)
		err := d.start(ctx, lab, p.program, name, p.binary, func(ctx context.Context) error {
			return Poll(ctx, func(context.Context) bool { _, err := os.Stat(socket); return err == nil })
		}, p.args...)
		if err != nil {
			return nil, err
		}
	}
	tape := filepath.Join(dir, "tone.wav")
	if err := Tone(tone, 2*toneLong).WriteWAV(tape); err != nil {
		return nil, err
	}
	return d, d.start(ctx, lab, &d.voice, name, "paplay", nil, "--device="+microphone, tape)
}

// data is where the user's programs keep theirs.
func (d *Desktop) data() string { return filepath.Join(d.Home, ".local", "share") }

var displayNumber = regexp.MustCompile(`^[0-9]+$`)

// show starts the screen, and then what manages its windows.
func (d *Desktop) show(ctx context.Context, lab *Lab, name string) error {
	number := ""
	err := d.start(ctx, lab, &d.screen, name, "Xvfb", func(ctx context.Context) (err error) {
		number, err = d.screen.Out.Wait(ctx, displayNumber.MatchString)
		return err
	}, "-displayfd", "1", "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-ac")
	if err != nil {
		return err
	}
	d.Env = append(d.Env, "DISPLAY=:"+number)
	return d.start(ctx, lab, &d.window, name, "openbox", nil)
}

func (d *Desktop) start(ctx context.Context, lab *Lab, p *Program, name, binary string, ready func(context.Context) error, args ...string) error {
	file, err := need(binary)
	if err != nil {
		return err
	}
	*p = Program{Name: binary + " of " + name, dir: d.Home, env: d.Env, argv: append([]string{file}, args...), ready: ready}
	lab.add(p)
	return p.Start(ctx)
}
