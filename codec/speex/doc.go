// Package speex decodes and encodes Speex: narrowband (8 kHz) and wideband
// (16 kHz) in both directions, ultra-wideband (32 kHz) as what is heard only. It
// knows the bitstream of version 4 ("The Speex Codec Manual", version 1.2) as
// RTP (RFC 5574) and FLV carry it: frames of 20 ms one after the other, bit by
// bit, with neither header nor container.
//
// A frame is a narrowband part, then up to two layers that each double the
// bandwidth. Each part names its own mode, so that the rate may change with any
// frame and a decoder may pass over the layers it has no use for.
//
// The decoder gives what the reference decoder gives, within rounding. The
// encoder chooses by searches of its own among what the format can say.
package speex
