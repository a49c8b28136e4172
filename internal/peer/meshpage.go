package peer

import (
	"bytes"
	"context"
	"fmt"
	"os/exec"
	"path/filepath"
	"time"
)

// DumpPage opens a page in Chromium without a window, as wide as a phone, lets it
// live for some time of its own clock, and gives what it shows then, as HTML.
func DumpPage(ctx context.Context, lab *Lab, name, url string, live time.Duration) (string, error) {
	binary, err := need("chromium")
	if err != nil {
		return "", err
	}
	dir, err := lab.Dir(name)
	if err != nil {
		return "", err
	}
	var out, errOut bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--disable-breakpad", "--disable-background-networking", "--disable-component-update", "--disable-sync", "--no-proxy-server", "--log-level=3",
		"--user-data-dir="+filepath.Join(dir, "profile"), "--window-size=412,915",
		fmt.Sprintf("--virtual-time-budget=%d", live.Milliseconds()), "--dump-dom", url)
	cmd.Env = append(cmd.Environ(), "HOME="+dir)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("page %s: %w: %s", url, err, errOut.String())
	}
	return out.String(), nil
}
