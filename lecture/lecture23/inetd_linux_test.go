package lecture23_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// Gettime asks services of a real inetd. Their ports are below 1024, so inetd
// and gettime run on a private network. Inetd's daytime sends another line than
// NIST's. Its chargen never ends, and its discard never begins.
func TestInetd(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("inetd"); err != nil {
		t.Skip(err)
	}
	if _, err := net.LookupPort("tcp", "daytime"); err != nil {
		t.Skip("inetd takes its ports from /etc/services: ", err)
	}
	if err := netns.Supported(); err != nil {
		t.Skip(err)
	}
	services := ""
	for _, service := range []string{"daytime", "chargen", "discard"} {
		services += "127.0.0.1:" + service + " stream tcp nowait root internal\n"
	}
	folder := t.TempDir()
	conf := filepath.Join(folder, "conf")
	if err := os.WriteFile(conf, []byte(services), 0o666); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(filepath.Join(folder, "output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	stdin, ready, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer stdin.Close()
	defer ready.Close()
	cmd := exec.Command("sh", "-c", `
		inetd -i "$0" &
		read ready
		gettime 127.0.0.1
		gettime 127.0.0.1 -p 19
		gettime 127.0.0.1 -p 9 -t 0.2
	`, conf)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = stdin, output, output
	network, err := netns.Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer time.AfterFunc(progtest.Patience, network.Close).Stop()
	defer network.Close()
	progtest.Until(t, "inetd listens at all ports", func() bool {
		var ports []int
		for _, socket := range network.Listeners() {
			ports = append(ports, int(socket.Port))
		}
		slices.Sort(ports)
		return slices.Equal(ports, []int{9, 13, 19})
	})
	fmt.Fprintln(ready)
	network.Wait() // its error is that gettime had no time to show

	got, err := os.ReadFile(output.Name())
	if err != nil {
		t.Fatal(err)
	}
	want := []string{
		`gettime: no time from \('127\.0\.0\.1', 13\): received b'\w{3} \w{3} [ \d]\d \d\d:\d\d:\d\d \d{4}\\r\\n'`,
		`gettime: no time from \('127\.0\.0\.1', 19\): received b'.{1000}.*'`,
		`gettime: no time from \('127\.0\.0\.1', 9\): timed out`,
	}
	if !regexp.MustCompile("^" + strings.Join(want, "\n") + "\n$").Match(got) {
		t.Errorf("%s\nwant:\n%s", got, strings.Join(want, "\n"))
	}
}
