package nettools

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/miekg/dns"

	"fopnp/internal/check/progtest"
)

func init() {
	labTests["tcpdump"] = testTcpdump
	labTests["tcpdump at all interfaces"] = testTcpdumpAny
	labTests["tcpdump live"] = testTcpdumpLive
	labTests["tcpdump fails"] = testTcpdumpFails
}

// listen starts tcpdump on a host and returns when it listens. Stop interrupts
// it, and returns what it printed.
func listen(t *testing.T, h host, args ...string) (stop func() (stdout, stderr string)) {
	t.Helper()
	cmd := command("tcpdump", args...)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	var stdout strings.Builder
	cmd.Stdout, cmd.Stderr = &stdout, w
	h.start(t, cmd)
	r.SetReadDeadline(time.Now().Add(progtest.Patience))
	complaints := bufio.NewReader(r)
	first, err := complaints.ReadString('\n')
	if !strings.HasPrefix(first, "listening on ") {
		t.Fatalf("tcpdump printed %q (%v)", first, err)
	}
	return func() (string, string) {
		t.Helper()
		cmd.Process.Signal(syscall.SIGINT)
		timer := time.AfterFunc(progtest.Patience, func() { cmd.Process.Kill() })
		defer timer.Stop()
		if err := cmd.Wait(); err != nil {
			t.Errorf("tcpdump: %v", err)
		}
		rest, _ := io.ReadAll(complaints)
		r.Close()
		return stdout.String(), first + string(rest)
	}
}

// traffic makes all kinds of packets between the near and the far host.
func traffic(t *testing.T, lab lab) {
	t.Helper()
	lab.near.run(t, command("ping", "-n", "-c1", "10.0.2.2"))
	lab.near.run(t, command("ping", "-n", "-c1", "10.0.2.77"))
	lab.near.run(t, command("traceroute", "-n", "-q1", "10.0.2.2"))
	lab.near.run(t, command("ping", "-n", "-c1", "10.0.1.3")) // after ARP: see build
	var listener net.Listener
	var packets net.PacketConn
	var err error
	lab.far.do(func() {
		if listener, err = net.Listen("tcp4", "10.0.2.2:80"); err == nil {
			packets, err = net.ListenPacket("udp4", "10.0.2.2:53")
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		a.Authoritative = true
		if q.Question[0].Name == "nosuch.example.com." {
			a.Rcode = dns.RcodeNameError
		}
		for _, record := range []string{"www.example.com. 5 IN CNAME web.example.com.", "web.example.com. 5 IN A 10.0.2.2",
			"example.com. 5 IN MX 10 mail.example.com.", "web.example.com. 5 IN AAAA 2001:db8::1"} {
			if record, _ := dns.NewRR(record); record.Header().Rrtype == q.Question[0].Qtype {
				a.Answer = append(a.Answer, record)
			}
		}
		w.WriteMsg(a)
	})
	server := &dns.Server{PacketConn: packets, Handler: handler}
	go server.ActivateAndServe()
	defer server.Shutdown()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			bufio.NewReader(conn).ReadString('\n')
			fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n"+strings.Repeat("hello\tworld\x00\xff", 500))
			conn.Close()
		}
	}()
	for _, args := range []string{"www.example.com", "-t MX example.com", "nosuch.example.com"} {
		lab.near.run(t, command("host", strings.Fields(args+" 10.0.2.2")...))
	}
	var conn, refused, datagrams net.Conn
	lab.near.do(func() {
		conn, err = net.Dial("tcp4", "10.0.2.2:80")
		refused, _ = net.Dial("tcp4", "10.0.2.2:81")
		datagrams, _ = net.Dial("udp4", "10.0.2.2:9")
	})
	if err != nil || refused != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	defer datagrams.Close()
	fmt.Fprint(datagrams, "a line\r\na carriage return\rand one at the end\r")
	fmt.Fprint(conn, "GET / HTTP/1.1\r\n\r\n")
	io.Copy(io.Discard, conn)
}

// debians returns the command of Debian's tcpdump that reads a file, or skips
// the test.
func debians(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	if _, err := exec.LookPath("tcpdump"); err != nil {
		t.Skip(err)
	}
	if os.Getuid() == 0 { // or it becomes a user who may not read the file
		args = append([]string{"-Z", "root"}, args...)
	}
	return exec.Command("tcpdump", args...)
}

