// Package nellymoser decodes and encodes Nellymoser Asao, the speech format of Flash
// before Speex. There is no public specification; what is known of it was found out
// by others, and FFmpeg is what this is tested against.
//
// A block is 64 bytes for 256 samples, at any rate (8, 11.025, 16, 22.05 and
// 44.1 kHz are in use). It holds two transforms (MDCT, sine window) of 128
// coefficients each, of which 124 are sent, in 23 bands:
//
//   - 6 bits for the level of the first band, 5 for the step from each band's level to
//     the next one's, in units of 1/2048 of a doubling;
//   - twice 198 bits for the coefficients, each with 0 to 6 bits that both sides
//     reckon from the levels alone; those with none are heard as noise of that level.
//
// All bits go from the least significant to the most.
package nellymoser
