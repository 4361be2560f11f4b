package main

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/check/terminal"
)

var count atomic.Int64

// own returns the environment of a playground that no other test joins.
func own() []string {
	return append(os.Environ(), fmt.Sprintf("PLAYGROUND=%d.%d", os.Getpid(), count.Add(1)))
}

// Most scripts run twice: with the machine's programs and with ours. Those that leave
// the network as it is share one.
func TestScripts(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	t.Run("starts", func(t *testing.T) {
		t.Parallel()
		runScripts(t, t.TempDir(), nil, "command")
	})
	for name, prefersOwn := range map[string]string{"machine": "", "own": "1"} {
		shared := []string{"ftp", "mail", "nat", "roads", "ssh"}
		if name == "machine" {
			shared = append(shared, "names")
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, scripts := range [][]string{shared, {"wire"}} {
				folder := t.TempDir()
				runScripts(t, folder, bringUp(t, folder, "PLAYGROUND_OWN="+prefersOwn), scripts...)
			}
		})
	}
}

// runScripts runs some of the scripts, each in a folder of its own below a folder. If
// env is nil, each of them has its own playgrounds.
func runScripts(t *testing.T, folder string, env []string, scripts ...string) {
	var files []string
	for _, script := range scripts {
		files = append(files, filepath.Join("testdata", script+".txtar"))
	}
	testscript.Run(t, testscript.Params{
		Files:               files,
		WorkdirRoot:         folder,
		RequireExplicitExec: true,
		UpdateScripts:       *progtest.Update,
		Setup: func(e *testscript.Env) error {
			env := env
			if env == nil {
				env = own()
			}
			name, value, _ := strings.Cut(env[len(env)-1], "=")
			e.Setenv(name, value)
			e.Setenv("GOCOVERDIR", progtest.Coverage())
			return nil
		},
		// The condition has:PROGRAM holds where the hosts have that program.
		Condition: func(condition string) (bool, error) {
			program, ok := strings.CutPrefix(condition, "has:")
			if !ok {
				return false, fmt.Errorf("unknown condition %s", condition)
			}
			_, err := exec.LookPath(program)
			return err == nil || programs[program] != nil, nil
		},
	})
}

// bringUp brings up a playground that lasts until the test ends. Its hosts see a folder.
// It returns the environment of those who join it.
func bringUp(t *testing.T, folder string, env ...string) []string {
	t.Helper()
	if err := os.WriteFile(filepath.Join(folder, "go.mod"), []byte("module fopnp\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	cmd := command("h1", "echo up; cat")
	name := cmd.Env[len(cmd.Env)-1]
	cmd.Env = append(cmd.Env, env...)
	cmd.Dir, cmd.Stderr = folder, os.Stderr
	stdin, stdout, err := startWithPipes(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		if err := cmd.Wait(); err != nil {
			t.Error(err)
		}
	})
	if _, err := io.ReadFull(stdout, make([]byte, len("up\n"))); err != nil {
		t.Fatal(err)
	}
	return append(os.Environ(), name)
}

// startWithPipes starts a command. It returns the pipes to its input and from its output.
func startWithPipes(cmd *exec.Cmd) (stdin io.WriteCloser, stdout io.ReadCloser, err error) {
	if stdin, err = cmd.StdinPipe(); err != nil {
		return nil, nil, err
	}
	if stdout, err = cmd.StdoutPipe(); err != nil {
		return nil, nil, err
	}
	return stdin, stdout, cmd.Start()
}

// command returns the command of a playground that no other test joins.
func command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(progtest.Bin(), "playground"), args...)
	cmd.Env = own()
	return cmd
}

// At a terminal, the shell has a terminal of the same size, which follows the
// user's. Ctrl-C and Ctrl-Z go to the programs on the host.
func TestTerminal(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	p := atTerminal(t, command("h1"))
	p.Contains("root@h1:")
	p.Type("PS1='$ '; stty size\r")
	p.Contains("\n24 100\n$")
	p.Resize(60)
	p.Type("until stty size | grep 24.60; do :; done\r") // the new size may arrive a little later
	p.Contains("24 60\n$")
	p.Type("sh -c 'echo begun; exec sleep 1000'\r")
	p.Contains("\nbegun")
	p.Type("\x03")
	p.Contains("^C\n$")
	p.Type("echo status $?\r")
	p.Contains("\nstatus 130\n$")
	p.Type("sh -c 'echo again; exec sleep 1000'\r")
	p.Contains("\nagain")
	p.Type("\x1a")
	p.Contains("Stopped")
	p.Type("kill -9 %1; exec sh -c 'exit 3'\r") // exit would warn of the stopped job
	p.Exits(3)
}

