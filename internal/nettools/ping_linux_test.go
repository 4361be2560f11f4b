package nettools

import (
	"math"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"context"
	"net"
	"net/netip"

	"fopnp/internal/check/progtest"
)

func init() {
	labTests["ping"] = testPing
	labTests["ping fails"] = testPingFails
	labTests["ping and IPv6"] = testPing6
	labTests["ping prints what Debian's prints"] = testPingLikeDebian
	labTests["ping is interrupted"] = testPingInterrupted
	labTests["traceroute"] = testTraceroute
	labTests["traceroute prints what Debian's prints"] = testTracerouteLikeDebian
	labTests["traceroute is interrupted"] = testTracerouteInterrupted
}

// matches fails the test unless pattern matches all of got.
func matches(t *testing.T, what, got, pattern string) {
	t.Helper()
	if !regexp.MustCompile(`^(?:` + pattern + `)$`).MatchString(got) {
		t.Errorf("%s printed\n%s\nwant\n%s", what, got, pattern)
	}
}

// ping prints a line for each answer, with the hops that are left, and
// statistics.
func testPing(t *testing.T, lab lab) {
	stdout, stderr, status := lab.near.run(t, command("ping", "-n", "-c", "3", "-i", "0.01", "10.0.2.2"))
	matches(t, "ping", stdout, `PING 10\.0\.2\.2 \(10\.0\.2\.2\) 56\(84\) bytes of data\.
64 bytes from 10\.0\.2\.2: icmp_seq=1 ttl=63 time=[0-9.]+ ms
64 bytes from 10\.0\.2\.2: icmp_seq=2 ttl=63 time=[0-9.]+ ms
64 bytes from 10\.0\.2\.2: icmp_seq=3 ttl=63 time=[0-9.]+ ms

--- 10\.0\.2\.2 ping statistics ---
3 packets transmitted, 3 received, 0% packet loss, time \d+ms
rtt min/avg/max/mdev = [0-9.]+/[0-9.]+/[0-9.]+/[0-9.]+ ms
`)
	if stderr != "" || status != 0 {
		t.Errorf("status %d, and it complained %q", status, stderr)
	}
	stdout, _, _ = lab.near.run(t, command("ping", "-qc1", "-s8000", "localhost"))
	matches(t, "ping -q", stdout, `PING localhost \(127\.0\.0\.1\) 8000\(8028\) bytes of data\.

--- localhost ping statistics ---
1 packets transmitted, 1 received, 0% packet loss, time 0ms
rtt .*\n`)
	stdout, _, _ = lab.near.run(t, command("ping", "-c1", "localhost"))
	matches(t, "ping", stdout, `(?s).*\n64 bytes from localhost \(127\.0\.0\.1\): icmp_seq=1 ttl=64 time=.*`)
	// An option may follow the host, and the numbers in the statistics agree.
	stdout, _, _ = lab.near.run(t, command("ping", "10.0.2.2", "-c20", "-i0", "-s0"))
	var times []float64
	for _, m := range regexp.MustCompile(`8 bytes .* time=([0-9.]+) ms`).FindAllStringSubmatch(stdout, -1) {
		ms, _ := strconv.ParseFloat(m[1], 64)
		times = append(times, ms)
	}
	m := regexp.MustCompile(`= ([0-9.]+)/([0-9.]+)/([0-9.]+)/([0-9.]+) ms`).FindStringSubmatch(stdout)
	received := regexp.MustCompile(`20 packets transmitted, (\d+) received`).FindStringSubmatch(stdout)
	if len(times) == 0 || m == nil || received == nil || received[1] != strconv.Itoa(len(times)) {
		t.Fatalf("ping printed\n%s", stdout)
	}
	least, most, sum := times[0], times[0], 0.0
	for _, ms := range times {
		least, most, sum = min(least, ms), max(most, ms), sum+ms
	}
	for i, want := range []float64{least, sum / float64(len(times)), most} {
		if got, _ := strconv.ParseFloat(m[i+1], 64); math.Abs(got-want) > 0.01*want+0.001 {
			t.Errorf("statistic %d is %v, want %v in\n%s", i, got, want, stdout)
		}
	}
}

