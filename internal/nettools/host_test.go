package nettools

import (
	"net"
	"os/exec"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"fopnp/internal/check/progtest"
)

// zone is what the test's name server knows.
const zone = `www.example.com. 0 IN A 10.130.1.4
example.com. 0 IN MX 10 mail.example.com.
example.com. 0 IN A 10.130.1.1
example.com. 0 IN NS ns.example.com.
example.com. 0 IN TXT "v=spf1 -all" "two"
example.com. 0 IN SOA ns.example.com. root.example.com. 1 2 3 4 5
mail.example.com. 0 IN A 10.130.1.3
mail.example.com. 0 IN AAAA 2001:db8::3
both.example.com. 0 IN A 127.0.0.1
both.example.com. 0 IN AAAA ::1
six.example.com. 0 IN AAAA 2001:db8::6
smtp.example.com. 0 IN CNAME mail.example.com.
4.1.130.10.in-addr.arpa. 0 IN PTR www.example.com.
3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa. 0 IN PTR mail.example.com.
_sip._tcp.example.com. 0 IN SRV 1 2 5060 www.example.com.
`

// serveNames starts a name server and returns its port.
func serveNames(t *testing.T) (port string) {
	t.Helper()
	var records []dns.RR
	parser := dns.NewZoneParser(strings.NewReader(zone), ".", "")
	for record, ok := parser.Next(); ok; record, ok = parser.Next() {
		records = append(records, record)
	}
	if err := parser.Err(); err != nil {
		t.Fatal(err)
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		a := new(dns.Msg).SetReply(q)
		a.Authoritative, a.RecursionAvailable = true, true
		a.Rcode = dns.RcodeNameError
		name := q.Question[0].Name
		if name == "silent.example.com." {
			return
		}
		if name == "refused.example.com." {
			a.Rcode = dns.RcodeRefused
		}
		if name == "long.example.com." {
			_, overUDP := w.RemoteAddr().(*net.UDPAddr)
			a.Rcode, a.Truncated = dns.RcodeSuccess, overUDP
			for range 200 {
				if record, _ := dns.NewRR("long.example.com. 0 IN TXT " + strings.Repeat("x", 200)); !overUDP {
					a.Answer = append(a.Answer, record)
				}
			}
		}
		for range 2 { // once more for what an alias leads to
			for _, r := range records {
				if r.Header().Name != name {
					continue
				}
				a.Rcode = dns.RcodeSuccess
				if alias, ok := r.(*dns.CNAME); ok {
					a.Answer, name = append(a.Answer, r), alias.Target
				} else if r.Header().Rrtype == q.Question[0].Qtype && len(a.Answer) < 2 {
					a.Answer = append(a.Answer, r)
				}
			}
			if name == q.Question[0].Name {
				break
			}
		}
		w.WriteMsg(a)
	})
	packets, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", packets.LocalAddr().String())
	if err != nil {
		packets.Close()
		t.Skip("the port of the name server is taken for TCP: ", err)
	}
	for _, server := range []*dns.Server{{PacketConn: packets, Handler: handler}, {Listener: listener, Handler: handler}} {
		go server.ActivateAndServe()
		t.Cleanup(func() { server.Shutdown() })
	}
	return progtest.PortOf(packets.LocalAddr())
}

