package peer

import (
	"context"
	"fmt"
	"os/exec"
	"strings"
)

// SendXMPP sends one text with go-sendxmpp, as the bare JID user.
func SendXMPP(ctx context.Context, lab *Lab, user, password, to, text string) error {
	binary, err := need("go-sendxmpp")
	if err != nil {
		return err
	}
	cmd := exec.CommandContext(ctx, binary, "-n", "-u", user, "-p", password, "-j", lab.At(XMPPHost, XMPPPort), to)
	cmd.Stdin = strings.NewReader(text + "\n")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go-sendxmpp: %w: %s", err, out)
	}
	return nil
}
