// Timeline draws a chart of six clients that ask a slow Zen server three
// questions each: when each one waits, and when it is served.
//
// What to notice: each line is a client, in the order in which they came. You
// see an architecture at a glance: the steps of srv_single, the two blocks of
// srv_threaded, the lines of an event loop, which serves every client a little
// at a time, and those of srv_legacy1, where no client waits.
//
// What to try: change the time that an answer takes, with -d.
package main

import (
	"bytes"
	"cmp"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/py/argparse"
	"fopnp/internal/serve/child"
	"fopnp/internal/serve/program"
)

func main() {
	parser := argparse.New(
		"draw who waits for a Zen server and who is being served")
	server := parser.Argument("server",
		"a server of this chapter, such as srv_threaded")
	cost := parser.Seconds("d", 100*time.Millisecond,
		"how long an answer takes (default %(default)s)")
	parser.Parse()

	if !slices.Contains(zenbench.Servers, *server) {
		program.Fail(*server, fmt.Errorf("not one of %s",
			strings.Join(zenbench.Servers, ", ")))
	}
	process, port, err := start(*server, *cost)
	if err != nil {
		program.Fail(*server, err)
	}
	timeline, err := zenbench.RecordTimeline(
		*server, net.JoinHostPort("127.0.0.1", port), *cost)
	process.Kill()
	if err != nil {
		program.Fail(*server, err)
	}
	fmt.Printf("%s: # is being served, . waits; an answer takes %v\n%v",
		*server, *cost, timeline)
}

// start starts the server, which ends with this program, and returns the port
// where it listens.
func start(
	server string, cost time.Duration,
) (process *child.Process, port string, err error) {
	folder, err := os.MkdirTemp("", "timeline")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(folder) // even if the server runs from there
	path, err := find(folder, server)
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(path, "127.0.0.1", "-p", "0", "-d", cost.String())
	cmd.Stderr = os.Stderr
	if process, err = child.Start(cmd); err != nil {
		return nil, "", err
	}
	if port, err = process.Ready(); err != nil {
		process.Kill()
	}
	return process, port, err
}

// find returns the path of a listing's program. If it does not lie beside this
// one, find builds it in folder.
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
		why := cmp.Or(string(bytes.TrimSpace(said)), err.Error())
		return "", fmt.Errorf("go build: %s", why)
	}
	return built, nil
}
