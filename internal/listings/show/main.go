//go:build unix || windows

// Show starts servers, one after the other, and shows what a client says to
// each. It checks the answers, and that each server stops cleanly. It is what
// test.sh runs.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"sync"
	"syscall"

	"fopnp/internal/check/natsd"
	"fopnp/internal/check/programs"
	"fopnp/internal/listings"
	"fopnp/internal/serve/child"
)

const usage = "usage: ./test.sh [-h] [server ...]\n"

const help = usage + `
Start servers, one after the other, and show what a client says to each. Check
the answers, and that each server stops cleanly.

positional arguments:
  server      a server, or a shelf for all of its servers (default chapter07)

options:
  -h, --help  show this help message and exit

GOMAXPROCS=1 ./test.sh runs everything on a single processor.

`

// atExit removes everything that this program has made. Making is locked while the
// program makes a folder, and for good when it ends.
var (
	atExit = func() {}
	making sync.Mutex
)

func main() { exit(run(os.Args[1:])) }

func exit(status int) {
	making.Lock()
	atExit()
	os.Exit(status)
}

func run(args []string) (status int) {
	if slices.Contains(args, "-h") || slices.Contains(args, "--help") {
		say(help + available())
		return 0
	}
	if len(args) == 0 {
		args = []string{"chapter07"}
	}
	var servers []listings.Listing
	for _, arg := range args {
		found := named(arg)
		if found == nil {
			fmt.Fprintf(os.Stderr, "%stest.sh: error: no server and no shelf is called %q\n%s", usage, arg, available())
			return 2
		}
		servers = append(servers, found...)
	}
	bin, remove, err := build(servers)
	if err != nil {
		complain(err)
		return 1
	}
	scratch, err := os.MkdirTemp("", "visit")
	if err != nil {
		complain(err)
		remove()
		return 1
	}
	atExit = func() { remove(); os.RemoveAll(scratch) }
	endOnSignal()

	var failed []string
	for _, server := range servers {
		say("=== " + server.Name + "\n")
		if err := show(bin, scratch, server); err != nil {
			complain(err)
			failed = append(failed, server.Name)
		}
	}
	if failed != nil {
		complain("failed: " + strings.Join(failed, " "))
		return 1
	}
	return 0
}

// named returns the server called name, or the servers of the shelf called
// name, if a client can visit them.
func named(name string) (servers []listings.Listing) {
	for _, l := range listings.All {
		if l.Visit.Client != "" && (name == l.Name || name == l.Shelf || name == path.Base(l.Shelf)) {
			servers = append(servers, l)
		}
	}
	return servers
}

// available lists the servers that a client can visit, a line for each shelf.
func available() string {
	var shelves []string
	for _, l := range listings.All {
		if !slices.Contains(shelves, l.Shelf) && named(l.Shelf) != nil {
			shelves = append(shelves, l.Shelf)
		}
	}
	text := "servers, by shelf:\n"
	for _, shelf := range shelves {
		text += fmt.Sprintf("  %s: %s\n", shelf, strings.Join(listings.Names(named(shelf)), " "))
	}
	return text
}

// build returns a folder that has the servers and their clients: this program's
// own folder, if they are in it, or one from the cache. The caller calls
// remove.
func build(servers []listings.Listing) (bin string, remove func(), err error) {
	var packages []string
	for _, l := range servers {
		client, _ := listings.Find(l.Visit.Client)
		packages = append(packages, "./"+l.Folder(), "./"+client.Folder())
	}
	slices.Sort(packages)
	packages = slices.Compact(packages)

	if self, err := os.Executable(); err == nil {
		bin = filepath.Dir(self)
		if _, err := exec.LookPath(filepath.Join(bin, path.Base(packages[0]))); err == nil {
			return bin, func() {}, nil
		}
	}
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		return "", nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	cache, err := programs.UserCache()
	if err != nil {
		return "", nil, err
	}
	return cache.Build(context.Background(), filepath.Dir(strings.TrimSpace(string(mod))), packages)
}

// endOnSignal makes a signal end the program. A server or a client that is
// running ends with it. SIGPIPE comes when our output has no reader.
func endOnSignal() {
	signals := make(chan os.Signal, 1)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	go func() {
		s := <-signals
		exit(128 + int(s.(syscall.Signal)))
	}()
}

