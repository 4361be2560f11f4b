// Package script runs the scripts in testdata/, which prove what each listing
// does. It adds commands to testscript that start servers and play their clients.
package script

import (
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/transcript"
)

// Run runs every script in folder as a parallel subtest. Each script is a page
// about one listing. Besides the commands of testscript (exec, stdout, stderr,
// cmp, …) a script has these:
//
//	serve PROGRAM ARG...    start a server, which must listen on port 0, wait
//	                        until it has announced its address, set $PORT
//	await PROGRAM REGEXP    wait until the server has printed a match
//	terminate PROGRAM       send the server SIGTERM; it must exit with status 0;
//	                        all that it printed is then in stdout
//	interrupt PROGRAM       the same with SIGINT, as Ctrl-C does
//	narrow PROGRAM          make the kernel's buffers small for the clients that
//	                        the server has yet to accept, where that can be done
//	transcript GOT WANT     compare two files, or stdout, as transcripts: port
//	                        numbers that the system chose and times may differ,
//	                        and of a line that was written over the last counts
//	sorted FILE             the lines of a file, or of stdout, in order, to stdout
//
// A server that still runs at the end of its script fails it. The commands with
// which a script plays clients are in client_test.go.
func Run(t *testing.T, folder string) {
	t.Parallel()
	testscript.Run(t, scripts(folder))
}

// scripts are the parameters of testscript for the scripts in folder.
func scripts(folder string) testscript.Params {
	return testscript.Params{
		Dir:                 folder,
		RequireExplicitExec: true,
		Setup: func(env *testscript.Env) error {
			env.Setenv("GOCOVERDIR", progtest.Coverage())
			env.Setenv("GORACE", os.Getenv("GORACE"))
			running := servers{env: env, started: map[string]*progtest.Server{}}
			env.Values[serversKey{}] = &running
			env.Defer(running.kill)
			newClients(env)
			return nil
		},
		Cmds: commands,
	}
}

var commands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"serve":      serve,
	"await":      await,
	"terminate":  end(syscall.SIGTERM),
	"interrupt":  end(os.Interrupt),
	"narrow":     narrowed,
	"transcript": compare,
	"sorted":     sorted,
}

func init() { maps.Copy(commands, clientCommands) }

type serversKey struct{}

// servers are those that one script has started and not yet stopped.
type servers struct {
	env     *testscript.Env
	started map[string]*progtest.Server
}

// kill ends what still runs, and fails the script if there was a server that it
// did not end.
func (s *servers) kill() {
	for name, server := range s.started {
		how := "died"
		if server.Kill() {
			how = "still ran at the end of the script"
		}
		defer s.env.T().Fatal(fmt.Sprintf("%s %s; it printed:\n%s", name, how, server.Output()))
	}
}

// arguments checks that a command of ours was called as it must be.
func arguments(ts *testscript.TestScript, neg bool, args []string, least, most int, usage string) {
	if neg || len(args) < least || len(args) > most {
		ts.Fatalf("usage: %s", usage)
	}
}

// named is the server that the script calls name.
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
		ts.Fatalf("%s runs already", args[0])
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

func await(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2, "await PROGRAM REGEXP")
	pattern, err := regexp.Compile("(?m)" + args[1])
	ts.Check(err)
	_, err = named(ts, args[0]).WaitFor(pattern)
	ts.Check(err)
}

// end makes the command that ends a server with a signal.
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

func narrowed(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 1, "narrow PROGRAM")
	if err := progtest.Narrow(named(ts, args[0])); err != nil {
		ts.Logf("the buffers are as they were: %v", err)
	}
}

func compare(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2, "transcript GOT WANT")
	got := transcript.Normalize(transcript.Screen(ts.ReadFile(args[0])))
	want := transcript.Normalize(ts.ReadFile(args[1]))
	if diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n")); diff != "" {
		ts.Fatalf("%s is not %s (-want +got):\n%s", args[0], args[1], diff)
	}
}

func sorted(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 1, 1, "sorted FILE")
	lines := slices.Sorted(strings.Lines(ts.ReadFile(args[0])))
	fmt.Fprint(ts.Stdout(), strings.Join(lines, ""))
}