// host prints the records of a name, or the name of an address.
func TestHost(t *testing.T) {
	t.Parallel()
	port := serveNames(t)
	using := "Using domain server:\nName: 127.0.0.1\nAddress: 127.0.0.1#" + port + "\nAliases: \n\n"
	for _, test := range []struct {
		args, stdout string
		status       int
	}{
		{"www.example.com", "www.example.com has address 10.130.1.4\n", 0},
		{"example.com.", "example.com has address 10.130.1.1\nexample.com mail is handled by 10 mail.example.com.\n", 0},
		{"smtp.example.com", "smtp.example.com is an alias for mail.example.com.\nmail.example.com has address 10.130.1.3\n" +
			"mail.example.com has IPv6 address 2001:db8::3\n", 0},
		{"10.130.1.4", "4.1.130.10.in-addr.arpa domain name pointer www.example.com.\n", 0},
		{"2001:db8::3", "3.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2.ip6.arpa domain name pointer mail.example.com.\n", 0},
		{"10.130.1.5", "Host 5.1.130.10.in-addr.arpa. not found: 3(NXDOMAIN)\n", 1},
		{"nosuch.example.com", "Host nosuch.example.com not found: 3(NXDOMAIN)\n", 1},
		{"refused.example.com", "Host refused.example.com not found: 5(REFUSED)\n", 1},
		{"-t mx example.com", "example.com mail is handled by 10 mail.example.com.\n", 0},
		{"-t MX www.example.com", "www.example.com has no MX record\n", 0},
		{"-t NS example.com", "example.com name server ns.example.com.\n", 0},
		{"-t TXT example.com", "example.com descriptive text \"v=spf1 -all\" \"two\"\n", 0},
		{"-t SOA example.com", "example.com has SOA record ns.example.com. root.example.com. 1 2 3 4 5\n", 0},
		{"-t SRV _sip._tcp.example.com", "_sip._tcp.example.com has SRV record 1 2 5060 www.example.com.\n", 0},
		{"-t CNAME smtp.example.com", "smtp.example.com is an alias for mail.example.com.\n", 0},
	} {
		args := append([]string{"-p", port}, strings.Fields(test.args+" 127.0.0.1")...)
		stdout, stderr, status := run(command("host", args...))
		if stdout != using+test.stdout || stderr != "" || status != test.status {
			t.Errorf("host %s: status %d, and it printed\n%s%swant\n%s", test.args, status, stdout, stderr, test.stdout)
		}
		if _, err := exec.LookPath("host"); err == nil {
			theirs, _, theirStatus := run(exec.Command("host", args...))
			if theirs != stdout || theirStatus != status {
				t.Errorf("host %s: status %d, and it printed\n%sBIND's has status %d and prints\n%s", test.args, status, stdout, theirStatus, theirs)
			}
		}
	}
	// An answer that is too long for UDP comes over TCP.
	stdout, _, status := run(command("host", "-p", port, "-t", "TXT", "long.example.com", "127.0.0.1"))
	if want := "long.example.com descriptive text \"" + strings.Repeat("x", 200) + "\"\n"; stdout != using+want || status != 0 {
		t.Errorf("the long answer is\n%s", stdout)
	}
}

// host reports a server that does not answer, one that does not exist, and
// wrong command lines.
func TestHostFails(t *testing.T) {
	t.Parallel()
	port := serveNames(t)
	const unreached = ";; connection timed out; no servers could be reached\n"
	for _, test := range []struct {
		args, stdout, stderr string
		status               int
	}{
		{"-W 0.05 -p " + port + " silent.example.com 127.0.0.1", unreached, "", 1},
		{"-W 0.05 -p 1 www.example.com 127.0.0.1", unreached, "", 1},
		{"www.example.com nosuch.invalid", "", "host: nosuch.invalid: ", 1},
		{"-t NOSUCH example.com", "", "host: NOSUCH: not a record type\n", 1},
		{"a..b", "", "host: a..b: not a name\n", 1},
		{"", "", "usage: host ", 2},
		{"a b c", "", "host: unexpected argument \"c\"\n", 2},
		{"-h", "", "usage: host ", 0},
	} {
		stdout, stderr, status := run(command("host", strings.Fields(test.args)...))
		if !strings.HasSuffix(stdout, test.stdout) || !strings.Contains(stderr, test.stderr) || status != test.status {
			t.Errorf("host %s: status %d, and it printed\n%s%s", test.args, status, stdout, stderr)
		}
	}
}
