package lecture23_test

import (
	"bytes"
	"context"
	"os/exec"
	"regexp"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
)

// The echo server answers clients that we have not written. Each sends the line
// that the lecture types, and ends when the server hangs up.
func TestEchoserverPeers(t *testing.T) {
	t.Parallel()
	for _, peer := range []struct {
		name   string
		args   []string // PORT stands for the server's port
		typed  string   // its input
		open   bool     // its input does not end after that
		stdout string   // regular expressions
		stderr string
	}{
		{"telnet", []string{"localhost", "PORT"}, "Hello, how are you?\n", true,
			`(?:Trying .*\.\.\.\r?\n)+Connected to .*\.\r?\nEscape character is '\^\]'\.\r?\nHello, how are you\?\r?\n`,
			`(?:telnet: .*\n)*Connection closed by foreign host\.\r?\n`},
		{"bash", []string{"-c", `exec 3<>/dev/tcp/localhost/PORT; echo 'Hello, how are you?' >&3; cat <&3`}, "", true,
			`Hello, how are you\?\n`, `(?:bash: .*\n)*`},
		{"nc", []string{"127.0.0.1", "PORT"}, "Hello, how are you?\n", false,
			`Hello, how are you\?\n`, ``},
	} {
		t.Run(peer.name, func(t *testing.T) {
			t.Parallel()
			server := progtest.MustStart(t, "echoserver", "localhost", "-p", "0")
			for i := range peer.args {
				peer.args[i] = strings.ReplaceAll(peer.args[i], "PORT", server.Port)
			}
			stdout, stderr := runPeer(t, peer.typed, peer.open, peer.name, peer.args...)
			for _, got := range []struct{ name, text, want string }{
				{"stdout", stdout, peer.stdout},
				{"stderr", stderr, peer.stderr},
			} {
				if !regexp.MustCompile("^" + got.want + "$").MatchString(got.text) {
					t.Errorf("%s is %q, want %s", got.name, got.text, got.want)
				}
			}
		})
	}
}

// runPeer runs a program of the system until it ends. Its standard input is typed.
// Then the input ends, or stays open. The test is skipped if there is no such
// program.
func runPeer(t *testing.T, typed string, open bool, name string, args ...string) (stdout, stderr string) {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), progtest.Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, path, args...)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	keyboard, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := keyboard.Write([]byte(typed)); err != nil {
		t.Error(err)
	}
	if !open {
		keyboard.Close()
	}
	cmd.Wait() // not every peer ends with status 0
	if ctx.Err() != nil {
		t.Errorf("%s did not end", name)
	}
	return out.String(), errors.String()
}

// Echoclient prints what Python's interpreter prints, if the reader types what
// echoclient shows after each prompt.
func TestEchoclientIsPython(t *testing.T) {
	t.Parallel()
	server := progtest.MustStart(t, "echoserver", "localhost", "-p", "0")
	session, err := exec.Command("echoclient", "-p", server.Port).Output()
	if err != nil {
		t.Fatal(err)
	}
	var typed, printed string
	for line := range strings.Lines(string(session)) {
		if code, is := strings.CutPrefix(line, ">>> "); is {
			typed += code
		} else {
			printed += line
		}
	}
	stdout, _ := runPeer(t, typed, false, "python3", "-I", "-i", "-q")
	if stdout = strings.ReplaceAll(stdout, ">>> ", ""); stdout != printed {
		t.Errorf("Python prints\n%s\nechoclient prints\n%s", stdout, session)
	}
}

// The lecture's server, with the class in place of the object, serves echoclient
// as ours does.
func TestEchoclientAndPython(t *testing.T) {
	t.Parallel()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip(err)
	}
	const echoserver = `
from socketserver import TCPServer, BaseRequestHandler

class EchoHandler(BaseRequestHandler):
    def handle(self):
        message = self.request.recv(1024).decode()
        self.request.send(message.encode())

echoServer = TCPServer( ('localhost', 0),
                        EchoHandler)
print("Listening at", echoServer.server_address, flush=True)
echoServer.serve_forever()
`
	theirs, err := progtest.Start(exec.Command(python, "-I", "-c", echoserver))
	if err != nil {
		t.Fatal(err)
	}
	defer theirs.Kill()
	ours := progtest.MustStart(t, "echoserver", "localhost", "-p", "0")
	var sessions [2]string
	for i, port := range []string{ours.Port, theirs.Port} {
		session, err := exec.Command("echoclient", "-p", port).Output()
		if err != nil {
			t.Error(err)
		}
		sessions[i] = strings.ReplaceAll(string(session), port, "9000")
	}
	if sessions[0] != sessions[1] {
		t.Errorf("with our server:\n%s\nwith Python's:\n%s", sessions[0], sessions[1])
	}
}
