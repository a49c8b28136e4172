package peer

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
)

// WriteWAV writes the sound as a file of 16 bit samples.
func (s Sound) WriteWAV(file string) error {
	size := uint32(2 * len(s.Samples))
	b := make([]byte, 0, 44+size)
	b = append(b, "RIFF"...)
	b = binary.LittleEndian.AppendUint32(b, 36+size)
	b = append(b, "WAVEfmt "...)
	b = binary.LittleEndian.AppendUint32(b, 16)
	b = binary.LittleEndian.AppendUint16(b, 1) // PCM
	b = binary.LittleEndian.AppendUint16(b, 1) // channels
	b = binary.LittleEndian.AppendUint32(b, uint32(s.Rate))
	b = binary.LittleEndian.AppendUint32(b, uint32(2*s.Rate))
	b = binary.LittleEndian.AppendUint16(b, 2) // bytes in a frame
	b = binary.LittleEndian.AppendUint16(b, 16)
	b = append(b, "data"...)
	b = binary.LittleEndian.AppendUint32(b, size)
	for _, v := range s.Samples {
		b = binary.LittleEndian.AppendUint16(b, uint16(v))
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return fmt.Errorf("wav: %w", err)
	}
	return nil
}

// ReadWAV reads a file of 16 bit samples; of several channels it takes the
// first. The file may still be being written: then its lengths are not set yet,
// and all that is there counts.
func ReadWAV(file string) (Sound, error) {
	raw, err := os.ReadFile(file)
	if err != nil {
		return Sound{}, fmt.Errorf("wav: %w", err)
	}
	s, err := parseWAV(raw)
	if err != nil {
		return Sound{}, fmt.Errorf("wav: %s: %w", file, err)
	}
	return s, nil
}

func parseWAV(raw []byte) (Sound, error) {
	if len(raw) < 12 || string(raw[:4]) != "RIFF" || string(raw[8:12]) != "WAVE" {
		return Sound{}, errors.New("no RIFF/WAVE")
	}
	var s Sound
	channels := 0
	for raw = raw[12:]; len(raw) >= 8; {
		name, size := string(raw[:4]), int(binary.LittleEndian.Uint32(raw[4:]))
		chunk := raw[8:]
		if size > len(chunk) || name == "data" && size == 0 {
			size = len(chunk)
		}
		chunk = chunk[:size]
		switch {
		case name == "fmt " && size >= 16:
			channels = int(binary.LittleEndian.Uint16(chunk[2:]))
			s.Rate = int(binary.LittleEndian.Uint32(chunk[4:]))
			if bits := binary.LittleEndian.Uint16(chunk[14:]); bits != 16 || channels == 0 || s.Rate == 0 {
				return Sound{}, fmt.Errorf("%d bits, %d channels, %d Hz", bits, channels, s.Rate)
			}
		case name == "data" && channels > 0:
			s.Samples = pcm(chunk, channels)
			return s, nil
		}
		raw = raw[8+size:]
		if size%2 == 1 && len(raw) > 0 {
			raw = raw[1:]
		}
	}
	return Sound{}, errors.New("no sound in it")
}

// pcm is the first of the channels of 16 bit samples.
func pcm(raw []byte, channels int) (samples []int16) {
	for ; len(raw) >= 2*channels; raw = raw[2*channels:] {
		samples = append(samples, int16(binary.LittleEndian.Uint16(raw)))
	}
	return samples
}
