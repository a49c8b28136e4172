package peer

import (
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// RTMPPort is where programs of a Lab speak RTMP.
const RTMPPort = 21935

// An RTMPSound is a tone, and how it is encoded on its way.
type RTMPSound struct {
	Codec string  // by ffmpeg's name: "libspeex", "nellymoser", "pcm_mulaw", "pcm_alaw", "aac", "libmp3lame"
	Rate  int     // of the codec, in Hz
	Tone  float64 // Hz
}

// publishFor is how long a program that publishes has something to say: as long as a test may last.
const publishFor = 150 * time.Second

// startRTMP runs a program in a folder of that name.
func startRTMP(ctx context.Context, lab *Lab, name string, argv ...string) (*Program, error) {
	binary, err := need(argv[0])
	if err != nil {
		return nil, err
	}
	dir, err := lab.Dir(name)
	if err != nil {
		return nil, err
	}
	p := &Program{Name: name, dir: dir, argv: append([]string{binary}, argv[1:]...), env: []string{"HOME=" + dir, "LC_ALL=C.UTF-8"}}
	lab.add(p)
	return p, p.Start(ctx)
}

// StartFFmpegPublish has ffmpeg publish a tone at a URL. more are options of its
// output, "-rtmp_conn" and what it says for example.
func StartFFmpegPublish(ctx context.Context, lab *Lab, name, url string, s RTMPSound, more ...string) (*Program, error) {
	argv := []string{
		"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "info", "-nostats", "-re",
		"-f", "lavfi", "-i", fmt.Sprintf("sine=frequency=%g:sample_rate=48000:duration=%g", s.Tone, publishFor.Seconds()),
		"-c:a", s.Codec, "-ar", fmt.Sprint(s.Rate), "-ac", "1",
	}
	return startRTMP(ctx, lab, name, append(append(argv, more...), "-f", "flv", url)...)
}

// gstEncoders are GStreamer's elements by ffmpeg's names of codecs.
var gstEncoders = map[string]string{
	"libspeex": "speexenc", "pcm_mulaw": "mulawenc", "pcm_alaw": "alawenc", "aac": "voaacenc ! aacparse", "libmp3lame": "lamemp3enc ! mpegaudioparse",
}

// StartGStreamerPublish has GStreamer publish a tone at a URL.
func StartGStreamerPublish(ctx context.Context, lab *Lab, name, url string, s RTMPSound) (*Program, error) {
	encoder, ok := gstEncoders[s.Codec]
	if !ok {
		return nil, fmt.Errorf("gstreamer: no encoder for %s", s.Codec)
	}
	pipeline := fmt.Sprintf("audiotestsrc is-live=true freq=%g volume=0.25 samplesperbuffer=%d ! audio/x-raw,rate=%d,channels=1 ! %s ! flvmux streamable=true ! rtmp2sink location=%s",
		s.Tone, s.Rate/50, s.Rate, encoder, url)
	return startRTMP(ctx, lab, name, append([]string{"gst-launch-1.0", "-q", "-e"}, strings.Fields(pipeline)...)...)
}

// An RTMPPlayer plays a stream and records what it hears.
type RTMPPlayer struct {
	*Program
	file string
}

// playRate is the rate of what players record, in Hz.
const playRate = 8000

// Heard is what it has heard so far.
func (p *RTMPPlayer) Heard() (Sound, error) { return ReadWAV(p.file) }

// WaitTone waits until it has heard a tone of hz for d at the end of what it
// heard.
func (p *RTMPPlayer) WaitTone(ctx context.Context, hz float64, d time.Duration) error {
	return waitTone(ctx, p.Name, p.Heard, hz, d)
}

// toWAV are ffmpeg's arguments to write what it hears as it comes.
func toWAV(in ...string) []string {
	argv := append([]string{"ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "info", "-nostats", "-y", "-analyzeduration", "500000", "-fflags", "nobuffer"}, in...)
	return append(argv, "-vn", "-ar", fmt.Sprint(playRate), "-ac", "1", "-c:a", "pcm_s16le", "-flush_packets", "1", "heard.wav")
}

func startPlayer(ctx context.Context, lab *Lab, name string, argv ...string) (*RTMPPlayer, error) {
	p, err := startRTMP(ctx, lab, name, argv...)
	if err != nil {
		return nil, err
	}
	return &RTMPPlayer{p, filepath.Join(p.dir, "heard.wav")}, nil
}

// StartFFmpegPlay has ffmpeg play a URL. more are options of its input.
func StartFFmpegPlay(ctx context.Context, lab *Lab, name, url string, more ...string) (*RTMPPlayer, error) {
	return startPlayer(ctx, lab, name, toWAV(append(append([]string{"-rtmp_live", "live"}, more...), "-i", url)...)...)
}

// piped has another program play, and ffmpeg only decode what it writes, which is as form says.
func piped(ctx context.Context, lab *Lab, name string, play []string, form ...string) (*RTMPPlayer, error) {
	if _, err := need(play[0]); err != nil {
		return nil, err
	}
	script := `n=$1; shift; "${@:1:n}" | exec "${@:n+1}"`
	argv := append([]string{"bash", "-c", script, name, fmt.Sprint(len(play))}, play...)
	return startPlayer(ctx, lab, name, append(argv, toWAV(append(form, "-i", "pipe:0")...)...)...)
}

// StartRTMPDump has rtmpdump play a URL. more are further options, as "-C" and
// "S:text" for an argument of connect.
func StartRTMPDump(ctx context.Context, lab *Lab, name, url string, more ...string) (*RTMPPlayer, error) {
	return piped(ctx, lab, name, append([]string{"rtmpdump", "-r", url, "--live", "-o", "-"}, more...), "-f", "flv")
}

// StartGStreamerPlay has GStreamer play a URL.
func StartGStreamerPlay(ctx context.Context, lab *Lab, name, url string) (*RTMPPlayer, error) {
	return piped(ctx, lab, name, []string{"gst-launch-1.0", "-q", "rtmp2src", "location=" + url, "!", "fdsink", "fd=1"}, "-f", "flv")
}

// StartFFmpegPlayFile has ffmpeg play a file, or a list of files that grows.
func StartFFmpegPlayFile(ctx context.Context, lab *Lab, name, file string) (*RTMPPlayer, error) {
	return startPlayer(ctx, lab, name, toWAV("-i", file)...)
}

// ProbeSound is what ffprobe says of the sound at a URL or in a file: "aac,48000,1".
func ProbeSound(ctx context.Context, at string) (string, error) {
	binary, err := need("ffprobe")
	if err != nil {
		return "", err
	}
	out, err := exec.CommandContext(ctx, binary, "-v", "error", "-select_streams", "a", "-show_entries", "stream=codec_name,sample_rate,channels",
		"-of", "csv=p=0", at).CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("ffprobe %s: %w: %s", at, err, out)
	}
	text, _, _ := strings.Cut(strings.TrimSpace(string(out)), "\n") // a list names what its programs have, too
	return text, nil
}
