//go:build unix

package slides_test

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// A log that is a named pipe gets what the bucket prints. When the pipe is
// full, the bucket says so once and goes on printing.
func TestLogIsPipe(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "pipe")
	if err := unix.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	reader, err := os.OpenFile(path, os.O_RDONLY|unix.O_NONBLOCK, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	reader.SetReadDeadline(time.Now().Add(progtest.Patience))
	bucket := progtest.MustStart(t, "creosote", "-p", "0", "-l", path)
	spew, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", bucket.Port))
	if err != nil {
		t.Fatal(err)
	}
	defer spew.Close()
	lines := bufio.NewScanner(reader)
	for _, word := range []string{"one", "two"} {
		fmt.Fprint(spew, word)
		if !lines.Scan() || lines.Text() != word {
			t.Fatalf("the log has %q, want %q (%v)", lines.Text(), word, lines.Err())
		}
	}
	// A hundred lines of a thousand bytes are more than a pipe holds.
	long := strings.Repeat("x", 1000)
	for i := range 100 {
		fmt.Fprint(spew, long, i)
		printed := regexp.MustCompile(fmt.Sprintf("(?m)^%s%d$", long, i))
		if _, err := bucket.WaitFor(printed); err != nil {
			t.Fatal(err)
		}
	}
	if err := bucket.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	complaint := "creosote: append to " + path + " (will try again): the pipe is full\n"
	if n := strings.Count(bucket.Output(), complaint); n != 1 {
		t.Errorf("it reported %d times that the pipe is full", n)
	}
	if !strings.HasSuffix(bucket.Output(), "creosote: datagrams received: 102\n") {
		t.Errorf("the last bytes that it printed are %.100q", bucket.Output()[len(bucket.Output())-50:])
	}
}

// A bucket redirects to an address of its own IP version.
func TestRedirectVersion(t *testing.T) {
	t.Parallel()
	probe, err := net.ListenPacket("udp", "[::1]:0")
	if err != nil {
		t.Skip("there is no IPv6 here")
	}
	probe.Close()
	_, err = startBuckets(t, func(_, port string) [][]string {
		return [][]string{{"-H", "::1", "-p", "0", "-r", "127.0.0.1"}}
	})
	if err == nil || !strings.Contains(err.Error(), "creosote: redirect to 127.0.0.1: the bucket listens on IPv6 only\n") {
		t.Errorf("the error is %v", err)
	}
	for _, version := range []string{"127.0.0.1", "::1"} {
		if names, _ := net.LookupHost("localhost"); !strings.Contains(strings.Join(names, " "), version) {
			continue
		}
		buckets, err := startBuckets(t, func(_, port string) [][]string {
			return [][]string{
				{"-H", version, "-p", port},
				{"-H", version, "-p", "0", "-r", "localhost:" + port},
			}
		})
		if err != nil {
			t.Errorf("%s: %v", version, err)
			continue
		}
		spew, err := net.Dial("udp", net.JoinHostPort(version, buckets[1].Port))
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprint(spew, "hello")
		spew.Close()
		if _, err := buckets[0].WaitFor(regexp.MustCompile(`(?m)^hello$`)); err != nil {
			t.Errorf("%s: %v", version, err)
		}
	}
}
