// Package g722 decodes and encodes ITU-T G.722 at 64 kbit/s: 16,000 samples a
// second in 8000 bytes.
//
// The sound is split into two bands of 8000 samples a second each by a filter pair
// of 24 taps (section 3.1). Each band is predicted, by two poles and six
// zeros that follow the sound, and what differs is sent, in steps that follow
// it too: 6 bits for the lower band, 2 for the upper one. Both ends reckon the
// same from what was sent, so all of it is in whole numbers, as the recommendation has
// it; the names of its blocks stand beside what does their work.
package g722
