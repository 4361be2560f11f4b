package services

import (
	"fmt"
	"net"
	"net/netip"
	"strings"

	"github.com/miekg/dns"
)

// A Zone is all that a name server knows. Names are written without the dot at
// their end, but "." is the name of the root.
type Zone struct {
	// Domains are those for which the server answers with authority. Each has a
	// SOA and an NS record. For names outside of them, it refuses to answer. If
	// "." is among them, there are no other names, and it refuses none.
	Domains []string
	Server  string // the name of the server

	A     map[string][]netip.Addr // IPv4
	PTR   map[netip.Addr]string
	MX    map[string][]MX
	CNAME map[string]string
}

// An MX says which host takes the mail for a domain.
type MX struct {
	Preference uint16 // senders try the lowest first
	Host       string
}

// A zone is a Zone that answers questions.
type zone struct {
	authorities map[string]*dns.SOA // by domain, in lower case
	records     map[string][]dns.RR // by name, in lower case; none for a name that only has names below it
}

// compile returns a zone with the records of z. All have the TTL 0, because
// readers change things and look again.
func (z *Zone) compile() (*zone, error) {
	c := &zone{map[string]*dns.SOA{}, map[string][]dns.RR{}}
	var problem error
	name := func(s string) string {
		if _, ok := dns.IsDomainName(s); !ok && problem == nil {
			problem = fmt.Errorf("%q is no domain name", s)
		}
		return dns.Fqdn(s)
	}
	add := func(owner string, rr dns.RR, rrtype uint16) {
		*rr.Header() = dns.RR_Header{Name: owner, Rrtype: rrtype, Class: dns.ClassINET}
		owner = dns.CanonicalName(owner)
		c.records[owner] = append(c.records[owner], rr)
		for { // names above it exist, too
			i, end := dns.NextLabel(owner, 0)
			if end {
				return
			}
			owner = owner[i:]
			if _, exists := c.records[owner]; !exists {
				c.records[owner] = nil
			}
		}
	}
	server := name(z.Server)
	for _, domain := range z.Domains {
		soa := &dns.SOA{Ns: server, Mbox: "hostmaster." + strings.TrimPrefix(name(domain), "."),
			Serial: 1, Refresh: 3600, Retry: 600, Expire: 86400}
		c.authorities[dns.CanonicalName(domain)] = soa
		add(name(domain), soa, dns.TypeSOA)
		add(name(domain), &dns.NS{Ns: server}, dns.TypeNS)
	}
	for owner, addresses := range z.A {
		for _, address := range addresses {
			if !address.Is4() {
				return nil, fmt.Errorf("%s: %v is no IPv4 address", owner, address)
			}
			add(name(owner), &dns.A{A: address.AsSlice()}, dns.TypeA)
		}
	}
	for address, host := range z.PTR {
		owner, err := dns.ReverseAddr(address.String())
		if err != nil {
			return nil, err
		}
		add(owner, &dns.PTR{Ptr: name(host)}, dns.TypePTR)
	}
	for owner, hosts := range z.MX {
		for _, mx := range hosts {
			add(name(owner), &dns.MX{Preference: mx.Preference, Mx: name(mx.Host)}, dns.TypeMX)
		}
	}
	for owner, target := range z.CNAME {
		if len(c.records[dns.CanonicalName(owner)]) > 0 {
			return nil, fmt.Errorf("%s has a CNAME and other records", owner)
		}
		add(name(owner), &dns.CNAME{Target: name(target)}, dns.TypeCNAME)
	}
	return c, problem
}

// authority returns the SOA of the smallest domain that contains name, or nil.
func (z *zone) authority(name string) *dns.SOA {
	for i, end := 0, false; !end; i, end = dns.NextLabel(name, i) {
		if soa := z.authorities[name[i:]]; soa != nil {
			return soa
		}
	}
	return z.authorities["."]
}

const maxAliases = 8 // that an answer follows

// answer answers a question. Names in the answer are spelled as in the zone, except
// that the name in the question keeps the case that the client chose: some clients
// choose it at random, and accept only answers in the same case.
//
// Source: RFC 1034, 4.3.2; RFC 2308; RFC 4343
func (z *zone) answer(q *dns.Msg) *dns.Msg {
	m := new(dns.Msg).SetReply(q)
	m.Compress = true
	m.RecursionAvailable = true // clients need no other server
	if q.Opcode != dns.OpcodeQuery {
		m.Rcode = dns.RcodeNotImplemented
		return m
	}
	question := q.Question[0]
	name := dns.CanonicalName(question.Name)
	authority := z.authority(name)
	switch {
	case question.Qclass != dns.ClassINET || authority == nil,
		question.Qtype == dns.TypeAXFR, question.Qtype == dns.TypeIXFR:
		m.Rcode = dns.RcodeRefused
		return m
	}
	m.Authoritative = true
	owner := question.Name
	for range maxAliases {
		records, exists := z.records[name]
		alias := ""
		found := false
		for _, rr := range records {
			cname, isAlias := rr.(*dns.CNAME)
			if rr.Header().Rrtype == question.Qtype || question.Qtype == dns.TypeANY || isAlias {
				rr = dns.Copy(rr)
				rr.Header().Name = owner
				m.Answer = append(m.Answer, rr)
				found = true
			}
			if isAlias && question.Qtype != dns.TypeCNAME && question.Qtype != dns.TypeANY {
				alias = cname.Target
			}
		}
		if alias != "" {
			owner, name = alias, dns.CanonicalName(alias)
			if authority = z.authority(name); authority == nil {
				return m // the client has to ask another server
			}
			continue
		}
		if !exists {
			m.Rcode = dns.RcodeNameError
		}
		if !found {
			m.Ns = append(m.Ns, authority)
		}
		return m
	}
	m.Rcode = dns.RcodeServerFailure // the aliases go round in a circle
	return m
}

// maxDatagram is the longest answer over UDP. It fits into a packet of IPv6
// everywhere.
//
// Source: DNS flag day 2020
const maxDatagram = 1232

// ServeDNS serves a zone over UDP and TCP. An answer that is too long for a
// datagram is cut short, and the client asks again over TCP. If the caller
// closes one of packet and l, ServeDNS closes the other. It returns an error if
// the zone has a name or an address that cannot be in DNS.
func ServeDNS(packet net.PacketConn, l net.Listener, z Zone) error {
	compiled, err := z.compile()
	if err != nil {
		return err
	}
	handler := dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := compiled.answer(q)
		longest := dns.MinMsgSize
		if opt := q.IsEdns0(); opt != nil {
			longest = max(longest, min(int(opt.UDPSize()), maxDatagram))
			m.SetEdns0(maxDatagram, false)
			if opt.Version() != 0 {
				m.Rcode, m.Answer, m.Ns = dns.RcodeBadVers, nil, nil
			}
		}
		if w.RemoteAddr().Network() != "udp" {
			longest = dns.MaxMsgSize
		}
		m.Truncate(longest)
		w.WriteMsg(m) // the client asks again if it gets no answer
	})
	d := openDoor(l)
	defer d.wait()
	return first(
		func() { packet.Close(); l.Close() },
		(&dns.Server{PacketConn: packet, Handler: handler}).ActivateAndServe,
		(&dns.Server{Listener: d, Handler: handler}).ActivateAndServe,
	)
}
