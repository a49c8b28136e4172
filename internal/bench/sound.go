package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"gateway/bridge/media"
	"gateway/bridge/media/convert"
	"gateway/codec"
	"gateway/codec/sound"
	"gateway/internal/peer"
)

// A soundKind is a format as it comes and goes, and how ffmpeg is told of it.
type soundKind struct {
	format codec.Format
	// file makes a file of payloads; nil: one after the other.
	file func(payloads [][]byte) []byte
	// ms is how much sound one of them has; 0: a frame.
	ms      float64
	in, out []string
}

func soundFormat(name string, rate, channels int, params string) codec.Format {
	return codec.Format{Kind: codec.Audio, Name: name, Rate: rate, Channels: channels, Params: params}
}

// inFLV makes files of messages of sound.
func inFLV(kind byte, ms float64) func([][]byte) []byte {
	return func(p [][]byte) []byte { return peer.FLVFile(kind, p, ms) }
}

// soundKinds are the formats that are measured.
func soundKinds() map[string]soundKind {
	return map[string]soundKind{
		"PCMU": {format: soundFormat("pcmu", 8000, 1, ""), in: []string{"-f", "mulaw", "-ar", "8000"},
			out: []string{"-ar", "8000", "-f", "mulaw"}},
		"PCMU in FLV": {format: soundFormat("pcmu", 8000, 1, ""), file: inFLV(0x82, 40), ms: 40, in: []string{"-f", "flv"}},
		"G.722": {format: soundFormat("g722", 8000, 1, ""), in: []string{"-f", "g722"},
			out: []string{"-ar", "16000", "-f", "g722"}},
		"Opus 8 kHz": {format: soundFormat("opus", 48000, 2, "maxplaybackrate=8000"),
			out: []string{"-ar", "8000", "-c:a", "libopus", "-application", "voip", "-compression_level", "5", "-b:a", "12k", "-f", "ogg"}},
		"Opus 48 kHz": {format: soundFormat("opus", 48000, 2, ""),
			file: func(p [][]byte) []byte { return peer.OggFile(append(peer.OpusHeaders(), p...), 2, 960) },
			in:   []string{"-c:a", "libopus", "-f", "ogg"},
			out:  []string{"-ar", "48000", "-c:a", "libopus", "-application", "voip", "-compression_level", "5", "-b:a", "32k", "-f", "ogg"}},
		"Speex 16 kHz": {format: soundFormat("speex", 16000, 1, ""),
			file: func(p [][]byte) []byte { return peer.OggFile(append(peer.SpeexHeaders(16000, 1), p...), 2, 320) },
			in:   []string{"-c:a", "libspeex", "-f", "ogg"},
			out:  []string{"-ar", "16000", "-c:a", "libspeex", "-cbr_quality", "8", "-f", "ogg"}},
		"Speex in FLV": {format: soundFormat("speex", 16000, 1, ""), file: inFLV(0xb6, 20), in: []string{"-f", "flv"}},
		"Nellymoser 8 kHz": {format: soundFormat("nellymoser", 8000, 1, ""), file: inFLV(0x52, 32), in: []string{"-f", "flv"},
			out: []string{"-ar", "8000", "-c:a", "nellymoser", "-f", "flv"}},
		"Nellymoser 16 kHz": {format: soundFormat("nellymoser", 16000, 1, ""), file: inFLV(0x42, 16), in: []string{"-f", "flv"},
			out: []string{"-ar", "16000", "-c:a", "nellymoser", "-f", "flv"}},
		"AAC 44.1 kHz": {format: soundFormat("aac", 44100, 1, "config=1208"),
			file: func(p [][]byte) []byte { return peer.ADTSFile(p, 4, 1) },
			in:   []string{"-f", "aac"}, out: []string{"-ar", "44100", "-c:a", "aac", "-b:a", "64k", "-f", "adts"}},
		"MP3 44.1 kHz": {format: soundFormat("mp3", 44100, 1, ""), in: []string{"-f", "mp3"}},
	}
}

// A soundPair is one conversion.
type soundPair struct {
	from, to string
	repack   bool
	minutes  int // of sound, in each round
}

// soundPairs are those that are measured: repacked, and transcoded there and back.
var soundPairs = []soundPair{
	{"PCMU in FLV", "PCMU", true, 10}, {"Speex in FLV", "Speex 16 kHz", true, 10},
	{"Nellymoser 8 kHz", "PCMU", false, 2}, {"PCMU", "Nellymoser 8 kHz", false, 2},
	{"Nellymoser 16 kHz", "G.722", false, 2}, {"G.722", "Nellymoser 16 kHz", false, 2},
	{"Speex 16 kHz", "PCMU", false, 1}, {"PCMU", "Speex 16 kHz", false, 1},
	{"AAC 44.1 kHz", "PCMU", false, 2}, {"PCMU", "AAC 44.1 kHz", false, 1},
	{"AAC 44.1 kHz", "Opus 48 kHz", false, 1}, {"MP3 44.1 kHz", "PCMU", false, 1},
	{"Opus 48 kHz", "PCMU", false, 1}, {"PCMU", "Opus 8 kHz", false, 1},
	{"Opus 48 kHz", "G.722", false, 1}, {"G.722", "PCMU", false, 2}, {"PCMU", "G.722", false, 2},
	{"Opus 48 kHz", "AAC 44.1 kHz", false, 1},
}

