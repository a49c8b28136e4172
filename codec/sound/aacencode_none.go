//go:build noaac

package sound

import "gateway/codec"

// Without the encoder there is nothing of a library under the LGPL in the program.
func checkAACEncoder(codec.Format) error { return ErrUnsupported }

func newAACEncoder(codec.Format, Setting) (codec.Encoder, error) { return nil, ErrUnsupported }
