package nettools

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// tools are the programs by their names.
var tools = map[string]func(args []string) int{
	"host":       HostMain,
	"in.telnetd": TelnetdMain,
	"nc":         NcMain,
	"ping":       PingMain,
	"tcpdump":    TcpdumpMain,
	"telnet":     TelnetMain,
	"traceroute": TracerouteMain,
}

// The test program is each tool under its name.
func TestMain(m *testing.M) {
	netns.Main()
	if main, ok := tools[strings.TrimSuffix(filepath.Base(os.Args[0]), ".exe")]; ok {
		os.Exit(main(os.Args[1:]))
	}
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or every program exits a second late
	obeyHangup()
	progtest.Parallel()
	os.Exit(m.Run())
}

// obeyHangup makes SIGHUP end the programs that we start, even if we were started
// by nohup, whose programs ignore it. Not every system has that signal.
var obeyHangup = func() {}

// command returns the command of a tool.
func command(name string, args ...string) *exec.Cmd {
	self, err := os.Executable()
	if err != nil {
		panic(err)
	}
	cmd := exec.Command(self, args...)
	cmd.Args[0] = name
	return cmd
}

// run runs a tool, or another program if ours is false, and returns its output
// and its status.
func run(cmd *exec.Cmd) (stdout, stderr string, status int) {
	var out, complaints bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &complaints
	if err := cmd.Run(); cmd.ProcessState == nil {
		return "", fmt.Sprint(err), -1
	}
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}