const soundRounds = 3

// A soundCost is the CPU of one pair: seconds for a minute of sound, ours and ffmpeg's,
// and beside each other, round by round.
type soundCost struct {
	soundPair
	ours, theirs, by []float64
}

// measureSound converts speech here and with ffmpeg, taking turns.
func measureSound(ctx context.Context) ([]soundCost, error) {
	costs := make([]soundCost, len(soundPairs))
	kinds := soundKinds()
	for i, p := range soundPairs {
		costs[i].soundPair = p
		payloads, err := soundPayloads(ctx, p, kinds[p.from])
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.from, err)
		}
		for range soundRounds {
			if err := costs[i].round(ctx, kinds[p.from], kinds[p.to], payloads); err != nil {
				return nil, fmt.Errorf("%s to %s: %w", p.from, p.to, err)
			}
		}
	}
	return costs, nil
}

// soundPayloads is speech in the format that a pair begins with.
func soundPayloads(ctx context.Context, p soundPair, k soundKind) ([][]byte, error) {
	voice, err := speexVoice(ctx, 16000)
	if err != nil {
		return nil, err
	}
	args := []string{"-f", "s16le", "-ar", "16000", "-ac", "1", "-i", "pipe:0"}
	if !sound.CanEncode(k.format) {
		args = append(args, "-ar", "44100", "-c:a", "libmp3lame", "-b:a", "64k", "-write_xing", "0", "-id3v2_version", "0",
			"-f", "mp3", "pipe:1")
		file, _, err := peer.FFmpeg(ctx, bytes.Repeat(voice, p.minutes), args...)
		if err != nil {
			return nil, err
		}
		return peer.MP3Frames(file), nil
	}
	e, err := sound.NewEncoder(k.format, sound.Setting{Ptime: time.Duration(k.ms * float64(time.Millisecond))})
	if err != nil {
		return nil, err
	}
	raw, _, err := peer.FFmpeg(ctx, bytes.Repeat(voice, p.minutes), append(args, "-ar", strconv.Itoa(e.Rate()), "-f", "s16le", "pipe:1")...)
	if err != nil {
		return nil, err
	}
	var payloads [][]byte
	for pcm := linear(raw); len(pcm) >= e.Frame(); pcm = pcm[e.Frame():] {
		payload, err := e.Encode(nil, pcm[:e.Frame()])
		if err != nil {
			return nil, err
		}
		if len(payload) > 0 {
			payloads = append(payloads, payload)
		}
	}
	return payloads, nil
}

// round measures one round.
func (c *soundCost) round(ctx context.Context, from, to soundKind, payloads [][]byte) error {
	theirs, err := c.ffmpeg(ctx, from, to, payloads)
	if err != nil {
		return err
	}
	start, err := c.ffmpeg(ctx, from, to, payloads[:min(len(payloads), 8)])
	if err != nil {
		return err
	}
	ours, err := c.convert(from.format, to.format, payloads)
	if err != nil {
		return err
	}
	theirs = max(theirs-start, time.Millisecond)
	c.ours = append(c.ours, ours.Seconds()/float64(c.minutes))
	c.theirs = append(c.theirs, theirs.Seconds()/float64(c.minutes))
	c.by = append(c.by, ours.Seconds()/theirs.Seconds())
	return nil
}

// ffmpeg is the CPU time that ffmpeg needs for payloads.
func (c *soundCost) ffmpeg(ctx context.Context, from, to soundKind, payloads [][]byte) (time.Duration, error) {
	file := bytes.Join(payloads, nil)
	if from.file != nil {
		file = from.file(payloads)
	}
	args := append(append([]string{}, from.in...), "-i", "pipe:0", "-ac", "1")
	if c.repack {
		args = []string{"-f", "flv", "-i", "pipe:0", "-c", "copy", "-f", "flv"}
	}
	if !c.repack {
		args = append(args, to.out...)
	}
	_, cpu, err := peer.FFmpeg(ctx, file, append(args, "pipe:1")...)
	return cpu, err
}

// convert is the CPU time that we need: frames come, each in its time, and packets
// leave evenly.
func (c *soundCost) convert(from, to codec.Format, payloads [][]byte) (time.Duration, error) {
	mode := media.CrossTranscoded
	if c.repack {
		mode = media.CrossRepacked
	}
	out := 0
	s := convert.New(convert.Config{
		Ways:   []convert.Way{{In: media.Payload{Format: from, Type: 1}, Out: media.Payload{Format: to, Type: 2}, Mode: mode}},
		Frames: true,
	}, func(convert.Out) { out++ })
	all := time.Duration(c.minutes) * time.Minute
	cpu, err := threadUser(func() error {
		wait := time.Duration(0)
		for i, p := range payloads {
			since := all * time.Duration(i) / time.Duration(len(payloads))
			now := time.Second + since
			for wait != 0 && wait <= now {
				wait = s.Tick(wait)
			}
			s.Frame(media.Frame{Type: 1, Time: uint32(since * time.Duration(from.Rate) / time.Second), Data: p}, now)
			wait = s.Tick(now)
		}
		return s.Err()
	})
	if err == nil && out == 0 {
		err = errors.New("nothing comes out")
	}
	return cpu, err
}
