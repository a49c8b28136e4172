// Package mp3 decodes MPEG audio layer III (ISO/IEC 11172-3, 13818-3, and what is known as
// MPEG-2.5) frame by frame, to one channel.
//
// All rates are decoded (8 to 48 kHz), all modes (mono, two channels, joint stereo of both
// kinds), all kinds of blocks, the bit reservoir, and frames of varying
// bit rate; checksums are not looked at. Frames of no stated bit rate ("free format")
// are refused: nobody could tell where they end.
//
// What goes into a call at 8 or 16 kHz does not need all of a recording at 44.1: a
// Decoder is told at which rate the sound is wanted, and gives it at the lowest of the
// whole, a half and a quarter of the stream's rate that is not below it. For that it
// decodes the lines below the wanted rate's half and some, and has a synthesis filter
// bank of 16 or 8 bands for the lower of the 32. That bank is the whole one, of
// which every second or fourth sample is reckoned, so that nothing changes but at
// the edge of what is left:
//
//   - up to 0.43 of the wanted rate the sound is that of the whole bank, within what
//     rounding to 16 bits costs;
//   - nothing of what is left out folds back, but within 1/64 of the stream's
//     rate of the edge: the prototype's stop band is 96 dB down.
//
// Two channels are added up as lines, before the costly part, where both have
// blocks of one kind; of joint stereo's sum and difference the latter is not read.
package mp3
