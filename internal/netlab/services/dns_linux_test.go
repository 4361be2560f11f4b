package services_test

import (
	"fmt"
	"io"
	"net"
	"net/netip"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/miekg/dns"

	"fopnp/internal/netlab/services"
	"fopnp/internal/serve/child"
)

// exampleZone is a small internet.
var exampleZone = services.Zone{
	Domains: []string{"example.com", "1.130.10.in-addr.arpa"},
	Server:  "ns.example.com",
	A: map[string][]netip.Addr{
		"ns.example.com":     {netip.MustParseAddr("10.1.1.1")},
		"mail.example.com":   {netip.MustParseAddr("10.130.1.3")},
		"www.example.com":    {netip.MustParseAddr("10.130.1.4"), netip.MustParseAddr("10.130.1.5")},
		"deep.x.example.com": {netip.MustParseAddr("10.130.1.6")},
		"many.example.com":   manyAddresses(),
	},
	PTR: map[netip.Addr]string{netip.MustParseAddr("10.130.1.3"): "mail.example.com"},
	MX:  map[string][]services.MX{"example.com": {{10, "mail.example.com"}, {20, "www.example.com"}}},
	CNAME: map[string]string{
		"smtp.example.com":  "mail.example.com",
		"two.example.com":   "smtp.example.com",
		"away.example.com":  "www.example.org",
		"none.example.com":  "nowhere.example.com",
		"round.example.com": "about.example.com",
		"about.example.com": "round.example.com",
	},
}

// manyAddresses are too many for a datagram.
func manyAddresses() (many []netip.Addr) {
	for i := range 200 {
		many = append(many, netip.AddrFrom4([4]byte{10, 130, 2, byte(i)}))
	}
	return many
}

// startDNS serves a zone and returns its address.
func startDNS(t testing.TB, zone services.Zone) (address string) {
	t.Helper()
	for {
		l := listen(t)
		address = l.Addr().String()
		packet, err := net.ListenPacket("udp", address)
		if err != nil { // another program has the UDP port
			l.Close()
			continue
		}
		serving(t, func() error { return services.ServeDNS(packet, l, zone) }, func() { l.Close() })
		return address
	}
}

// ask asks a question. Its answer is one line: the code, the flags "aa" and
// "tc", the records of the answer, and the domain of the SOA record beside it.
func ask(t testing.TB, network, address, name string, qtype uint16) string {
	t.Helper()
	m := new(dns.Msg).SetQuestion(dns.Fqdn(name), qtype)
	answer := exchange(t, network, address, m)
	said := []string{dns.RcodeToString[answer.Rcode]}
	if answer.Authoritative {
		said = append(said, "aa")
	}
	if answer.Truncated {
		said = append(said, "tc")
	}
	for _, rr := range answer.Answer {
		_, data, _ := strings.Cut(rr.String(), "\tIN\t")
		said = append(said, strings.ReplaceAll(data, "\t", " "))
	}
	for _, rr := range answer.Ns {
		said = append(said, "SOA of "+rr.Header().Name)
	}
	return strings.Join(said, "; ")
}

func exchange(t testing.TB, network, address string, m *dns.Msg) *dns.Msg {
	t.Helper()
	client := &dns.Client{Net: network, Timeout: child.Patience}
	answer, _, err := client.Exchange(m, address)
	if err != nil {
		t.Fatalf("%v: %v", m.Question, err)
	}
	return answer
}

