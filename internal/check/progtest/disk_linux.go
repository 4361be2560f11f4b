package progtest

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"sync"
	"testing"
)

// OnSmallDisk returns a command that runs a shell script with args on a disk of
// its own: a tmpfs in a mount namespace, which is the script's folder and ends
// with the script. The size is as mount takes it, such as "64k". The command is
// killed if it still runs after Patience, or when the test ends. If this user
// may not mount a file system, OnSmallDisk skips the test.
func OnSmallDisk(t testing.TB, size, script string, args ...string) *exec.Cmd {
	t.Helper()
	if err := mayMount(); err != nil {
		t.Skipf("this user may not mount a file system: %v", err)
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	t.Cleanup(cancel)
	return onSmallDisk(ctx, t.TempDir(), size, script, args...)
}

var mayMount = sync.OnceValue(func() error {
	if out, err := onSmallDisk(context.Background(), os.TempDir(), "64k", "").CombinedOutput(); err != nil {
		return fmt.Errorf("%w, %s", err, out)
	}
	return nil
})

func onSmallDisk(ctx context.Context, folder, size, script string, args ...string) *exec.Cmd {
	script = "mount -t tmpfs -o size=" + size + ` tmpfs . && cd "$PWD" || exit 99` + "\n" + script
	cmd := exec.CommandContext(ctx, "unshare", append([]string{
		"--user", "--map-root-user", "--mount", "sh", "-c", script, "sh"}, args...)...)
	cmd.Dir = folder
	return cmd
}