// ping reports what the middle host says about unreachable hosts, missing
// answers, and wrong command lines.
func testPingFails(t *testing.T, lab lab) {
	for _, test := range []struct {
		args           string
		stdout, stderr string
		status         int
	}{
		{"-n -c 2 -i 0.01 10.0.2.77", `PING .*
From 10\.0\.1\.1 icmp_seq=1 Destination Host Unreachable
From 10\.0\.1\.1 icmp_seq=2 Destination Host Unreachable

--- 10\.0\.2\.77 ping statistics ---
2 packets transmitted, 0 received, \+2 errors, 100% packet loss, time \d+ms

`, "", 1},
		{"-n -c 1 -t 1 10.0.2.2", `PING .*
From 10\.0\.1\.1 icmp_seq=1 Time to live exceeded

--- 10\.0\.2\.2 ping statistics ---
1 packets transmitted, 0 received, \+1 errors, 100% packet loss, time 0ms

`, "", 1},
		{"-c 1 -W 0.05 10.8.0.1", `PING .*\n\n--- .*\n1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n`, "", 1},
		{"-w 0.05 10.8.0.1", `PING .*\n\n--- .*\n1 packets transmitted, 0 received, 100% packet loss, time 0ms\n\n`, "", 1},
		{"-q -c 2 -i 30 -w 0.2 10.0.2.2", `(?s)PING .*\n1 packets transmitted, [01] received, .*`, "", 1},
		{"-s 70000 localhost", "", "ping: a number is out of range; see ping -h\n", 2},
		{"-i x localhost", "", `(?s).*ping: invalid argument "x" for "-i, --interval" flag: not a number of seconds\n`, 2},
		{"", "", `(?s)usage: ping .*`, 2},
		{"a b", "", `(?s)usage: ping .*ping: unexpected argument "b"\n`, 2},
		{"-h", "", `(?s)usage: ping .*`, 0},
	} {
		stdout, stderr, status := lab.near.run(t, command("ping", strings.Fields(test.args)...))
		matches(t, "ping "+test.args, stdout, test.stdout)
		matches(t, "to stderr, ping "+test.args, stderr, test.stderr)
		if status != test.status {
			t.Errorf("ping %s: status %d, want %d", test.args, status, test.status)
		}
	}
	// The near host looks for 10.0.1.77 on its own network, and gives up.
	stdout, _, _ := lab.near.run(t, command("ping", "-n", "-c1", "10.0.1.77"))
	matches(t, "ping", stdout, `(?s).*\nFrom 10\.0\.1\.2 icmp_seq=1 Destination Host Unreachable\n.*`)
	// Without a route.
	for host, want := range map[string]string{
		"10.0.1.1":       "ping: 10.0.1.1: network is unreachable\n",
		"nosuch.invalid": "ping: nosuch.invalid: (no such host|the name cannot be looked up|connection refused)\n",
	} {
		_, stderr, status := newHost(t).run(t, command("ping", "-c1", host))
		matches(t, "ping "+host, stderr, want)
		if status != 2 {
			t.Errorf("ping %s: status %d", host, status)
		}
	}
	// No program reads what it prints.
	cmd := command("ping", "-c1", "localhost")
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer full.Close()
	var complaints strings.Builder
	cmd.Stdout, cmd.Stderr = full, &complaints
	lab.near.start(t, cmd)
	cmd.Wait()
	if complaints.String() != "ping: write: no space left on device\n" || cmd.ProcessState.ExitCode() != 1 {
		t.Errorf("with a full disk ping complained %q, status %d", &complaints, cmd.ProcessState.ExitCode())
	}
}

