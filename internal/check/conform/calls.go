package conform

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
	WrongCall("unknown option", "127.0.0.1", "-x"),
	WrongCall("port is no number", "127.0.0.1", "-p", "zen"),
	WrongCall("port too high", "127.0.0.1", "-p", "65536"),
	WrongCall("port is missing", "127.0.0.1", "-p"),
	WrongCall("negative timeout", "127.0.0.1", "-t", "-1"),
	{Name: "help", Run: help},
	{Name: "options before the host", Run: optionsBefore},
	Alone("options after the host", announcement, "-t", "5"),
	Alone("port in use", portInUse),
	{Name: "unresolvable host", Run: unresolvableHost},
}

// An outcome is all that a test can see of a program that has ended.
type outcome struct {
	stdout, stderr string
	status         int
}

// run runs the server with args and waits until it exits on its own.
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

// WrongCall returns the check "wrong call/NAME": the server must reject args
// with the usage on stderr, nothing on stdout, and status 2.
func WrongCall(name string, args ...string) Check {
	return Check{Name: "wrong call/" + name, Run: func(s Server) error {
		got, err := s.run(args...)
		if err == nil && (got.status != 2 || got.stdout != "" || !strings.HasPrefix(got.stderr, "usage: ")) {
			err = fmt.Errorf("called with %q: %+v", args, got)
		}
		return err
	}}
}

// -h prints the usage and exits with status 0.
func help(s Server) error {
	got, err := s.run("-h")
	if err == nil && (got.status != 0 || got.stderr != "" || !strings.HasPrefix(got.stdout, "usage: ")) {
		err = fmt.Errorf("called with -h: %+v", got)
	}
	return err
}

// Options may come before the host.
func optionsBefore(s Server) error {
	command := s.command
	s.Command = func(args ...string) *exec.Cmd { return command(append(args[1:], args[0])...) }
	return serving(announcement, "-t", "5")(s)
}

// portInUse starts a second server on the port of the first. It must give up.
func portInUse(t *Trial) {
	if err := t.givesUp(t.run(t.host, "-p", t.process.Port)); err != nil {
		t.Fail(err)
	}
}

func unresolvableHost(s Server) error {
	return s.givesUp(s.run("nosuch.invalid", "-p", "0"))
}

// givesUp returns an error unless a program that cannot do its work exited as
// it should: one line on stderr, "NAME: what failed: why", nothing on stdout,
// no stack trace, and status 1.
func (s Server) givesUp(got outcome, err error) error {
	line := regexp.MustCompile("^" + regexp.QuoteMeta(s.Name) + `: [^\n]+: [^\n]+\n$`)
	if err == nil && (got.status != 1 || got.stdout != "" || !line.MatchString(got.stderr)) {
		err = fmt.Errorf("status %d, stdout %q, stderr %q", got.status, got.stdout, got.stderr)
	}
	return err
}