// show starts a server of the folder bin, shows a visit to it, and stops it,
// unless it ends after one visit. Server and client run in a new folder of
// scratch.
func show(bin, scratch string, l listings.Listing) error {
	folder, err := newFolder(scratch, l.Visit.Files)
	if err != nil {
		return err
	}
	options, end, err := beside(l, scratch)
	if errors.Is(err, exec.ErrNotFound) {
		say("not shown, because there is no " + l.Beside + "\n")
		return nil
	} else if err != nil {
		return err
	}
	defer end()
	cmd := exec.Command(filepath.Join(bin, l.Name), l.ServeArgs("localhost", "0", options...)...)
	cmd.Dir = folder
	server, err := child.Start(cmd)
	if err != nil {
		return err
	}
	defer server.Kill()
	port, err := server.Ready()
	if err != nil {
		return err
	}
	shown, err := visit(bin, folder, l.Visit, port)
	if err == nil && l.Visit.AtServer {
		shown, err = atServer(server, l.Visit.Prints)
	}
	say(shown)
	if err == nil {
		err = compare(shown, l.Visit.Prints)
	}
	return errors.Join(err, stop(server, l.ServesOne && err == nil))
}

// newFolder makes a folder in scratch, with files by their names.
func newFolder(scratch string, files map[string]string) (folder string, err error) {
	making.Lock()
	defer making.Unlock()
	if folder, err = os.MkdirTemp(scratch, ""); err != nil {
		return "", err
	}
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o666); err != nil {
			return "", err
		}
	}
	return folder, nil
}

// beside starts the program that must run beside a server, in a new folder of
// scratch, and returns the server's options. The caller calls end.
func beside(l listings.Listing, scratch string) (options []string, end func(), err error) {
	if l.Beside != natsd.Program {
		return nil, func() {}, nil
	}
	dir, err := newFolder(scratch, nil)
	if err != nil {
		return nil, nil, err
	}
	nats, err := natsd.Start(natsd.Config{Dir: dir})
	if err != nil {
		return nil, nil, err
	}
	return []string{"-n", nats.NewURL()}, func() { nats.Kill() }, nil
}

// visit runs the client of a visit to a port, in a folder, and returns what it
// prints.
func visit(bin, folder string, v listings.Visit, port string) (printed string, err error) {
	l, _ := listings.Find(v.Client)
	cmd := exec.Command(filepath.Join(bin, l.Name), l.AskArgs("localhost", port, v.Words...)...)
	cmd.Dir, cmd.Stdin = folder, strings.NewReader(v.Typed)
	client, err := child.Start(cmd)
	if err != nil {
		return "", err
	}
	defer client.Kill()
	if err = client.Wait(); err != nil {
		err = fmt.Errorf("%s: %w", l.Name, err)
	}
	printed = client.Output()
	if printed != "" && !strings.HasSuffix(printed, "\n") {
		printed += "\n" // after a prompt
	}
	return printed, err
}

// atServer waits until the server has printed the lines that are wanted, and
// returns them.
func atServer(server *child.Process, want []string) (lines string, err error) {
	wanted := regexp.MustCompile("(?m)^(?:" + strings.Join(want, "|") + ")\n")
	err = server.WaitUntil(strings.Join(want, ", "), func(output string) bool {
		all := wanted.FindAllString(output, -1)
		lines = strings.Join(all, "")
		return len(all) >= len(want)
	})
	return lines, err
}

// compare returns an error unless each line is matched by one of the regular
// expressions, and each of these matches one line.
func compare(printed string, want []string) error {
	want = slices.Clone(want)
	for line := range strings.Lines(printed) {
		i := slices.IndexFunc(want, func(pattern string) bool {
			return regexp.MustCompile("^(?:" + pattern + ")\r?\n$").MatchString(line)
		})
		if i < 0 {
			return fmt.Errorf("the client should not print %q", line)
		}
		want = slices.Delete(want, i, i+1)
	}
	if len(want) > 0 {
		return fmt.Errorf("the client should also print %s", strings.Join(want, ", "))
	}
	return nil
}

// stop stops a server with SIGTERM. On Windows, which has no such signal, it
// kills the server. A server that ends by itself must do so.
func stop(server *child.Process, byItself bool) error {
	if byItself {
		return server.Wait()
	}
	if runtime.GOOS == "windows" {
		server.Kill()
		return nil
	}
	return server.Stop(syscall.SIGTERM)
}

// say prints text. If that fails, the program ends with status 1, or with 141
// after SIGPIPE.
func say(text string) {
	if _, err := io.WriteString(os.Stdout, text); err != nil && !errors.Is(err, syscall.EPIPE) {
		complain(err)
		exit(1)
	}
}

func complain(what any) { fmt.Fprintf(os.Stderr, "test.sh: %v\n", what) }
