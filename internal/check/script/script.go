//go:build unix || windows

// Package script runs the scripts in testdata/, which prove what each listing
// does. It adds commands to testscript: they start servers, play clients and
// compare transcripts.
package script

import (
	"errors"
	"fmt"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"fopnp/internal/check/natsd"
	"fopnp/internal/check/progtest"
)

// Run runs every script in folder as a parallel subtest. Each script is a page
// about one listing. Besides the commands of testscript (exec, stdout, stderr,
// cmp, …) a script has these:
//
//	serve PROGRAM ARG...    start a server, which must listen on port 0, wait
//	                        until it announces its address, and set $PORT
//	beside nats-server      start a NATS server, which then counts as a server
//	                        that serve has started, and set $NATS to its URL; if
//	                        there is none on this system, skip the script
//	await PROGRAM REGEXP    wait until the server has printed a match
//	terminate PROGRAM       send the server SIGTERM; it must exit with status 0;
//	                        stdout is then all that it printed
//	interrupt PROGRAM       the same with SIGINT, as Ctrl-C sends it
//	exits PROGRAM [STATUS]  wait until the server ends by itself; its exit status
//	                        must be STATUS, or 0; stdout is then all that it
//	                        printed
//	narrow PROGRAM          make the kernel's buffers small for the clients that
//	                        the server will accept, where the system allows it
//	transcript GOT WANT     compare two files, or stdout, as transcripts: times
//	                        and ports that the system chose may differ, and if a
//	                        line was overwritten, only its last text counts
//	sorted FILE             print the lines of a file, or of stdout, in order
//
// If a server still runs at the end of its script, the script fails. The
// commands that play clients are in clients.go, and those that play inetd in
// hand_linux.go.
//
// With -update, cmp and transcript do not fail. They rewrite the file of the
// script that they compare with. Transcript does so only if the two differ as
// transcripts.
func Run(t *testing.T, folder string) {
	t.Parallel()
	testscript.Run(t, scripts(folder, *progtest.Update))
}

// scripts returns testscript's parameters for the scripts in folder.
func scripts(folder string, update bool) testscript.Params {
	return testscript.Params{
		Dir:                 folder,
		RequireExplicitExec: true,
		UpdateScripts:       update,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOCOVERDIR", progtest.Coverage())
			env.Setenv("GORACE", os.Getenv("GORACE"))
			running := servers{env: env, started: map[string]*progtest.Server{}}
			env.Values[serversKey{}] = &running
			env.Defer(running.kill)
			newClients(env)
			if update {
				newUpdates(env, folder)
			}
			for _, set := range setups {
				set(env)
			}
			return nil
		},
		Condition: condition,
		Cmds:      commands,
	}
}

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"serve":      serve,
	"beside":     beside,
	"await":      await,
	"terminate":  end(syscall.SIGTERM),
	"interrupt":  end(os.Interrupt),
	"exits":      exits,
	"narrow":     narrowed,
	"transcript": compare,
	"sorted":     sorted,
}

func init() { maps.Copy(commands, clientCommands) }

// setups prepare a script for commands that exist on some systems only.
var setups []func(*testscript.Env)

// condition knows one condition besides testscript's own: [ipv6] holds where
// ::1 is an address.
func condition(name string) (bool, error) {
	if name != "ipv6" {
		return false, fmt.Errorf("unknown condition %s", name)
	}
	listener, err := net.Listen("tcp", "[::1]:0")
	if err != nil {
		return false, nil
	}
	return true, listener.Close()
}

type serversKey struct{}

// servers are the servers that a script has started and not stopped yet.
type servers struct {
	env     *testscript.Env
	started map[string]*progtest.Server
}

// kill kills the servers that still run, and fails the script if there are any.
func (s *servers) kill() {
	for name, server := range s.started {
		how := "died"
		if server.Kill() {
			how = "still ran at the end of the script"
		}
		defer s.env.T().Fatal(fmt.Sprintf("%s %s; it printed:\n%s", name, how, server.Output()))
	}
}

// arguments fails the script if it does not use a command as usage says.
func arguments(ts *testscript.TestScript, neg bool, args []string, least, most int, usage string) {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("usage: %s", usage)
	}
}

// named returns the server that runs the program name.
func named(ts *testscript.TestScript, name string) *progtest.Server {
	server := ts.Value(serversKey{}).(*servers).started[name]
	if server == nil {
		ts.Fatalf("%s was not started", name)
	}
	return server
}

func serve(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 99, "serve PROGRAM ARG...")
	running := ts.Value(serversKey{}).(*servers)
	if running.started[args[0]] != nil {
		ts.Fatalf("%s is already running", args[0])
	}
	cmd := exec.Command(filepath.Join(progtest.Bin(), args[0]), args[1:]...)
	cmd.Env = running.env.Vars
	cmd.Dir = ts.MkAbs(".")
	server, err := progtest.Start(cmd)
	ts.Check(err)
	running.started[args[0]] = server
	ts.Setenv("PORT", server.Port)
	clientsOf(ts).forgetOrder()
}

func beside(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 1, "beside nats-server")
	running := ts.Value(serversKey{}).(*servers)
	if args[0] != natsd.Program || running.started[args[0]] != nil {
		ts.Fatalf("cannot start %s", args[0])
	}
	dir, err := os.MkdirTemp("", "beside")
	ts.Check(err)
	ts.Defer(func() { os.RemoveAll(dir) })
	server, err := natsd.Start(natsd.Config{Dir: dir})
	if errors.Is(err, exec.ErrNotFound) {
		running.env.T().Skip(fmt.Sprintf("there is no %s", args[0]))
	}
	ts.Check(err)
	running.started[args[0]] = &progtest.Server{Process: server.Process, Port: server.Port}
	ts.Setenv("NATS", server.NewURL())
}

func await(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2, "await PROGRAM REGEXP")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	_, err = named(ts, args[0]).WaitFor(pattern)
	ts.Check(err)
}

// end returns a command that ends a server with a signal.
func end(signal os.Signal) func(ts *testscript.TestScript, neg bool, args []string) {
	return func(ts *testscript.TestScript, neg bool, args []string) {
		arguments(ts, neg, args, 1, 1, "terminate PROGRAM, interrupt PROGRAM")
		server := named(ts, args[0])
		delete(ts.Value(serversKey{}).(*servers).started, args[0])
		err := server.Stop(signal)
		fmt.Fprint(ts.Stdout(), server.Output())
		ts.Check(err)
	}
}

func exits(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 2, "exits PROGRAM [STATUS]")
	want := "0"
	if len(args) == 2 {
		want = args[1]
	}
	server := named(ts, args[0])
	delete(ts.Value(serversKey{}).(*servers).started, args[0])
	status, err := "0", server.Wait()
	var exit *exec.ExitError
	if errors.As(err, &exit) {
		status, err = strconv.Itoa(exit.ExitCode()), nil
	}
	fmt.Fprint(ts.Stdout(), server.Output())
	ts.Check(err)
	if status != want {
		ts.Fatalf("%s exited with status %s, want %s", args[0], status, want)
	}
}

func narrowed(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 1, "narrow PROGRAM")
	if err := progtest.Narrow(named(ts, args[0])); err != nil {
		ts.Logf("the buffers keep their size: %v", err)
	}
}

func sorted(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 1, "sorted FILE")
	lines := slices.Sorted(strings.Lines(ts.ReadFile(args[0])))
	fmt.Fprint(ts.Stdout(), strings.Join(lines, ""))
}
