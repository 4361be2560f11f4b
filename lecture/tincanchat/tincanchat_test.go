//go:build unix || windows

package tincanchat_test

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/script"
	"fopnp/internal/check/weave"
	"fopnp/internal/listings"
	"fopnp/internal/py/selectors"
	"fopnp/internal/py/socket"
	"fopnp/lecture/internal/chatbench"
)

func TestMain(m *testing.M) {
	weave.Main()
	os.Exit(progtest.Main(m))
}

func TestScripts(t *testing.T) { script.Run(t, "../../testdata/lecture/tincanchat") }

func TestComplaints(t *testing.T) { conform.Complaints(t, "lecture/tincanchat") }

func TestWholeLines(t *testing.T) { progtest.WholeLines(t, "lecture/tincanchat") }

func TestREADME(t *testing.T) {
	t.Parallel()
	data, err := chatbench.Load("../bench")
	if err != nil {
		t.Fatal(err)
	}
	machines, err := chatbench.LoadMachines("../bench")
	if err != nil {
		t.Fatal(err)
	}
	weave.TestPage(t, "lecture/tincanchat/README.md", func(words ...string) (string, error) {
		if words[0] == "machines" {
			return machines.SayMachines(words[1:]...)
		}
		return data.Say(words...)
	})
}

// Every server announces its socket's own address, as Python prints it. The
// empty host is every interface, which is announced as that of IPv4.
func TestListening(t *testing.T) {
	t.Parallel()
	for _, listing := range listings.On("lecture/tincanchat", listings.Server) {
		t.Run(listing.Name, func(t *testing.T) {
			t.Parallel()
			if err := noSelector(listing.Name); err != nil {
				t.Skip(err)
			}
			options := progtest.Beside(t, listing)
			for host, want := range map[string]string{
				"":          "('0.0.0.0', PORT)",
				"127.0.0.1": "('127.0.0.1', PORT)",
				"::1":       "('::1', PORT, 0, 0)",
			} {
				if host == "::1" && !slices.Contains(conform.Loopbacks(), host) {
					t.Logf("%s skipped: this system has no IPv6", host)
					continue
				}
				server := progtest.MustStart(t, listing.Name, listing.ServeArgs(host, "0", options...)...)
				want = "Listening on " + strings.Replace(want, "PORT", server.Port, 1) + "\n"
				if got := server.Output(); got != want {
					t.Errorf("at %q: %q, want %q", host, got, want)
				}
			}
		})
	}
}

// noSelector returns an error if this system cannot wait for many sockets, and a
// server needs that.
func noSelector(server string) error {
	if server != "chat_server_poll" && server != "chat_server_asyncio" {
		return nil
	}
	selector, err := selectors.Default()
	if err == nil {
		selector.Close()
	}
	return err
}

// A server that cannot wait for many clients says so in one line, and does not
// announce a port first. Where systems have all selectors, chat_server_poll
// fails if it has one descriptor too few for what it waits with.
func TestNothingToWaitWith(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"chat_server_poll", "chat_server_asyncio"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			ctx, cancel := context.WithTimeout(t.Context(), progtest.Patience)
			defer cancel()
			program := filepath.Join(progtest.Bin(), name)
			why := regexp.QuoteMeta(socket.ErrUnsupported.Error())
			cmd := exec.CommandContext(ctx, program, "-p", "0")
			if noSelector(name) == nil {
				if name != "chat_server_poll" || runtime.GOOS != "linux" {
					t.Skip("this system has a selector")
				}
				why = "too many open files"
				cmd = exec.CommandContext(ctx, "sh", "-c", `ulimit -n 4 && exec "$0" -p 0`, program)
			}
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			cmd.Run()
			var lines []string
			for line := range strings.Lines(stderr.String()) {
				if strings.HasPrefix(line, name) { // and not of the coverage, which has no descriptor either
					lines = append(lines, line)
				}
			}
			want := regexp.MustCompile("^" + name + ": (poll|pipe|event loop): " + why + "\n$")
			if cmd.ProcessState == nil || cmd.ProcessState.ExitCode() != 1 || stdout.String() != "" ||
				len(lines) != 1 || !want.MatchString(lines[0]) {
				t.Errorf("%v, stdout %q, stderr %q; want status 1 and one line like %s", cmd.ProcessState, &stdout, &stderr, want)
			}
		})
	}
}
