package pop3_test

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fopnp/internal/netlab/services/pop3"
	"fopnp/internal/serve/child"
)

// A drop is a maildrop in memory.
type drop struct {
	texts   []string
	broken  error
	deleted map[int]bool
	closed  int
}

func (d *drop) Messages() (messages []pop3.Message) {
	for i, text := range d.texts {
		messages = append(messages, pop3.Message{ID: fmt.Sprintf("id-%d", i), Size: len(text)})
	}
	return messages
}

func (d *drop) Read(i int) ([]byte, error) { return []byte(d.texts[i]), d.broken }

func (d *drop) Delete(indexes map[int]bool) error {
	d.deleted = indexes
	return d.broken
}

func (d *drop) Close() { d.closed++ }

// talk plays a client: it sends all lines, hangs up, and returns what the server
// says.
func talk(t *testing.T, d *drop, lines ...string) string {
	t.Helper()
	server := &pop3.Server{Host: "mail.example.com", Login: func(user, password string) (pop3.Maildrop, error) {
		switch {
		case user == "busy":
			return nil, pop3.ErrInUse
		case user != "brandon" || password != "abc123":
			return nil, errors.New("no")
		}
		return d, nil
	}}
	ours, theirs := net.Pipe()
	defer ours.Close()
	ours.SetDeadline(time.Now().Add(child.Patience))
	done := make(chan struct{})
	go func() {
		defer close(done)
		server.ServeConn(theirs)
	}()
	r := bufio.NewReader(ours)
	var said strings.Builder
	go func() {
		for _, line := range lines {
			if _, err := io.WriteString(ours, line); err != nil {
				break // the server has hung up
			}
		}
		// It answers all that it has read before it reads this.
		io.WriteString(ours, "HANG UP\r\n")
		io.WriteString(ours, "HANG")
		ours.Close()
	}()
	io.Copy(&said, r)
	<-done
	return said.String()
}

const letter = "Subject: one\r\nTo: brandon\r\n\r\nfirst\r\n.second\r\nthird\r\n"

// A client logs in, looks at its mail, fetches it, and deletes it.
func TestSession(t *testing.T) {
	t.Parallel()
	d := &drop{texts: []string{letter, "Subject: two\r\n\r\n"}}
	got := talk(t, d, "CAPA\r\n", "USER brandon\r\n", "PASS abc123\r\n", "STAT\r\n", "list\r\n", "LIST 2\r\n",
		"UIDL\r\n", "UIDL 1\r\n", "RETR 1\r\n", "TOP 1 1\r\n", "TOP 1 0\r\n", "TOP 1 99\r\n", "DELE 1\r\n", "STAT\r\n", "LIST\r\n", "RETR 1\r\n",
		"RSET\r\n", "STAT\r\n", "DELE 2\r\n", "NOOP\r\n", "QUIT\r\n")
	want := "+OK mail.example.com POP3 ready\r\n" +
		"+OK\r\nTOP\r\nUIDL\r\nUSER\r\n.\r\n" +
		"+OK\r\n+OK 2 messages\r\n+OK 2 68\r\n" +
		"+OK 2 messages\r\n1 52\r\n2 16\r\n.\r\n+OK 2 16\r\n" +
		"+OK 2 messages\r\n1 id-0\r\n2 id-1\r\n.\r\n+OK 1 id-0\r\n" +
		"+OK 52 bytes\r\nSubject: one\r\nTo: brandon\r\n\r\nfirst\r\n..second\r\nthird\r\n.\r\n" +
		"+OK 52 bytes\r\nSubject: one\r\nTo: brandon\r\n\r\nfirst\r\n.\r\n" +
		"+OK 52 bytes\r\nSubject: one\r\nTo: brandon\r\n\r\n.\r\n" +
		"+OK 52 bytes\r\nSubject: one\r\nTo: brandon\r\n\r\nfirst\r\n..second\r\nthird\r\n.\r\n" +
		"+OK\r\n+OK 1 16\r\n+OK 1 messages\r\n2 16\r\n.\r\n-ERR no such message\r\n" +
		"+OK\r\n+OK 2 68\r\n+OK\r\n+OK\r\n+OK bye\r\n"
	if got != want {
		t.Errorf("got\n%q\nwant\n%q", got, want)
	}
	if len(d.deleted) != 1 || !d.deleted[1] || d.closed != 1 {
		t.Errorf("deleted %v, closed %d times", d.deleted, d.closed)
	}
}

