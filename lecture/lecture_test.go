//go:build unix || windows

package lecture_test

import (
	"flag"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/lecture/internal/webbench"
)

func TestMain(m *testing.M) {
	netHTTP()
	flag.Set("test.benchtime", "1x") // BenchmarkFiles measures before its sub-benchmarks begin
	os.Exit(progtest.Main(m))
}

// netHTTP serves until it is killed if this program has the name of the server
// that Go's library gives. Otherwise it returns. The command line ends with the
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
