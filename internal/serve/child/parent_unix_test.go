//go:build unix

package child

import (
	"fmt"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"syscall"
	"testing"
)

// A program ends with its parent, however the parent ends.
func TestEndsWithParent(t *testing.T) {
	t.Parallel()
	for _, parent := range []string{"parent", "watching parent"} {
		for _, end := range []os.Signal{os.Kill, syscall.SIGTERM, os.Interrupt, nil} {
			t.Run(fmt.Sprintf("%s/%v", parent, end), func(t *testing.T) {
				t.Parallel()
				if runtime.GOOS != "linux" && parent == "parent" {
					t.Skip("see watching parent")
				}
				cmd := self(parent)
				cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
				stdin, err := cmd.StdinPipe()
				if err != nil {
					t.Fatal(err)
				}
				p, err := Start(cmd)
				if err != nil {
					t.Fatal(err)
				}
				defer p.Kill()
				match, err := p.WaitFor(regexp.MustCompile(`^(\d+) <nil>\n`))
				if err != nil {
					t.Fatal(err)
				}
				pid, _ := strconv.Atoi(match[1])
				gone := whenGone(t, pid)
				switch end {
				case nil:
					err = stdin.Close()
				case os.Interrupt: // Ctrl-C, which all programs of the group get
					err = syscall.Kill(-p.Pid, syscall.SIGINT)
				default:
					err = p.Signal(end)
				}
				if err != nil {
					t.Fatal(err)
				}
				gone()
			})
		}
	}
}