// Every kind of answer, over UDP and over TCP.
func TestDNSAnswers(t *testing.T) {
	t.Parallel()
	address := startDNS(t, exampleZone)
	for _, network := range []string{"udp", "tcp"} {
		for _, test := range []struct {
			name  string
			qtype uint16
			want  string
		}{
			{"mail.example.com", dns.TypeA, "NOERROR; aa; A 10.130.1.3"},
			{"MAIL.Example.COM", dns.TypeA, "NOERROR; aa; A 10.130.1.3"},
			{"www.example.com", dns.TypeA, "NOERROR; aa; A 10.130.1.4; A 10.130.1.5"},
			{"mail.example.com", dns.TypeAAAA, "NOERROR; aa; SOA of example.com."},
			{"x.example.com", dns.TypeA, "NOERROR; aa; SOA of example.com."}, // there is a name below it
			{"nowhere.example.com", dns.TypeA, "NXDOMAIN; aa; SOA of example.com."},
			{"ample.com", dns.TypeA, "REFUSED"},
			{"www.example.org", dns.TypeA, "REFUSED"},
			{".", dns.TypeNS, "REFUSED"},
			{"example.com", dns.TypeMX, "NOERROR; aa; MX 10 mail.example.com.; MX 20 www.example.com."},
			{"example.com", dns.TypeNS, "NOERROR; aa; NS ns.example.com."},
			{"example.com", dns.TypeSOA, "NOERROR; aa; SOA ns.example.com. hostmaster.example.com. 1 3600 600 86400 0"},
			{"example.com", dns.TypeAXFR, "REFUSED"},
			{"smtp.example.com", dns.TypeA, "NOERROR; aa; CNAME mail.example.com.; A 10.130.1.3"},
			{"two.example.com", dns.TypeA, "NOERROR; aa; CNAME smtp.example.com.; CNAME mail.example.com.; A 10.130.1.3"},
			{"two.example.com", dns.TypeCNAME, "NOERROR; aa; CNAME smtp.example.com."},
			{"smtp.example.com", dns.TypeMX, "NOERROR; aa; CNAME mail.example.com.; SOA of example.com."},
			{"none.example.com", dns.TypeA, "NXDOMAIN; aa; CNAME nowhere.example.com.; SOA of example.com."},
			{"away.example.com", dns.TypeA, "NOERROR; aa; CNAME www.example.org."},
			{"3.1.130.10.in-addr.arpa", dns.TypePTR, "NOERROR; aa; PTR mail.example.com."},
			{"9.1.130.10.in-addr.arpa", dns.TypePTR, "NXDOMAIN; aa; SOA of 1.130.10.in-addr.arpa."},
		} {
			if test.qtype == dns.TypeAXFR && network == "tcp" {
				continue // this client would expect several messages
			}
			if got := ask(t, network, address, test.name, test.qtype); got != test.want {
				t.Errorf("%s: %s %s:\n got %s\nwant %s", network, test.name, dns.TypeToString[test.qtype], got, test.want)
			}
		}
		round := ask(t, network, address, "round.example.com", dns.TypeA)
		if !strings.HasPrefix(round, "SERVFAIL;") {
			t.Errorf("%s: aliases in a circle: %s", network, round)
		}
	}
}

// The question and its records come back in the case that the client chose, and the
// names that they lead to in the case of the zone.
func TestDNSCase(t *testing.T) {
	t.Parallel()
	zone := exampleZone
	zone.Domains = []string{"Example.com", "1.130.10.in-addr.arpa"}
	zone.CNAME = map[string]string{"smtp.example.com": "Mail.example.com"}
	zone.PTR = map[netip.Addr]string{netip.MustParseAddr("10.130.1.3"): "modemA.example.com"}
	address := startDNS(t, zone)
	for _, test := range []struct {
		name  string
		qtype uint16
		want  []string
	}{
		{"wWw.ExAmPlE.cOm.", dns.TypeA, []string{"wWw.ExAmPlE.cOm. A 10.130.1.4", "wWw.ExAmPlE.cOm. A 10.130.1.5"}},
		{"sMtP.example.COM.", dns.TypeA, []string{"sMtP.example.COM. CNAME Mail.example.com.", "Mail.example.com. A 10.130.1.3"}},
		{"EXAMPLE.com.", dns.TypeMX, []string{"EXAMPLE.com. MX 10 mail.example.com.", "EXAMPLE.com. MX 20 www.example.com."}},
		{"3.1.130.10.In-Addr.ARPA.", dns.TypePTR, []string{"3.1.130.10.In-Addr.ARPA. PTR modemA.example.com."}},
		{"NoWhere.example.com.", dns.TypeA, []string{"Example.com. SOA ns.example.com. hostmaster.Example.com. 1 3600 600 86400 0"}},
	} {
		for _, network := range []string{"udp", "tcp"} {
			answer := exchange(t, network, address, new(dns.Msg).SetQuestion(test.name, test.qtype))
			var got []string
			for _, rr := range append(answer.Answer, answer.Ns...) {
				owner, data, _ := strings.Cut(rr.String(), "\t0\tIN\t")
				got = append(got, owner+" "+strings.ReplaceAll(data, "\t", " "))
			}
			if answer.Question[0].Name != test.name || !slices.Equal(got, test.want) {
				t.Errorf("%s: asked for %s, got %s: %q, want %q", network, test.name, answer.Question[0].Name, got, test.want)
			}
		}
	}
}

