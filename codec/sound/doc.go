// Package sound is the table of the sound codecs: which format has a decoder, an
// encoder, or both, and how to make one. All give and take linear sound in one
// channel; those that have more channels fold or double them.
//
// Each one runs in a single goroutine, starts none, and does not allocate once
// its buffers have grown, as far as the libraries beneath keep to that.
package sound
