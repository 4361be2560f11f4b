package conform

import (
	"errors"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

// Complaints checks that the TCP servers of a shelf keep stdout and stderr apart.
// A server prints the lines of its original to stdout. When a client leaves in
// the middle of a message, the server reports it on the stream that its row
// names, and a report on stderr is one line. A server for which all bytes are a
// message reports a silent client on stderr. All other tests read the two streams
// as one.
func Complaints(t *testing.T, shelf string) {
	for _, listing := range listings.On(shelf, listings.Server, listings.Both) {
		if listing.Network != "tcp" {
			continue
		}
		t.Run(listing.Name, func(t *testing.T) {
			t.Parallel()
			s := startApart(t, listing)
			if !listing.ServesOne {
				s.visit(t)
			}
			s.hears(t, "half a")
			stdout, stderr := s.ends(t, false)
			if listing.Faults == listings.Stdout && !strings.Contains(stdout, "b'half a'") {
				t.Errorf("stdout does not say that the client left:\n%s", stdout)
			}
			s.complains(t, stderr, listing.Faults == listings.Stderr)
		})
		if listing.Faults != listings.None {
			continue
		}
		t.Run(listing.Name+"/silence", func(t *testing.T) {
			t.Parallel()
			s := startApart(t, listing, "-t", "0.2")
			client := progtest.Dial(t, s.Server)
			answer, _ := io.ReadAll(client) // until the server hangs up
			client.Close()
			isFault := len(answer) == 0 // a client that gets an answer need not say anything
			_, stderr := s.ends(t, isFault)
			s.complains(t, stderr, isFault)
		})
	}
}

// apart is a server whose stderr goes to a file, and not to its Output.
type apart struct {
	*progtest.Server
	listing        listings.Listing
	folder, stderr string
}

// startApart starts a server in a folder that has the files of its visit.
func startApart(t *testing.T, listing listings.Listing, options ...string) *apart {
	s := &apart{listing: listing, folder: t.TempDir(), stderr: filepath.Join(t.TempDir(), "stderr")}
	for name, text := range listing.Visit.Files {
		if err := os.WriteFile(filepath.Join(s.folder, name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	stderr, err := os.Create(s.stderr)
	if err != nil {
		t.Fatal(err)
	}
	defer stderr.Close()
	cmd := s.command(listing.Name, listing.ServeArgs("127.0.0.1", "0", append(options, progtest.Beside(t, listing)...)...))
	cmd.Stderr = stderr
	if s.Server, err = progtest.Start(cmd); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Kill() })
	return s
}

func (s *apart) command(name string, args []string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(progtest.Bin(), name), args...)
	cmd.Dir = s.folder
	return cmd
}

// visit runs the client that the table names, which asks the server.
func (s *apart) visit(t *testing.T) {
	client, found := listings.Find(s.listing.Visit.Client)
	if !found {
		return
	}
	cmd := s.command(client.Name, client.AskArgs("127.0.0.1", s.Port, s.listing.Visit.Words...))
	cmd.Stdin = strings.NewReader(s.listing.Visit.Typed)
	killer := time.AfterFunc(progtest.Patience, func() { cmd.Process.Kill() })
	defer killer.Stop()
	if printed, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%s: %v\n%s", client.Name, err, printed)
	}
}

// hears plays a client that says text and leaves.
func (s *apart) hears(t *testing.T, text string) {
	client := progtest.Dial(t, s.Server)
	defer client.Close()
	io.WriteString(client, text)
	client.(*net.TCPConn).CloseWrite()
	io.ReadAll(client) // until the server hangs up
}

// ends ends the server. A server that serves one client ends by itself, with
// status 1 after a fault.
func (s *apart) ends(t *testing.T, isFault bool) (stdout, stderr string) {
	var err error
	if s.listing.ServesOne {
		err = s.Wait()
		var exit *exec.ExitError
		if isFault && errors.As(err, &exit) && exit.ExitCode() == 1 {
			err = nil
		}
	} else {
		err = s.Stop(syscall.SIGTERM)
	}
	said, errRead := os.ReadFile(s.stderr)
	if err := errors.Join(err, errRead); err != nil {
		t.Error(err)
	}
	return s.Output(), string(said)
}

// complains fails the test unless stderr is one complaint, or nothing, and
// stdout has none.
func (s *apart) complains(t *testing.T, stderr string, isFault bool) {
	name := s.listing.Name
	if strings.Contains("\n"+s.Output(), "\n"+name+": ") {
		t.Errorf("stdout has a complaint:\n%s", s.Output())
	}
	want := "^$"
	if isFault {
		want = `^` + name + `: (?:client|request from) \('127\.0\.0\.1', \d+\): [^\n]+\n$`
	}
	if !regexp.MustCompile(want).MatchString(stderr) {
		t.Errorf("stderr is %q, want %s", stderr, want)
	}
}