// compare reads a file with our tcpdump and with Debian's, which must print the
// same.
func compare(t *testing.T, file string, calls ...string) {
	t.Helper()
	if _, err := os.Stat(file); err != nil {
		return // the test that writes it has not run
	}
	for _, call := range calls {
		args := append([]string{"-r", file}, strings.Fields(call)...)
		ours, stderr, status := run(command("tcpdump", args...))
		theirs, complaints, _ := run(debians(t, args...))
		if ours != theirs || status != 0 {
			t.Errorf("tcpdump %s (status %d): %s%s", call, status, stderr, difference(ours, theirs)+complaints)
		}
	}
}

// difference returns the first lines that differ.
func difference(ours, theirs string) string {
	a, b := strings.Split(ours, "\n"), strings.Split(theirs, "\n")
	for i := range min(len(a), len(b)) {
		if a[i] != b[i] {
			return fmt.Sprintf("line %d is\n%s\nDebian's is\n%s\n", i+1, a[i], b[i])
		}
	}
	return fmt.Sprintf("%d lines, Debian's has %d: %q %q\n", len(a), len(b), a[len(a)-1], b[len(b)-1])
}

// afterLab reads what -w wrote. Debian's tcpdump becomes another user, which
// works only outside the lab.
func afterLab(t *testing.T, folder string) {
	compare(t, filepath.Join(folder, "pcap"), "-n", "-n -t -S", "-n -X", "-n -A", "-n -c 3", "-n tcp", "-n udp port 53", "-n icmp or arp",
		"-n src host 10.0.2.2 and not tcp", "-n tcp and (port 80 or port 81)", "-n net 10.0.1.0/24 and ip", "-n ip6",
		"-n icmp or udp and src port 53", "-n portrange 33434-33500", "-n port 80 or 53", "-n dst 10.0.2.2 and tcp dst port 81")
	compare(t, filepath.Join(folder, "any.pcap"), "-n", "-n -X -c 5", "-n -t icmp")
}

// Debian's tcpdump reads what -w writes: see afterLab.
func testTcpdump(t *testing.T, lab lab) {
	file := filepath.Join(os.Getenv(inLab), "pcap")
	stop := listen(t, lab.near, "-i", "eth1a", "-w", file)
	traffic(t, lab)
	stdout, stderr := stop()
	matches(t, "tcpdump -w", stderr, `listening on eth1a, link-type EN10MB \(Ethernet\), snapshot length 262144 bytes

\d+ packets captured
\d+ packets received by filter
0 packets dropped by kernel
`)
	if stdout != "" {
		t.Errorf("tcpdump -w printed %q", stdout)
	}
	// Reading what was read writes the same file.
	again := filepath.Join(t.TempDir(), "again")
	_, _, status := lab.near.run(t, command("tcpdump", "-r", file, "-w", again))
	text, err := os.ReadFile(file)
	copied, _ := os.ReadFile(again)
	if err != nil || string(text) != string(copied) || status != 0 {
		t.Errorf("-r and -w made a different file (status %d)", status)
	}
	cmd := command("tcpdump", "-n", "-c1", "-t", "-r", "-", "tcp")
	cmd.Stdin = strings.NewReader(string(text))
	stdout, _, _ = run(cmd)
	matches(t, "tcpdump -r -", stdout, `IP 10\.0\.1\.2\.\d+ > 10\.0\.2\.2\.80: Flags \[S\], seq \d+, win \d+, options \[mss 1460,sackOK,TS val \d+ ecr 0,nop,wscale \d+\], length 0\n`)
	// A file that was cut shows what is whole.
	if err := os.WriteFile(again, text[:len(text)-1], 0o666); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, status = lab.near.run(t, command("tcpdump", "-n", "-r", again))
	all, _, _ := lab.near.run(t, command("tcpdump", "-n", "-r", file))
	if status != 1 || strings.Count(stdout, "\n") != strings.Count(all, "\n")-1 ||
		!strings.HasSuffix(stderr, "tcpdump: "+again+": the file ends within a packet\n") {
		t.Errorf("the cut file has %d lines, status %d and %q", strings.Count(stdout, "\n"), status, stderr)
	}
}