// A server of the root knows all names, so none is refused.
func TestDNSRoot(t *testing.T) {
	t.Parallel()
	zone := exampleZone
	zone.Domains = []string{"example.com", "."}
	address := startDNS(t, zone)
	for name, want := range map[string]string{
		"www.example.org":         "NXDOMAIN; aa; SOA of .",
		"nowhere.example.com":     "NXDOMAIN; aa; SOA of example.com.",
		"com":                     "NOERROR; aa; SOA of .",
		"9.1.130.10.in-addr.arpa": "NXDOMAIN; aa; SOA of .",
		".":                       "NOERROR; aa; SOA of .",
	} {
		if got := ask(t, "udp", address, name, dns.TypeA); got != want {
			t.Errorf("%s:\n got %s\nwant %s", name, got, want)
		}
	}
}

// An answer that is too long is cut short over UDP, at 512 bytes or at what the
// client can take, and is whole over TCP.
func TestDNSTruncates(t *testing.T) {
	t.Parallel()
	address := startDNS(t, exampleZone)
	m := new(dns.Msg).SetQuestion("many.example.com.", dns.TypeA)
	for size, limit := range map[uint16]int{0: 512, 100: 512, 1000: 1000, 4096: 1232} {
		m.Extra = nil
		if size > 0 {
			m.SetEdns0(size, false)
		}
		answer := exchange(t, "udp", address, m)
		answer.Compress = true
		if n := answer.Len(); !answer.Truncated || n > limit || n < limit/2 {
			t.Errorf("%d: %d bytes, truncated %v", size, n, answer.Truncated)
		}
		if (answer.IsEdns0() != nil) != (size > 0) {
			t.Errorf("%d: OPT %v", size, answer.IsEdns0())
		}
	}
	if answer := exchange(t, "tcp", address, m); answer.Truncated || len(answer.Answer) != 200 {
		t.Errorf("over TCP: truncated %v, %d records", answer.Truncated, len(answer.Answer))
	}
	m.Extra = nil
	m.SetEdns0(1232, false).IsEdns0().SetVersion(1)
	if answer := exchange(t, "udp", address, m); answer.Rcode != dns.RcodeBadVers || len(answer.Answer) > 0 {
		t.Errorf("EDNS version 1: %v", answer)
	}
}

