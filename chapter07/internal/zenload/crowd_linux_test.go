package zenload

import (
	"io"
	"net"
	"strings"
	"testing"
	"time"

	"fopnp/chapter07/internal/zenbench"
)

// crowdOf makes two clients ask a server that answers as reply says, until
// there are 20 right answers or two errors.
func crowdOf(t *testing.T, talk zenbench.Talk, reply func(question string) string) *crowd {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				buffer := make([]byte, 4096)
				for {
					n, err := conn.Read(buffer)
					if err != nil {
						return
					}
					for _, question := range strings.Split(strings.TrimSuffix(string(buffer[:n]), "?"), "?") {
						if _, err := io.WriteString(conn, reply(question+"?")); err != nil {
							return
						}
					}
				}
			}()
		}
	}()
	c, err := newCrowd(listener.Addr().(*net.TCPAddr).Port)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.close)
	for deadline := time.Now().Add(patience); c.questions < 20 && c.errors < 2; {
		if time.Now().After(deadline) {
			t.Fatalf("%d answers and %d errors in %v", c.questions, c.errors, patience)
		}
		if err := c.converse(2, talk, time.Now().Add(time.Millisecond)); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

var right = strings.NewReplacer("Beautiful is better than?", "Ugly.",
	"Explicit is better than?", "Implicit.", "Simple is better than?", "Complex.").Replace

func TestCrowd(t *testing.T) {
	for name, talk := range map[string]zenbench.Talk{
		"staying":       {Depth: 1},
		"pipelined":     {Depth: 16},
		"coming, going": {Depth: 1, Questions: 3},
	} {
		t.Run(name, func(t *testing.T) {
			c := crowdOf(t, talk, right)
			if c.errors > 0 || c.latency.TotalCount() != int64(c.questions) {
				t.Errorf("%d errors, %d questions, %d latencies", c.errors, c.questions, c.latency.TotalCount())
			}
			if talk.Questions > 0 && c.conversations < 20/3-2 {
				t.Errorf("%d conversations, want at least %d", c.conversations, 20/3-2)
			}
		})
	}
}

// A crowd notices a wrong answer.
func TestCrowdNotices(t *testing.T) {
	for name, reply := range map[string]func(string) string{
		"another's answer": func(q string) string { return strings.Replace(right(q), "Complex.", "Ugly.", 1) },
		"too much":         func(q string) string { return right(q) + "!" },
		"not Zen":          func(string) string { return "Error: unknown aphorism." },
	} {
		t.Run(name, func(t *testing.T) {
			if c := crowdOf(t, zenbench.Talk{Depth: 1}, reply); c.errors == 0 {
				t.Errorf("%d questions and no error, want errors", c.questions)
			}
		})
	}
}
