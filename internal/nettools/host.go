package nettools

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// HostMain asks a name server about a host and prints the answer: the addresses
// and mail servers of a name, or the name of an address. -t asks for records of
// another type. The servers are those in /etc/resolv.conf, unless the command
// line names one. The exit status is 0 if the name exists.
//
// Source: host(1) of BIND
func HostMain(args []string) int {
	t := newTool("host", "[-t TYPE] [-p PORT] [-W SECONDS] NAME|ADDRESS [SERVER]")
	h := &hostTool{tool: t}
	kind := t.StringP("type", "t", "", "ask for records of `TYPE`, such as MX")
	port := t.IntP("port", "p", 53, "ask the server at `PORT`")
	patience := t.seconds("W", 5*time.Second, "how long to wait for an answer")
	if status, ok := t.parse(args, 1, 2); !ok {
		return status
	}
	h.client = &dns.Client{Timeout: time.Duration(*patience)}
	name := t.Arg(0)
	types := []uint16{dns.TypeA, dns.TypeAAAA, dns.TypeMX}
	if *kind != "" {
		one, known := dns.StringToType[strings.ToUpper(*kind)]
		if !known {
			return t.fails(*kind, errors.New("not a record type"))
		}
		types, h.explicit = []uint16{one}, true
	}
	names := []string{name}
	if address, err := netip.ParseAddr(name); err == nil && !h.explicit {
		reverse, err := dns.ReverseAddr(address.String())
		if err != nil {
			return t.fails(name, err)
		}
		names, types, h.reverse = []string{reverse}, []uint16{dns.TypePTR}, true
	}
	if _, ok := dns.IsDomainName(name); !ok {
		return t.fails(name, errors.New("not a name"))
	}
	config, err := dns.ClientConfigFromFile("/etc/resolv.conf")
	if err != nil && t.NArg() == 1 {
		return t.fails("read /etc/resolv.conf", err)
	}
	if config == nil {
		config = &dns.ClientConfig{Ndots: 1}
	}
	if !h.reverse {
		names = config.NameList(name)
	}
	for _, server := range config.Servers {
		h.servers = append(h.servers, net.JoinHostPort(server, strconv.Itoa(*port)))
	}
	if t.NArg() == 2 {
		ctx, cancel := context.WithTimeout(context.Background(), h.client.Timeout)
		defer cancel()
		address, err := lookUp(ctx, t.Arg(1))
		if err != nil {
			return t.fails(t.Arg(1), err)
		}
		h.servers = []string{net.JoinHostPort(address.String(), strconv.Itoa(*port))}
		t.printf("Using domain server:\nName: %s\nAddress: %s#%d\nAliases: \n\n", t.Arg(1), address, *port)
	}
	return h.ask(names, types)
}

// A hostTool queries name servers.
type hostTool struct {
	tool
	client   *dns.Client
	servers  []string
	explicit bool // the user has named the type
	reverse  bool // the user has given an address
}

// ask queries the servers for the first of some names that exists, prints its
// records of some types, and returns the exit status.
func (h *hostTool) ask(names []string, types []uint16) int {
	var answer *dns.Msg
	var name string
	for _, name = range names {
		var err error
		if answer, err = h.exchange(name, types[0]); err != nil {
			return h.unanswered(err)
		}
		if answer.Rcode != dns.RcodeNameError {
			break
		}
	}
	if answer.Rcode != dns.RcodeSuccess {
		shown := name // an address keeps the dot at the end of its name
		if !h.reverse {
			shown = strings.TrimSuffix(h.Arg(0), ".")
		}
		h.printf("Host %s not found: %d(%s)\n", shown, answer.Rcode, dns.RcodeToString[answer.Rcode])
		return 1
	}
	printed := map[string]bool{} // an alias is in each answer, but shown once
	for i, kind := range types {
		if i > 0 {
			var err error
			if answer, err = h.exchange(lastName(name, answer), kind); err != nil {
				return h.unanswered(err)
			}
		}
		for _, record := range answer.Answer {
			if line := describeRecord(record); !printed[line] {
				printed[line] = true
				h.printf("%s\n", line)
			}
		}
		if len(answer.Answer) == 0 && (h.explicit || h.reverse) {
			h.printf("%s has no %s record\n", strings.TrimSuffix(name, "."), dns.TypeToString[kind])
		}
	}
	return 0
}

// lastName returns the name that the aliases in an answer lead to.
func lastName(name string, answer *dns.Msg) string {
	for _, record := range answer.Answer {
		if alias, ok := record.(*dns.CNAME); ok && dns.CanonicalName(alias.Hdr.Name) == dns.CanonicalName(name) {
			name = alias.Target
		}
	}
	return name
}

func (h *hostTool) unanswered(err error) int {
	var late net.Error
	if errors.As(err, &late) {
		h.printf(";; connection timed out; no servers could be reached\n")
		return 1
	}
	return h.fails(h.Arg(0), err)
}

// exchange queries the servers in turn, over UDP, or over TCP if the answer is
// too long for UDP.
func (h *hostTool) exchange(name string, kind uint16) (answer *dns.Msg, err error) {
	if len(h.servers) == 0 {
		return nil, errors.New("/etc/resolv.conf names no server")
	}
	question := new(dns.Msg).SetQuestion(dns.Fqdn(name), kind)
	for range 2 {
		for _, server := range h.servers {
			answer, _, err = h.client.Exchange(question, server)
			if err == nil && answer.Truncated {
				again := &dns.Client{Net: "tcp", Timeout: h.client.Timeout}
				answer, _, err = again.Exchange(question, server)
			}
			if err == nil {
				return answer, nil
			}
		}
	}
	return nil, err
}

// describeRecord describes a record in the words of host(1).
func describeRecord(record dns.RR) string {
	name := record.Header().Name
	if name != "." {
		name = strings.TrimSuffix(name, ".")
	}
	switch r := record.(type) {
	case *dns.A:
		return fmt.Sprintf("%s has address %s", name, r.A)
	case *dns.AAAA:
		return fmt.Sprintf("%s has IPv6 address %s", name, r.AAAA)
	case *dns.CNAME:
		return fmt.Sprintf("%s is an alias for %s", name, r.Target)
	case *dns.MX:
		return fmt.Sprintf("%s mail is handled by %d %s", name, r.Preference, r.Mx)
	case *dns.NS:
		return fmt.Sprintf("%s name server %s", name, r.Ns)
	case *dns.PTR:
		return fmt.Sprintf("%s domain name pointer %s", name, r.Ptr)
	case *dns.TXT:
		return fmt.Sprintf("%s descriptive text %s", name, data(record))
	}
	return fmt.Sprintf("%s has %s record %s", name, dns.TypeToString[record.Header().Rrtype], data(record))
}

// data returns a record's data, as in a zone file.
func data(record dns.RR) string {
	return strings.TrimPrefix(record.String(), record.Header().String())
}