// Messages that are no questions do no harm. A client over TCP may ask several
// questions, hang up in the middle of one, or stay when the server stops.
func TestDNSFaults(t *testing.T) {
	t.Parallel()
	stay(t)
	address := startDNS(t, exampleZone)
	query, err := new(dns.Msg).SetQuestion("mail.example.com.", dns.TypeA).Pack()
	if err != nil {
		t.Fatal(err)
	}
	for _, network := range []string{"udp", "tcp"} {
		for _, data := range [][]byte{{}, {0}, {0, 200, 1}, query[:len(query)-3], slices.Repeat([]byte{0xff}, 600)} {
			conn, err := net.Dial(network, address)
			talk(t, conn, err).Write(data)
			if network == "udp" || len(data)%2 == 0 {
				conn.Close()
			}
		}
	}
	conn := dial(t, address)
	for range 2 {
		framed := append([]byte{0, byte(len(query))}, query...)
		conn.Write(framed[:5])
		conn.Write(framed[5:])
		var head [2]byte
		if _, err := io.ReadFull(conn, head[:]); err != nil {
			t.Fatal(err)
		}
		if _, err := io.CopyN(io.Discard, conn, int64(head[0])<<8|int64(head[1])); err != nil {
			t.Fatal(err)
		}
	}
	notify := new(dns.Msg).SetNotify("example.com.")
	if answer := exchange(t, "udp", address, notify); answer.Rcode != dns.RcodeNotImplemented {
		t.Errorf("NOTIFY: %v", answer)
	}
	chaos := new(dns.Msg).SetQuestion("mail.example.com.", dns.TypeA)
	chaos.Question[0].Qclass = dns.ClassCHAOS
	if answer := exchange(t, "udp", address, chaos); answer.Rcode != dns.RcodeRefused {
		t.Errorf("CHAOS: %v", answer)
	}
}

// A zone with a fault is not served.
func TestDNSZoneFaults(t *testing.T) {
	t.Parallel()
	ipv6 := []netip.Addr{netip.MustParseAddr("::1")}
	for want, zone := range map[string]services.Zone{
		"no IPv4 address":   {A: map[string][]netip.Addr{"www": ipv6}},
		"no domain name":    {CNAME: map[string]string{"a..b": "www"}},
		"and other records": {Domains: []string{"www"}, CNAME: map[string]string{"www": "mail"}},
	} {
		if err := services.ServeDNS(nil, nil, zone); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// The programs of BIND understand the answers.
func TestDNSRealClients(t *testing.T) {
	t.Parallel()
	address := startDNS(t, exampleZone)
	host, port, _ := net.SplitHostPort(address)
	t.Run("dig", func(t *testing.T) {
		dig := exec.Command(real(t, "dig"), "@"+host, "-p", port, "+short", "smtp.example.com", "many.example.com")
		got := run(t, dig, 0, "")
		if want := "mail.example.com.\n10.130.1.3\n"; !strings.HasPrefix(got, want) {
			t.Errorf("got %q", got)
		}
		if n := strings.Count(got, "\n10.130.2."); n != 200 { // dig asked again over TCP
			t.Errorf("%d addresses", n)
		}
		all := run(t, exec.Command(real(t, "dig"), "@"+host, "-p", port, "MaIl.eXaMpLe.com"), 0, "")
		if strings.Contains(all, "WARNING") || !strings.Contains(all, "flags: qr aa rd ra;") {
			t.Errorf("got %s", all)
		}
		if n := strings.Count(all, "MaIl.eXaMpLe.com."); n != 2 { // in the question, and in the answer
			t.Errorf("%d times in the case of the question: %s", n, all)
		}
	})
	t.Run("host", func(t *testing.T) {
		lookup := func(status int, args ...string) string {
			got := run(t, exec.Command(real(t, "host"), append(append([]string{"-p", port}, args...), host)...), status, "")
			_, got, _ = strings.Cut(got, "Aliases: \n\n")
			return got
		}
		want := fmt.Sprintf("%s\n", strings.Join([]string{
			"example.com mail is handled by 10 mail.example.com.",
			"example.com mail is handled by 20 www.example.com."}, "\n"))
		if got := lookup(0, "example.com"); got != want {
			t.Errorf("got %q", got)
		}
		if got := lookup(0, "10.130.1.3"); got != "3.1.130.10.in-addr.arpa domain name pointer mail.example.com.\n" {
			t.Errorf("got %q", got)
		}
		if got := lookup(1, "nowhere.example.com"); got != "Host nowhere.example.com not found: 3(NXDOMAIN)\n" {
			t.Errorf("got %q", got)
		}
		if got := lookup(1, "example.org"); !strings.Contains(got, "5(REFUSED)") {
			t.Errorf("got %q", got)
		}
	})
}
