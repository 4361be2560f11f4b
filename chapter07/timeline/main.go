// Timeline draws who waits for a Zen server and who is being served, while six
// clients ask it three questions each and an answer takes its time.
//
// What to notice: each line is a client, in the order in which they came. What
// an architecture is shows at a glance: the steps of srv_single, the two blocks
// of srv_threaded, the lines of an event loop that all are served a little at a
// time, and those of srv_legacy1, where nobody waits.
//
// What to try: -d, the time that an answer takes.
package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"time"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/program"
)

func main() {
	parser := argparse.New(
		"draw who waits for a Zen server and who is being served")
	server := parser.Argument("server",
		"a server of this chapter, such as srv_threaded")
	cost := parser.Duration("d", 100*time.Millisecond,
		"the time an answer takes (default %(default)s)")
	parser.Parse()

	if !slices.Contains(zenbench.Servers, *server) {
		program.Fail(*server, fmt.Errorf("not one of %s",
			strings.Join(zenbench.Servers, ", ")))
	}
	cmd, address, err := start(*server, *cost)
	if err != nil {
		program.Fail(*server, err)
	}
	timeline, err := zenbench.RecordTimeline(*server, address, *cost)
	cmd.Process.Kill()
	if err != nil {
		program.Fail(*server, err)
	}
	fmt.Printf("%s: # is being served, . waits; an answer takes %v\n%v",
		*server, *cost, timeline)
}

// start starts the server and returns where it listens.
func start(server string, cost time.Duration) (*exec.Cmd, string, error) {
	folder, err := os.MkdirTemp("", "timeline")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(folder) // also when it runs from there
	path, err := find(folder, server)
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(path, "127.0.0.1", "-p", "0", "-d", cost.String())
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return nil, "", err
	}
	if err := cmd.Start(); err != nil {
		return nil, "", err
	}
	lines := bufio.NewScanner(stdout)
	announced := regexp.MustCompile(`^Listening at \('127\.0\.0\.1', (\d+)\)$`)
	for lines.Scan() {
		if match := announced.FindStringSubmatch(lines.Text()); match != nil {
			go io.Copy(io.Discard, stdout) // lest the server wait for us
			return cmd, net.JoinHostPort("127.0.0.1", match[1]), nil
		}
	}
	return nil, "", fmt.Errorf("it announced no address: %w", cmd.Wait())
}

// find returns the program of a listing: it lies beside this one, or is built
// in folder now.
func find(folder, listing string) (string, error) {
	name := listing
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	built := filepath.Join(folder, name)
	build := exec.Command(
		"go", "build", "-o", built, "fopnp/chapter07/"+listing)
	if said, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %s", bytes.TrimSpace(said))
	}
	return built, nil
}
