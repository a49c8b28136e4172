//go:build noaac

package sound

import "gateway/codec"

// Without AAC there is nothing of a library under the LGPL in the program.
func checkAACDecoder(codec.Format) error { return ErrUnsupported }

func checkAACEncoder(codec.Format) error { return ErrUnsupported }

func newAACDecoder(codec.Format, int) (codec.Decoder, error) { return nil, ErrUnsupported }

func newAACEncoder(codec.Format, Setting) (codec.Encoder, error) { return nil, ErrUnsupported }
