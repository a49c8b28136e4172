package peer

import (
	"context"
	"fmt"
	"path/filepath"
)

// An RTMPCommand is a command line with a tool that publishes or plays, which a shell runs
// in a folder where show.wav is a tone.
type RTMPCommand struct {
	*Program
	lab *Lab
}

// diskSound has SDL, by which ffplay is heard, write to a file.
const diskSound = "heard.raw"

// StartRTMPCommand runs one. tone is that of show.wav, in Hz.
func StartRTMPCommand(ctx context.Context, lab *Lab, name, command string, tone float64) (*RTMPCommand, error) {
	dir, err := lab.Dir(name)
	if err != nil {
		return nil, err
	}
	if err := Tone(tone, publishFor).WriteWAV(filepath.Join(dir, "show.wav")); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &Program{Name: name, dir: dir, argv: []string{"/bin/bash", "-c", command}, env: []string{
		"HOME=" + dir, "LC_ALL=C.UTF-8", "SDL_AUDIODRIVER=disk", "SDL_DISKAUDIOFILE=" + diskSound, "SDL_VIDEODRIVER=dummy",
	}}
	lab.add(p)
	return &RTMPCommand{p, lab}, p.Start(ctx)
}

// Hears is what the command plays, of file: "" for ffplay's loudspeaker, at rate, else a file
// that it writes.
func (c *RTMPCommand) Hears(ctx context.Context, file string, rate int) (*RTMPPlayer, error) {
	form := []string{"-f", "flv"}
	if file == "" {
		file, form = diskSound, []string{"-f", "s16le", "-ar", fmt.Sprint(rate), "-ac", "1"}
	}
	return piped(ctx, c.lab, "ear of "+c.Name, []string{"tail", "-c", "+1", "-F", filepath.Join(c.dir, file)}, form...)
}
