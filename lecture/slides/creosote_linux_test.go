package slides_test

import (
	"fmt"
	"net"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// A datagram goes round a ring of buckets, but not for ever. None of the
// buckets sees that it has had the datagram before. Nor do two buckets if each
// has two addresses and the other redirects to the wrong one. The bucket that
// drops the datagram says so once.
func TestRedirectInRing(t *testing.T) {
	t.Parallel()
	buckets, err := startBuckets(t, func(a, b string) [][]string {
		c := freePort(t)
		return [][]string{
			{"-H", "127.0.0.1", "-p", a, "-r", "127.0.0.1:" + b},
			{"-H", "127.0.0.1", "-p", b, "-r", "127.0.0.1:" + c},
			{"-H", "127.0.0.1", "-p", c, "-r", "127.0.0.1:" + a},
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	spew, err := net.Dial("udp", "127.0.0.1:"+buckets[0].Port)
	if err != nil {
		t.Fatal(err)
	}
	defer spew.Close()
	raw, err := spew.(*net.UDPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	raw.Control(func(fd uintptr) { // whatever this system's default is
		err = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_IP, syscall.IP_TTL, 64)
	})
	if err != nil {
		t.Fatal(err)
	}
	// Of the eight times that a datagram is received, the last one is at the
	// second bucket.
	for _, word := range []string{"one", "two"} {
		fmt.Fprint(spew, word)
		three := regexp.MustCompile(`(?m)(?s:^` + word + `\n.*){2}^` + word + `\n`)
		if _, err := buckets[1].WaitFor(three); err != nil {
			t.Fatal(err)
		}
	}
	for i, want := range []int{3, 3, 2} {
		if err := buckets[i].Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		text := "waiting on port: " + buckets[i].Port + "\n" +
			strings.Repeat("one\n", want) + strings.Repeat("two\n", want) +
			fmt.Sprintf("creosote: datagrams received: %d\n", 2*want)
		got := buckets[i].Output()
		if i == 1 {
			complaint := "creosote: redirect to ('127.0.0.1', " + buckets[2].Port +
				"): the datagram goes round in a circle\n"
			if strings.Count(got, complaint) != 1 {
				t.Errorf("bucket %d does not say once that there is a circle", i)
			}
			got = strings.Replace(got, complaint, "", 1)
		}
		if got != text {
			t.Errorf("bucket %d printed:\n%.300s\nwant:\n%s", i, got, text)
		}
	}
}
