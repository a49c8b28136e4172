// Package aac decodes AAC-LC (ISO/IEC 14496-3 section 4) access unit by access unit, to one
// channel.
//
// All sampling rates are decoded (7350 Hz to 96 kHz), one and two channels, all kinds of blocks
// and both windows, and all tools of the profile: pulses, TNS, both kinds of
// joint stereo, noise in place of lines. Refused, by ErrUnsupported, are the other profiles'
// prediction and gain control, frames of 960 samples, and more than two channels.
//
// Of HE-AAC the core is decoded, which is AAC-LC at half the rate that is heard: 11 to 12
// kHz of sound from what is played at 44.1 or 48. It makes no difference whether the
// configuration says that there is more (in either of the two ways) or not. What
// stands for the upper half (SBR) and for the second channel (PS) is passed over.
//
// What goes into a call at 8 or 16 kHz does not need all of a recording at 44.1: a
// Decoder is told at which rate the sound is wanted, and gives it at the lowest of the
// whole, a half, a quarter and an eighth of the stream's rate that is not below it. It
// decodes the lines that this rate has, with transforms that are as much smaller,
// by windows of which as much is left out. That is the whole sound at the
// moments in the middle between two, four or eight samples:
//
//   - below 0.43 of the wanted rate the sound is that of the whole, 60 dB above what differs;
//   - no line above the edge is read, so that none folds back. What the windows of short
//     blocks spread of the lines just below it does, within a few lines of the edge.
//
// Two channels are added up as lines where both have blocks of one kind: one
// transform does for both. Of sum and difference the latter is not read.
package aac
