//go:build unix || windows

package tincanchat_test

import (
	"os"
	"slices"
	"strings"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
	"fopnp/internal/check/script"
	"fopnp/internal/check/weave"
	"fopnp/internal/listings"
	"fopnp/internal/py/selectors"
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
	weave.TestPage(t, "lecture/tincanchat/README.md", data.Say)
}

// Every server announces its socket's own address, as Python prints it. The
// empty host is every interface, which is announced as that of IPv4.
func TestListening(t *testing.T) {
	t.Parallel()
	for _, listing := range listings.On("lecture/tincanchat", listings.Server) {
		t.Run(listing.Name, func(t *testing.T) {
			t.Parallel()
			if poll, err := selectors.NewPoll(); err == nil {
				poll.Close()
			} else if listing.Name == "chat_server_poll" {
				t.Skip(err)
			}
			for host, want := range map[string]string{
				"":          "('0.0.0.0', PORT)",
				"127.0.0.1": "('127.0.0.1', PORT)",
				"::1":       "('::1', PORT, 0, 0)",
			} {
				if host == "::1" && !slices.Contains(conform.Loopbacks(), host) {
					t.Logf("%s skipped: this system has no IPv6", host)
					continue
				}
				server := progtest.MustStart(t, listing.Name, host, "-p", "0")
				want = "Listening on " + strings.Replace(want, "PORT", server.Port, 1) + "\n"
				if got := server.Output(); got != want {
					t.Errorf("at %q: %q, want %q", host, got, want)
				}
			}
		})
	}
}
