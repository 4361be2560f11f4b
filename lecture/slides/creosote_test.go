package slides_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
)

// freePort returns a UDP port that is free at the moment, on all addresses of
// this host.
func freePort(t *testing.T) string {
	t.Helper()
	conn, err := net.ListenPacket("udp", ":0")
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return progtest.PortOf(conn.LocalAddr())
}

// startBuckets starts buckets with the command lines that args returns for two
// free ports. If another program takes a port first, it tries other ports. It
// returns the error of the first bucket that does not start.
func startBuckets(
	t *testing.T, args func(a, b string) [][]string,
) ([]*progtest.Server, error) {
	t.Helper()
	for range 20 {
		var servers []*progtest.Server
		var err error
		for _, args := range args(freePort(t), freePort(t)) {
			path := filepath.Join(progtest.Bin(), "creosote")
			var server *progtest.Server
			server, err = progtest.Start(exec.Command(path, args...))
			if err != nil {
				break
			}
			t.Cleanup(func() { server.Kill() })
			servers = append(servers, server)
		}
		if err == nil || !strings.Contains(err.Error(), "already in use") {
			return servers, err
		}
	}
	t.Fatal("no port stays free")
	return nil, nil
}

// thisHost returns names of this host.
func thisHost(t *testing.T) (names []string) {
	t.Helper()
	names = []string{"", "localhost", "127.0.0.1", "127.0.0.2", "127.0.1.1", "0.0.0.0"}
	if conn, err := net.ListenPacket("udp", "[::1]:0"); err == nil {
		conn.Close()
		names = append(names, "::1", "::")
	}
	if name, err := os.Hostname(); err == nil {
		if _, err := net.LookupHost(name); err == nil {
			names = append(names, name)
		}
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		ip := address.(*net.IPNet).IP
		if !ip.IsLinkLocalUnicast() { // it needs a zone
			names = append(names, ip.String())
		}
	}
	return names
}

// A bucket does not redirect to itself, whatever name you use for this host.
func TestRedirectToItself(t *testing.T) {
	t.Parallel()
	names := thisHost(t)
	for _, name := range append(names, "224.0.0.1", "255.255.255.255", "ff02::1") {
		_, err := startBuckets(t, func(port, _ string) [][]string {
			return [][]string{{"-p", port, "-r", net.JoinHostPort(name, port)}}
		})
		want := `\ncreosote: redirect to \S*: it is this bucket itself\n`
		if ip := net.ParseIP(name); ip.IsMulticast() || ip.Equal(net.IPv4bcast) {
			want = `\ncreosote: redirect to \S*: not the address of a single host\n`
		}
		if err == nil || !regexp.MustCompile(want).MatchString(err.Error()+"\n") {
			t.Errorf("redirecting to itself as %q: %v", name, err)
		}
	}
}

// Two buckets that redirect to each other do not loop, whatever name each uses
// for this host. The first bucket receives two datagrams. If the other bucket
// sent the first one back, it would arrive before the second.
func TestRedirectToEachOther(t *testing.T) {
	t.Parallel()
	names := thisHost(t)
	for i, name := range names {
		other := names[(i+1)%len(names)]
		buckets, err := startBuckets(t, func(a, b string) [][]string {
			return [][]string{
				{"-p", a, "-r", net.JoinHostPort(name, b)},
				{"-p", b, "-r", net.JoinHostPort(other, a)},
			}
		})
		if err != nil {
			t.Errorf("%q and %q: %v", name, other, err)
			continue
		}
		first, second := buckets[0], buckets[1]
		spew, err := net.Dial("udp", net.JoinHostPort("127.0.0.1", first.Port))
		if err != nil {
			t.Fatal(err)
		}
		for _, step := range []struct {
			word string
			at   *progtest.Server
		}{
			{"one", second}, {"two", second}, {"three", first},
		} {
			fmt.Fprint(spew, step.word)
			if _, err := step.at.WaitFor(regexp.MustCompile(`(?m)^` + step.word + `$`)); err != nil {
				t.Errorf("%q and %q: %v", name, other, err)
			}
		}
		spew.Close()
		if err := first.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
		second.Stop(syscall.SIGTERM)
		want := "waiting on port: " + first.Port + "\none\ntwo\nthree\ncreosote: datagrams received: 3\n"
		if got := first.Output(); got != want {
			t.Errorf("%q and %q: the first bucket printed:\n%.300s", name, other, got)
		}
	}
}

// An argument with a line feed does not break the line that reports an error.
func TestLineFeedInArguments(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		option, value, want string
	}{
		{"-r", "x\ny", `redirect to x\ny: `},
		{"-r", "x:y\nz", `redirect to x:y\nz: `},
		{"-l", "no\nsuch/x", `append to no\nsuch/x: `},
		{"-H", "no\nsuch", `bind to ('no\nsuch', 0): `},
	} {
		ctx, cancel := context.WithTimeout(t.Context(), progtest.Patience)
		defer cancel()
		path := filepath.Join(progtest.Bin(), "creosote")
		out, err := exec.CommandContext(ctx, path, "-p", "0", test.option, test.value).CombinedOutput()
		if err == nil || !strings.HasPrefix(string(out), "creosote: "+test.want) || strings.Count(string(out), "\n") != 1 {
			t.Errorf("creosote %s %q: %v, it printed:\n%s", test.option, test.value, err, out)
		}
	}
}