// A second terminal joins the playground of the first. When the first shell exits,
// the second one ends as well, and says why.
func TestTwoTerminals(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := command("h1")
	first := atTerminal(t, cmd)
	first.Contains("root@h1:")
	join := exec.Command(cmd.Path, "www")
	join.Env = cmd.Env
	second := atTerminal(t, join)
	second.Contains("root@www:")
	second.Type("ping -c 1 10.1.1.1 | grep ttl\r")
	second.Contains("ttl=63")
	first.Type("exit\r")
	first.Exits(0)
	second.Contains("playground: www: the network has ended")
	second.Exits(1)
}

// Four commands that start at once share one playground: one of them brings it
// up, and the others wait until they can join.
func TestAtOnce(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	const all = 4
	first := command("h1", fmt.Sprintf(
		"mktemp -p /var/tmp >/dev/null; until [ $(ls /var/tmp | wc -l) = %d ]; do sleep 0.01; done; echo together; cat", all))
	var outputs []*bufio.Reader
	for range all {
		cmd := exec.Command(first.Path, first.Args[1:]...)
		cmd.Env = first.Env
		stdin, stdout, err := startWithPipes(cmd)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			stdin.Close()
			cmd.Wait() // its error says that the network has ended
		})
		outputs = append(outputs, bufio.NewReader(stdout))
	}
	timeout := time.AfterFunc(progtest.Patience, func() { panic("they did not meet") })
	defer timeout.Stop()
	for _, output := range outputs {
		if line, err := output.ReadString('\n'); line != "together\n" {
			t.Errorf("one printed %q (%v)", line, err)
		}
	}
}

// When a client is killed, what it runs on the host gets SIGHUP, and the playground
// stays.
func TestHangUp(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := command("h1")
	first := atTerminal(t, cmd)
	first.Contains("root@h1:")
	join := exec.Command(cmd.Path, "h1", "trap 'touch /var/tmp/hung-up; exit' HUP; echo up; while :; do sleep 0.01; done")
	join.Env = cmd.Env
	stdout, err := join.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := join.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(stdout, make([]byte, len("up\n"))); err != nil {
		t.Error(err)
	}
	join.Process.Kill()
	join.Wait() // its error says that it was killed
	first.Type("until [ -e /var/tmp/hung-up ]; do sleep 0.01; done; echo status $?\r")
	first.Contains("\nstatus 0\n")
	first.Type("exit\r")
	first.Exits(0)
}

// atTerminal starts a command at a terminal. TERM=dumb keeps bash from sending
// sequences that package terminal does not know.
func atTerminal(t *testing.T, cmd *exec.Cmd) *terminal.Program {
	cmd.Env = append(cmd.Env, "TERM=dumb")
	return terminal.StartCommand(t, 100, cmd)
}

