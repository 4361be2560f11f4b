//go:build unix || windows

package lecture_test

import (
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/lecture/internal/webbench"
)

func TestMain(m *testing.M) {
	netHTTP()
	flag.Set("test.benchtime", "1x") // BenchmarkFiles measures before its sub-benchmarks begin
	os.Exit(progtest.Main(m))
}

// A server's time covers its whole answer, so a server that sends a byte now and
// then does not keep its client waiting. Each byte alone is in time.
func TestDribblingServers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"timecli", "gettime", "echoclient", "time_client", "echo_client", "echo_client_uni"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			listener, port := progtest.Listen(t)
			client := progtest.Perform(t, "hello\n", name, "127.0.0.1", "-p", port, "-t", "0.2")
			func(c *net.TCPConn) {
				defer c.Close()
				go io.Copy(io.Discard, c)
				tick := time.NewTicker(50 * time.Millisecond)
				defer tick.Stop()
				for range 100 {
					if _, err := c.Write([]byte("x")); err != nil {
						return
					}
					<-tick.C
				}
			}(progtest.Accept(t, listener))
			if out, err := client.Ends(); err == nil || !strings.HasSuffix(out, "timed out\n") {
				t.Errorf("it ended with %v, and printed:\n%s", err, out)
			}
		})
	}
}

// netHTTP serves until it is killed if this program runs under the name
// webbench.NetHTTP. Otherwise it returns. The command line ends with the
// folder.
func netHTTP() {
	if filepath.Base(os.Args[0]) != webbench.NetHTTP {
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("Listening at ('127.0.0.1', %d)\n", listener.Addr().(*net.TCPAddr).Port)
	folder := os.Args[len(os.Args)-1]
	server := http.Server{Handler: http.FileServer(http.Dir(folder))}
	server.SetKeepAlivesEnabled(false)
	panic(server.Serve(listener))
}