// Without QUIT, nothing is deleted.
func TestNoQuit(t *testing.T) {
	t.Parallel()
	d := &drop{texts: []string{letter}}
	talk(t, d, "USER brandon\r\n", "PASS abc123\r\n", "DELE 1\r\n")
	if d.deleted != nil || d.closed != 1 {
		t.Errorf("deleted %v, closed %d times", d.deleted, d.closed)
	}
}

// What a client may not do, and how the server says so.
func TestFaults(t *testing.T) {
	t.Parallel()
	const greeting, unknown = "+OK mail.example.com POP3 ready\r\n", "-ERR log in with USER and PASS first\r\n"
	const wrong = "-ERR [AUTH] wrong user or password\r\n"
	for _, test := range []struct {
		name, want string
		lines      []string
	}{
		{"nothing", greeting + unknown, nil},
		{"no login", greeting + unknown + unknown + unknown, []string{"STAT\r\n", "\r\n"}},
		{"wrong password", greeting + "+OK\r\n" + wrong + "+OK\r\n" + wrong + unknown,
			[]string{"USER brandon\r\n", "PASS abc\r\n", "USER eve\r\n", "PASS abc123\r\n"}},
		{"three wrong passwords", greeting + wrong + wrong + wrong, []string{"PASS a\r\n", "PASS b\r\n", "PASS c\r\n", "PASS d\r\n"}},
		{"in use", greeting + "+OK\r\n-ERR [IN-USE] another client is using this mailbox\r\n" + unknown, []string{"USER busy\r\n", "PASS abc123\r\n"}},
		{"no TLS", greeting + "-ERR no TLS here\r\n" + unknown, []string{"STLS\r\n"}},
		{"a long command", greeting + "-ERR the command is too long\r\n", []string{strings.Repeat("x", 300)}},
		{"pieces", greeting + "+OK\r\n+OK 1 messages\r\n-ERR unknown command\r\n", []string{"US", "ER brandon\r", "\nPASS abc1", "23\n"}},
		{"QUIT at once", greeting + "+OK bye\r\n", []string{"QUIT\r\n"}},
		{"numbers", greeting + "+OK\r\n+OK 1 messages\r\n" + strings.Repeat("-ERR no such message\r\n", 5) +
			strings.Repeat("-ERR TOP needs a message number and a number of lines\r\n", 2) + "-ERR unknown command\r\n",
			[]string{"USER brandon\r\n", "PASS abc123\r\n", "RETR 0\r\n", "RETR 2\r\n", "DELE x\r\n", "LIST -1\r\n", "UIDL 99999999999999999999\r\n", "TOP 1\r\n", "TOP 1 -1\r\n"}},
	} {
		if got := talk(t, &drop{texts: []string{letter}}, test.lines...); got != test.want {
			t.Errorf("%s: got\n%q\nwant\n%q", test.name, got, test.want)
		}
	}
}

// A message that has gone, or cannot be deleted, is an error, but does not end
// the session.
func TestBroken(t *testing.T) {
	t.Parallel()
	d := &drop{texts: []string{letter}, broken: errors.New("disk on fire")}
	got := talk(t, d, "USER brandon\r\n", "PASS abc123\r\n", "RETR 1\r\n", "DELE 1\r\n", "QUIT\r\n")
	want := "-ERR disk on fire\r\n+OK\r\n-ERR some messages are not deleted: disk on fire\r\n"
	if !strings.HasSuffix(got, want) {
		t.Errorf("got %q", got)
	}
}
