package socketserver

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/program"
)

// The servers of CPython's ErrorHandlerTest note in a file that they handled an
// error. Before that, their handler notes there that it was called.
type (
	errorServer          struct{ TCPServer }
	threadingErrorServer struct {
		ThreadingMixIn
		errorServer
	}
	forkingErrorServer struct {
		ForkingMixIn
		errorServer
	}
)

func (s *errorServer) HandleError(*Request, error) { note("Error handled\n") }

type bad struct {
	BaseRequestHandler
	fail func() error
}

func (h *bad) Handle() error {
	note("Handler called\n")
	return h.fail()
}

// note adds text to the file. Server and children call it.
func note(text string) {
	file, err := os.OpenFile(os.Getenv(pathVariable), os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o644)
	if err != nil {
		panic(err)
	}
	defer file.Close()
	io.WriteString(file, text)
}

// TestAllErrors is Python's ErrorHandlerTest. The server handles the error of a
// handler. A handler that ends its goroutine, or in a forking server its
// process, is not an error: that corresponds to SystemExit in Python. In both
// cases, the server closes the request.
func TestAllErrors(t *testing.T) {
	for _, test := range []struct {
		name, class, handler string
		want                 string
	}{
		{"sync handled", "errorServer", "error", "Handler called\nError handled\n"},
		{"sync not handled", "errorServer", "exit", "Handler called\n"},
		{"threading handled", "threadingErrorServer", "error", "Handler called\nError handled\n"},
		{"threading not handled", "threadingErrorServer", "exit", "Handler called\n"},
		{"forking handled", "forkingErrorServer", "error", "Handler called\nError handled\n"},
		{"forking not handled", "forkingErrorServer", "exit", "Handler called\n"},
	} {
		t.Run(test.name, func(t *testing.T) {
			log := filepath.Join(folder(t), "log")
			t.Setenv(pathVariable, log)
			s := create(t, test.class, test.handler)
			client := connect(t, s)
			handled := make(chan struct{})
			go func() {
				defer close(handled)
				if err := s.HandleRequest(); err != nil {
					t.Error(err)
				}
			}()
			ended(t, client, "")
			<-handled
			s.ServerClose()
			noRequests(t)
			got, err := os.ReadFile(log)
			if string(got) != test.want || err != nil {
				t.Errorf("noted %q, %v, want %q", got, err, test.want)
			}
		})
	}
}

// If a handler fails, the server calls its Finish, and closes and reports its
// request: in one line if the handler returned an error, with the stack if it
// panicked. The server goes on, and so do other handlers.
func TestHandleError(t *testing.T) {
	for _, class := range []string{"TCPServer", "ThreadingTCPServer", "ForkingTCPServer"} {
		t.Run(class, func(t *testing.T) {
			var raised, crashed string
			said := captured(t, func() {
				s, stop := start(t, class, "echo")
				defer stop()
				if class != "TCPServer" {
					witness := connect(t, s)
					hear(t, witness, "<")
					defer leave(t, witness, "still here>")
					defer say(t, witness, "still here")
				}
				client := connect(t, s)
				raised = pyfmt.Addr(client.LocalAddr())
				say(t, client, "raise")
				ended(t, client, "<>")
				client = connect(t, s)
				crashed = pyfmt.Addr(client.LocalAddr())
				say(t, client, "crash")
				ended(t, client, "<>")
				client = connect(t, s)
				say(t, client, "one")
				hear(t, client, "<one")
				leave(t, client, ">")
			})
			first, rest, _ := strings.Cut(said, "\n")
			if want := program.Name() + ": request from " + raised + ": as told"; first != want {
				t.Errorf("the first line is %q, want %q", first, want)
			}
			second, stack, _ := strings.Cut(rest, "\n")
			if want := program.Name() + ": request from " + crashed + ": as told"; second != want {
				t.Errorf("the second line is %q, want %q", second, want)
			}
			if !strings.Contains(stack, "(*echo).Handle(") || !regexp.MustCompile(`main_test.go:\d+`).MatchString(stack) {
				t.Errorf("the stack does not show the handler: %q", stack)
			}
		})
	}
}

// The server reports a runtime panic with its stack, too.
func TestHandleMistake(t *testing.T) {
	s, err := New[TCPServer, mistaken](localhost)
	if err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	said := captured(t, func() {
		connect(t, s).Close()
		s.HandleRequest()
	})
	if !strings.Contains(said, "nil pointer dereference\n") || !strings.Contains(said, "(*mistaken)") {
		t.Errorf("reported %q, want a nil pointer dereference in mistaken", said)
	}
}

type mistaken struct{ StreamRequestHandler }

func (h *mistaken) Handle() error {
	h.RFile = nil
	_, err := h.RFile.ReadByte()
	return err
}

// A verifyingServer handles a request only if verify says so.
type verifyingServer struct {
	TCPServer
	verify   func() bool
	shutDown int
	problems []error
}

func (s *verifyingServer) VerifyRequest(*Request) bool { return s.verify() }

func (s *verifyingServer) HandleError(_ *Request, problem error) {
	s.problems = append(s.problems, problem)
}

func (s *verifyingServer) ShutdownRequest(request *Request) {
	s.shutDown++
	s.TCPServer.ShutdownRequest(request)
}

// TestVerifyRequest is Python's
// test_shutdown_request_called_if_verify_request_false. The server closes a
// request that it rejects, and one whose verification panics.
func TestVerifyRequest(t *testing.T) {
	s := &verifyingServer{}
	if err := s.Bind(s, localhost, handlers["echo"]); err != nil {
		t.Fatal(err)
	}
	defer s.ServerClose()
	handle := func(verify func() bool, want string) {
		t.Helper()
		s.verify = verify
		client := connect(t, s)
		client.(interface{ CloseWrite() error }).CloseWrite()
		if err := s.HandleRequest(); err != nil {
			t.Error(err)
		}
		ended(t, client, want)
		noRequests(t)
	}
	handle(func() bool { return false }, "")
	handle(func() bool { return true }, "<>")
	handle(func() bool { panic("unverifiable") }, "")
	handle(func() bool { return true }, "<>")
	if s.shutDown != 4 {
		t.Errorf("%d requests were shut down, want 4", s.shutDown)
	}
	if len(s.problems) != 1 || s.problems[0].Error() != "unverifiable" {
		t.Errorf("HandleError got %v, want only the panic", s.problems)
	}
}