// With -i any, a line names the interface and the direction. Loopback's packets
// count once.
func testTcpdumpAny(t *testing.T, lab lab) {
	file := filepath.Join(os.Getenv(inLab), "any.pcap")
	stop := listen(t, lab.middle, "-i", "any", "-w", file)
	traffic(t, lab)
	lab.middle.run(t, command("ping", "-c1", "127.0.0.1"))
	stop()
	stdout, _, _ := lab.middle.run(t, command("tcpdump", "-n", "-t", "-r", file, "host", "127.0.0.1"))
	matches(t, "tcpdump", stdout, `lo    In  IP 127\.0\.0\.1 > 127\.0\.0\.1: ICMP echo request, id \d+, seq 1, length 64
lo    In  IP 127\.0\.0\.1 > 127\.0\.0\.1: ICMP echo reply, id \d+, seq 1, length 64
`)
}

// tcpdump prints each packet at once, stops after -c packets, and takes the
// first interface that is not loopback.
func testTcpdumpLive(t *testing.T, lab lab) {
	var p *typist
	lab.near.do(func() { p = sit(t, command("tcpdump", "-n", "-c", "2", "icmp")) })
	p.sees("listening on eth1a")
	lab.near.run(t, command("ping", "-n", "-c2", "-i0.01", "10.0.2.2"))
	p.sees(`\d\d:\d\d:\d\d\.\d{6} IP 10\.0\.1\.2 > 10\.0\.2\.2: ICMP echo request, id \d+, seq 1, length 64\r\n` +
		`\d\d:\d\d:\d\d\.\d{6} IP 10\.0\.2\.2 > 10\.0\.1\.2: ICMP echo reply, id \d+, seq 1, length 64\r\n`)
	p.sees(`2 packets captured`)
	p.exits(0)

	lab.near.do(func() { p = sit(t, command("tcpdump", "-i", "lo", "udp")) })
	p.sees("listening on lo")
	var conn net.Conn
	lab.near.do(func() { conn, _ = net.Dial("udp4", "127.0.0.1:7") })
	defer conn.Close()
	fmt.Fprint(conn, "x")
	p.sees(`IP localhost\.\d+ > localhost\.echo: UDP, length 1\r\n`)
	p.types("\x03")
	p.sees(`1 packets captured`)
	p.exits(0)
}

func testTcpdumpFails(t *testing.T, lab lab) {
	text := filepath.Join(t.TempDir(), "text")
	if err := os.WriteFile(text, []byte("no packets, but long enough for a header"), 0o666); err != nil {
		t.Fatal(err)
	}
	full := filepath.Join(t.TempDir(), "full")
	stop := listen(t, lab.near, "-i", "lo", "-w", full)
	lab.near.run(t, command("ping", "-c1", "127.0.0.1"))
	stop()
	for _, test := range []struct {
		args, stderr string
		status       int
	}{
		{"-i nosuch", "tcpdump: nosuch: no such interface\n", 1},
		{"-r /no/such", "tcpdump: /no/such: no such file or directory\n", 1},
		{"-r " + text, "(?i)tcpdump: " + text + ": .*magic.*\n", 1},
		{"-i lo -w /no/such", "tcpdump: /no/such: no such file or directory\n", 1},
		{"-r " + full + " -w /dev/full", "tcpdump: /dev/full: no space left on device\n", 1},
		{"tcp and", "tcpdump: filter: a test is missing at the end\n", 1},
		{"-c x", "(?s).*tcpdump: invalid argument .*", 2},
	} {
		_, stderr, status := lab.near.run(t, command("tcpdump", strings.Fields(test.args)...))
		matches(t, "tcpdump "+test.args, stderr, test.stderr)
		if status != test.status {
			t.Errorf("tcpdump %s: status %d, want %d", test.args, status, test.status)
		}
	}
	_, stderr, status := newHost(t).run(t, command("tcpdump"))
	if stderr != "tcpdump: interface: none is up; see -i\n" || status != 1 {
		t.Errorf("without an interface tcpdump printed %q, status %d", stderr, status)
	}
}
