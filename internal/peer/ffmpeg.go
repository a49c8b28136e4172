package peer

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"time"
)

// FFmpeg runs ffmpeg to its end, with in at its input, pipe:0. It returns what
// came out of pipe:1, and what CPU time the program had of its own, the kernel's
// share left out.
func FFmpeg(ctx context.Context, in []byte, args ...string) ([]byte, time.Duration, error) {
	cmd := exec.CommandContext(ctx, "ffmpeg", append([]string{"-v", "error", "-threads", "1"}, args...)...)
	cmd.Stdin = bytes.NewReader(in)
	var out, said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return nil, 0, fmt.Errorf("ffmpeg: %w: %s", err, said.String())
	}
	return out.Bytes(), cmd.ProcessState.UserTime(), nil
}