// However a playground ends, nothing is left of it, whether it has only one user or, if
// root starts it, all users of the machine.
func TestNothingLeft(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	for _, test := range []struct {
		signal  string
		brandon string // the user ID: 0 if there is only one user
		every   string // without -all, only one of so many processes gets the signal,
		from    string // beginning with the process at this index
	}{
		{"KILL", "0", "1", "0"},
		{"TERM", "0", "3", "0"}, {"HUP", "0", "3", "1"}, {"KILL", "1000", "3", "2"},
	} {
		t.Run(test.signal+" "+test.brandon, func(t *testing.T) {
			t.Parallel()
			const all = unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWNET
			cmd := inside(t, test.signal, all)
			if test.brandon != "0" && !withAllUsers(t, cmd) {
				t.Skip("this user may not give a playground all users of the machine")
			}
			if progtest.All() {
				test.every, test.from = "1", "0"
			}
			cmd.Env = append(cmd.Env, "PLAYGROUND_BIN="+progtest.Bin(), "PLAYGROUND_BRANDON="+test.brandon, "GOCOVERDIR=",
				"PLAYGROUND_EVERY="+test.every, "PLAYGROUND_FROM="+test.from)
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// The playground's mounts do not appear on the machine, even if the process that brings
// it up first needs a /proc of its own, as after unshare --pid.
func TestMountsStay(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	cmd := inside(t, "share mounts", unix.CLONE_NEWNS|unix.CLONE_NEWPID|unix.CLONE_NEWNET)
	cmd.Env = append(cmd.Env, "PLAYGROUND_BIN="+progtest.Bin(), "GOCOVERDIR="+progtest.Coverage())
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// Where the system does not grant what a playground needs, it says why and what
// the user can do.
func TestRefusals(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	for _, test := range []struct {
		helper     string
		namespaces uintptr
		want       string
	}{
		{"deny namespaces", 0, "a filter for system calls forbids namespaces, as in a container\n" +
			"To allow it: in Docker, start the container with --privileged\n"},
		{"deny mounts", 0, "a filter for system calls forbids namespaces, as in a container\n" +
			"To allow it: in Docker, start the container with --privileged\n"},
		{"allow none", unix.CLONE_NEWNS, "the system allows no user namespaces\n" +
			"To allow it: sudo sysctl user.max_user_namespaces=10000\n"},
		{"hide", unix.CLONE_NEWNS, "parts of /proc are hidden, as in a container\n" +
			"To allow it: in Docker, start the container with --privileged\n"},
		{"AppArmor", unix.CLONE_NEWNS, "AppArmor allows only root to create namespaces, as on Ubuntu\n" +
			"To allow it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0\n"},
		{"only root", unix.CLONE_NEWNS, "the system allows only root to create namespaces\n" +
			"To allow it: sudo sysctl kernel.unprivileged_userns_clone=1\n"},
	} {
		t.Run(test.helper, func(t *testing.T) {
			t.Parallel()
			cmd := inside(t, test.helper, test.namespaces)
			if test.helper == "AppArmor" || test.helper == "only root" {
				ordinary(cmd)
			}
			all := own()
			cmd.Env = append(cmd.Env, all[len(all)-1], "PLAYGROUND_BIN="+progtest.Bin(), "GOCOVERDIR="+progtest.Coverage())
			var stdout, stderr bytes.Buffer
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			err := cmd.Run()
			var exit *exec.ExitError
			if !errors.As(err, &exit) || exit.ExitCode() != 1 {
				t.Errorf("it ended with %v, want exit status 1", err)
			}
			first, _, _ := strings.Cut(stderr.String(), "\n")
			if !strings.HasPrefix(first, "playground: ") || !strings.Contains(stderr.String(), ": "+test.want) || stdout.Len() > 0 {
				t.Errorf("it printed %q and, to stderr:\n%s\nwant:\n...%s", stdout.String(), &stderr, test.want)
			}
		})
	}
}

// Twenty playgrounds start, four at a time, and none disturbs another.
func TestManyStarts(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	for i := range 4 {
		t.Run(fmt.Sprint(i), func(t *testing.T) {
			t.Parallel()
			for range 5 {
				out, err := command("h1", "hostname; ping -c 1 10.130.1.4 | grep -o ttl=..").CombinedOutput()
				if string(out) != "h1\nttl=60\n" || err != nil {
					t.Errorf("it printed %q (%v)", out, err)
				}
			}
		})
	}
}

// Root on a host cannot change the machine's devices, programs and settings.
func TestMachineUnchanged(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	program := filepath.Join(progtest.Bin(), "playground")
	for _, file := range []string{"/dev/full", program} {
		before, err := os.Stat(file)
		if err != nil {
			t.Fatal(err)
		}
		defer func() {
			if after, err := os.Stat(file); err != nil || after.Mode() != before.Mode() {
				t.Errorf("the mode of %s was %v", file, before.Mode())
				os.Chmod(file, before.Mode().Perm())
			}
		}()
	}
	const script = `
		chmod 640 /dev/full && echo /dev/full changed
		chmod 640 /playground/bin/playground && echo the program changed
		for file in /proc/irq/default_smp_affinity /proc/bus/pci/*/* /proc/sysrq-trigger /proc/sys/kernel/sysrq; do
			[ -e $file ] && (: >>$file) && echo $file opened
		done
		for part in acpi bus fs irq mtrr scsi sys sysrq-trigger; do
			# If brandon is only another name for root, root is an ordinary user of the machine.
			[ $(id -u brandon) = 0 ] || [ ! -e /proc/$part ] || grep -q " /proc/$part [^ ]* ro," /proc/mounts || echo /proc/$part can change
		done
		echo to a device >/dev/null && echo to a device >/dev/full || echo /dev/full is full`
	output, err := command("h1", script).Output()
	if want := "/dev/full is full\n"; string(output) != want {
		t.Errorf("it printed %q (%v), want %q", output, err, want)
	}
}

// Each host has its own connection tables, and not a share of the machine's.
func TestTablesOfHosts(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	const set = "cd /proc/sys/net/ipv4 && echo 1 >tcp_child_ehash_entries && echo 1 >udp_child_hash_entries"
	if err := exec.Command("unshare", "-Urn", "sh", "-c", set).Run(); err != nil {
		t.Skip("the kernel has no such settings or denies them: ", err)
	}
	// The machine's tables would be negative.
	output, err := command("h1", "cd /proc/sys/net/ipv4; cat tcp_ehash_entries udp_hash_entries").Output()
	if want := "1024\n128\n"; string(output) != want {
		t.Errorf("its tables have the sizes %q (%v), want %q", output, err, want)
	}
}