// ping supports IPv6, too, with the same output as Debian's. traceroute says that it
// does not support it.
func testPing6(t *testing.T, lab lab) {
	if _, err := os.Stat("/proc/net/if_inet6"); err != nil {
		t.Skip("the kernel has no IPv6")
	}
	for _, end := range []struct {
		host
		device, address, router string
	}{
		{lab.near, "eth1a", "fd00:1::2/64", "fd00:1::1"}, {lab.middle, "eth1b", "fd00:1::1/64", ""},
		{lab.middle, "eth2a", "fd00:2::1/64", ""}, {lab.far, "eth2b", "fd00:2::2/64", "fd00:2::1"},
	} {
		end.do(func() {
			set(t, "../ipv6/conf/all/forwarding", "1")
			set(t, "../ipv6/icmp/ratelimit", "0")
			set(t, "../ipv6/neigh/"+end.device+"/retrans_time_ms", "20")
			address, err := netlink.ParseAddr(end.address)
			if err == nil {
				address.Flags = unix.IFA_F_NODAD // it can be used at once
				err = netlink.AddrAdd(up(t, end.device), address)
			}
			if err != nil {
				t.Error(err)
			} else if end.router != "" {
				route(t, "::/0", end.router)
			}
		})
	}
	neighbors(t, lab.near, "eth1a", "fd00:1::2", lab.middle, "eth1b", "fd00:1::1")
	neighbors(t, lab.middle, "eth2a", "fd00:2::1", lab.far, "eth2b", "fd00:2::2")
	// The kernel accepts packets for a new address only after a moment.
	untilAnswers := func(address string) {
		for deadline := time.Now().Add(progtest.Patience); time.Now().Before(deadline); {
			if _, _, status := lab.near.run(t, command("ping", "-q", "-c1", "-w20", address)); status == 0 {
				break
			}
		}
	}
	untilAnswers("fd00:2::2")
	stdout, stderr, status := lab.near.run(t, command("ping", "-n", "-c", "2", "-i", "0.01", "fd00:2::2"))
	matches(t, "ping", stdout, `PING fd00:2::2\(fd00:2::2\) 56 data bytes
64 bytes from fd00:2::2: icmp_seq=1 ttl=63 time=[0-9.]+ ms
64 bytes from fd00:2::2: icmp_seq=2 ttl=63 time=[0-9.]+ ms

--- fd00:2::2 ping statistics ---
2 packets transmitted, 2 received, 0% packet loss, time \d+ms
rtt .*
`)
	if stderr != "" || status != 0 {
		t.Errorf("status %d, and it complained %q", status, stderr)
	}
	// Without its zone, the kernel would not know on which interface the address is.
	for device, end := range map[string]host{"eth1a": lab.near, "eth1b": lab.middle} {
		end.do(func() {
			address, err := netlink.ParseAddr(map[string]string{"eth1a": "fe80::a/64", "eth1b": "fe80::b/64"}[device])
			if err == nil {
				address.Flags = unix.IFA_F_NODAD
				err = netlink.AddrAdd(up(t, device), address)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	neighbors(t, lab.near, "eth1a", "fe80::a", lab.middle, "eth1b", "fe80::b")
	untilAnswers("fe80::b%eth1a")
	stdout, stderr, status = lab.near.run(t, command("ping", "-n", "-c", "1", "-w", "20", "fe80::b%eth1a"))
	matches(t, "ping", stdout, `(?s)PING fe80::b%eth1a\(fe80::b%eth1a\) 56 data bytes
64 bytes from fe80::b%eth1a: icmp_seq=\d+ ttl=64 time=[0-9.]+ ms
.*`)
	if stderr != "" || status != 0 {
		t.Errorf("status %d, and it complained %q", status, stderr)
	}
	for call, want := range map[string]string{
		"ping -6 -c1 127.0.0.1": "ping: 127.0.0.1: no suitable address found\n",
		"ping -4 -c1 ::1":       "ping: ::1: no suitable address found\n",
		"traceroute ::1":        "traceroute: ::1: the host has only IPv6, and this traceroute knows only IPv4\n",
	} {
		words := strings.Fields(call)
		stdout, stderr, status := lab.near.run(t, command(words[0], words[1:]...))
		if stdout != "" || stderr != want || status == 0 {
			t.Errorf("%s printed %q and %q, status %d", call, stdout, stderr, status)
		}
	}
	likeDebian(t, lab.near, "ping", "-n -c 1 fd00:2::2", "-6 -n -c 1 -s 100 ::1", "-n -c 1 -t 1 fd00:2::2", "-n -c 1 fd00:2::77",
		"-n -c 1 fd00:1::77", "-q -c 1 -w 1 fd00:2::2")
}

var number = regexp.MustCompile(`\b\d+(\.\d+)?( ?ms|%|/)`)

// likeDebian runs a tool and the program of the same name with the same
// arguments, and compares what they print, except for times.
func likeDebian(t *testing.T, h host, name string, calls ...string) {
	t.Helper()
	if _, err := exec.LookPath(name); err != nil {
		t.Skip(err)
	}
	for _, args := range calls {
		theirs, _, theirStatus := h.run(t, exec.Command(name, strings.Fields(args)...))
		ours, stderr, status := h.run(t, command(name, strings.Fields(args)...))
		theirs, ours = number.ReplaceAllString(theirs, "N$2"), number.ReplaceAllString(ours, "N$2")
		if ours != theirs || status != theirStatus {
			t.Errorf("%s %s printed\n%s%sstatus %d. Debian's prints\n%sstatus %d", name, args, ours, stderr, status, theirs, theirStatus)
		}
	}
}

func testPingLikeDebian(t *testing.T, lab lab) {
	likeDebian(t, lab.near, "ping", "-n -c 2 -i 0.2 10.0.2.2", "-c 1 localhost", "-n -c 1 -t 1 10.0.2.2",
		"-q -n -c 1 -s 100 10.0.2.2", "-n -c 1 10.0.2.77", "-n -c 1 -W 0.2 10.8.0.1")
}

// Ctrl-C ends ping with its statistics. The status says that answers came.
func testPingInterrupted(t *testing.T, lab lab) {
	var p *typist
	lab.near.do(func() { p = sit(t, command("ping", "-n", "-i", "0.01", "10.0.2.2")) })
	p.sees("icmp_seq=2 ")
	p.types("\x03")
	p.sees(`\^C(64 bytes .*\r\n)*\r\n--- 10\.0\.2\.2 ping statistics ---\r\n\d+ packets transmitted, \d+ received, .*\r\nrtt `)
	p.exits(0)
}

// traceroute names each hop once, with a time for each probe.
func testTraceroute(t *testing.T, lab lab) {
	stdout, stderr, status := lab.near.run(t, command("traceroute", "-n", "10.0.2.2"))
	matches(t, "traceroute", stdout, `traceroute to 10\.0\.2\.2 \(10\.0\.2\.2\), 30 hops max, 60 byte packets
 1  10\.0\.1\.1(  [0-9.]+ ms){3}
 2  10\.0\.2\.2(  [0-9.]+ ms){3}
`)
	if stderr != "" || status != 0 {
		t.Errorf("status %d, and it complained %q", status, stderr)
	}
	stdout, _, _ = lab.near.run(t, command("traceroute", "-q1", "localhost"))
	matches(t, "traceroute", stdout, `traceroute to localhost .*\n 1  localhost \(127\.0\.0\.1\)  [0-9.]+ ms\n`)
	stdout, _, _ = lab.near.run(t, command("traceroute", "-n", "-q2", "-m3", "-w0.1", "10.8.0.1"))
	matches(t, "traceroute", stdout, `traceroute .*, 3 hops .*\n 1  10\.0\.1\.1(  [0-9.]+ ms){2}\n 2  \* \*\n 3  \* \*\n`)
	stdout, _, _ = lab.near.run(t, command("traceroute", "-n", "-q1", "-f2", "10.0.2.2"))
	matches(t, "traceroute -f", stdout, `traceroute .*\n 2  10\.0\.2\.2  [0-9.]+ ms\n`)
	stdout, _, _ = lab.near.run(t, command("traceroute", "-n", "-q1", "10.0.2.77"))
	matches(t, "traceroute", stdout, `traceroute .*\n 1  10\.0\.1\.1  [0-9.]+ ms\n 2  10\.0\.1\.1  [0-9.]+ ms !H\n`)
	for args, want := range map[string]string{
		"10.0.1.1":       "traceroute: 10.0.1.1: network is unreachable\n",
		"nosuch.invalid": "traceroute: nosuch.invalid: (no such host|the name cannot be looked up|connection refused)\n",
		"-m 0 10.0.1.1":  "traceroute: a number is out of range; see traceroute -h\n",
	} {
		_, stderr, status := newHost(t).run(t, command("traceroute", strings.Fields(args)...))
		matches(t, "traceroute "+args, stderr, want)
		if status == 0 {
			t.Errorf("traceroute %s: status 0", args)
		}
	}
}

func testTracerouteLikeDebian(t *testing.T, lab lab) {
	likeDebian(t, lab.near, "traceroute", "-n 10.0.2.2", "-n -q 1 -m 3 10.0.2.2", "-q 1 localhost")
}

// Ctrl-C ends traceroute, also while it waits.
func testTracerouteInterrupted(t *testing.T, lab lab) {
	cmd := command("traceroute", "-n", "10.8.0.1")
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	cmd.Stdout = w
	lab.near.start(t, cmd)
	w.Close()
	r.SetReadDeadline(time.Now().Add(progtest.Patience))
	for seen := ""; !strings.Contains(seen, " 1  10.0.1.1"); {
		buffer := make([]byte, 100)
		n, err := r.Read(buffer)
		if err != nil {
			t.Fatal(err)
		}
		seen += string(buffer[:n])
	}
	cmd.Process.Signal(syscall.SIGINT)
	timer := time.AfterFunc(progtest.Patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	if status := cmd.ProcessState.Sys().(syscall.WaitStatus); status.Signal() != syscall.SIGINT {
		t.Errorf("traceroute ended with %v", cmd.ProcessState)
	}
}

// Ping takes a host's first IPv4 address, even if the system prefers IPv6.
func TestPreferring4(t *testing.T) {
	port := serveNames(t)
	usual := net.DefaultResolver
	defer func() { net.DefaultResolver = usual }()
	net.DefaultResolver = &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, network, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, "127.0.0.1:"+port)
	}}
	ctx, cancel := context.WithTimeout(t.Context(), progtest.Patience)
	defer cancel()
	for _, test := range []struct{ network, host, want string }{
		{"ip", "both.example.com", "127.0.0.1"}, {"ip4", "both.example.com", "127.0.0.1"}, {"ip6", "both.example.com", "::1"},
		{"ip", "six.example.com", "2001:db8::6"}, {"ip", "::ffff:127.0.0.1", "127.0.0.1"}, {"ip", "fe80::1%lo", "fe80::1%lo"},
	} {
		if got, err := lookUpPreferring4(ctx, test.network, test.host); got.String() != test.want || err != nil {
			t.Errorf("the address in %s of %s is %v (%v), want %s", test.network, test.host, got, err, test.want)
		}
	}
}

// Whatever a router reports, ping has words for it.
func TestTextOfICMP6(t *testing.T) {
	from := netip.MustParseAddr("fd00::1")
	for _, test := range []struct {
		kind, code byte
		want       string
	}{
		{1, 0, "Destination unreachable: No route"}, {1, 1, "Destination unreachable: Administratively prohibited"},
		{1, 4, "Destination unreachable: Port unreachable"}, {1, 5, "Destination unreachable: Unknown code 5"},
		{2, 0, "Packet too big: mtu=1280"}, {3, 0, "Time exceeded: Hop limit"},
		{3, 1, "Time exceeded: Defragmentation failure"}, {4, 0, "Unknown icmp type: 4"},
	} {
		if got := (icmpError{from: from, kind: test.kind, code: test.code, info: 1280}).text(); got != test.want {
			t.Errorf("type %d, code %d: %q, want %q", test.kind, test.code, got, test.want)
		}
	}
}
