package zentest

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strings"
	"time"
)

var callChecks = []Check{
	wrongCall("no host"),
	wrongCall("two hosts", "127.0.0.1", "127.0.0.2"),
	wrongCall("unknown option", "127.0.0.1", "-x"),
	wrongCall("port is no number", "127.0.0.1", "-p", "zen"),
	wrongCall("port too high", "127.0.0.1", "-p", "65536"),
	wrongCall("port is missing", "127.0.0.1", "-p"),
	wrongCall("negative timeout", "127.0.0.1", "-t", "-1"),
	wrongCall("no duration", "127.0.0.1", "-d", "x"),
	{Name: "help", Run: help},
	{Name: "options before the host", Run: optionsBefore},
	alone("options after the host", announcement, "-t", "5", "-d", "1ms"),
	alone("port in use", portInUse),
	{Name: "unresolvable host", Run: unresolvableHost},
}

// An outcome is all that can be seen of a program that has ended.
type outcome struct {
	stdout, stderr string
	status         int
}

// run runs the server as a program that ends by itself.
func (s Server) run(args ...string) (outcome, error) {
	return s.runCommand(s.command(args...))
}

func (s Server) runCommand(cmd *exec.Cmd) (outcome, error) {
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Start(); err != nil {
		return outcome{}, err
	}
	timer := time.AfterFunc(s.wait(), func() { cmd.Process.Kill() })
	err := cmd.Wait()
	if !timer.Stop() {
		return outcome{}, fmt.Errorf("it did not end by itself: %q", stdout.String()+stderr.String())
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return outcome{}, err
	}
	return outcome{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, nil
}

// wrongCall is the check that a call is refused: usage on stderr, nothing on
// stdout, status 2.
func wrongCall(name string, args ...string) Check {
	return Check{Name: "wrong call/" + name, Run: func(s Server) error {
		got, err := s.run(args...)
		if err == nil && (got.status != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "usage: ")) {
			err = fmt.Errorf("called with %q: %+v", args, got)
		}
		return err
	}}
}

// -h prints the usage and exits 0.
func help(s Server) error {
	got, err := s.run("-h")
	if err == nil && (got.status != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "usage: ")) {
		err = fmt.Errorf("called with -h: %+v", got)
	}
	return err
}

// Options may stand before the host.
func optionsBefore(s Server) error {
	command := s.command
	s.Command = func(args ...string) *exec.Cmd { return command(append(args[1:], args[0])...) }
	return serving(announcement, "-t", "5", "-d", "1ms")(s)
}

// portInUse starts a second server at the first one's port.
func portInUse(t *trial) {
	if err := t.givesUp(t.run(t.host, "-p", t.server.Port)); err != nil {
		t.fail(err)
	}
}

func unresolvableHost(s Server) error {
	return s.givesUp(s.run("nosuch.invalid", "-p", "0"))
}

// givesUp wants a program to have ended as one that cannot do what it shall:
// one line on stderr, "NAME: what failed: why", status 1; never a stack trace.
func (s Server) givesUp(got outcome, err error) error {
	line := regexp.MustCompile("^" + regexp.QuoteMeta(s.Name) + `: [^\n]+: [^\n]+\n$`)
	if err == nil && (got.status != 1 || got.stdout != "" || !line.MatchString(got.stderr)) {
		err = fmt.Errorf("status %d, stdout %q, stderr %q", got.status, got.stdout, got.stderr)
	}
	return err
}
