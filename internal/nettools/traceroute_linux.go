package nettools

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

const (
	firstPort = 33434 // usually no program listens here
	inFlight  = 16    // how many probes may be without an answer at a time
	probeSize = 32    // bytes of data, which makes packets of 60
)

// TracerouteMain prints the routers on the way to a host. It sends datagrams
// that may take one hop, two hops and so on. The router where a datagram has no
// hops left reports that, and the host reports that no program listens on the
// port. TracerouteMain needs no privilege, and knows only IPv4. Its status is 0
// even if the host did not answer.
//
// Source: traceroute(8)
func TracerouteMain(args []string) int {
	t := newTool("traceroute", "[-n] [-f HOP] [-m HOPS] [-q PROBES] [-w SECONDS] HOST")
	r := &trace{tool: t}
	t.IntVarP(&r.first, "first", "f", 1, "begin at `HOP`")
	t.IntVarP(&r.hops, "max-hops", "m", 30, "stop after `HOPS`, 1 to 255")
	t.BoolVarP(&r.numeric, "numeric", "n", false, "do not look up the names of addresses")
	t.IntVarP(&r.probes, "queries", "q", 3, "send `PROBES` to each hop, 1 to 10")
	patience := t.seconds("w", 5*time.Second, "how long to wait for an answer")
	if status, ok := t.parse(args, 1, 1); !ok {
		return status
	}
	if r.first < 1 || r.hops < r.first || r.hops > 255 || r.probes < 1 || r.probes > 10 {
		fmt.Fprint(os.Stderr, "traceroute: a number is out of range; see traceroute -h\n")
		return 2
	}
	r.patience = time.Duration(*patience)
	ctx := context.Background()
	host := t.Arg(0)
	var err error
	if r.to, err = lookUpPreferring4(ctx, "ip", host); err == nil && !r.to.Is4() {
		err = errors.New("the host has only IPv6, and this traceroute knows only IPv4")
	}
	if err != nil {
		return t.fails(host, err)
	}
	if r.fd, err = socketICMP(version4, unix.IPPROTO_UDP); err != nil {
		return t.fails("open a socket", err)
	}
	defer unix.Close(r.fd)
	t.printf("traceroute to %s (%s), %d hops max, %d byte packets\n", host, r.to, r.hops, probeSize+28)
	r.all = make([]probe, (r.hops-r.first+1)*r.probes)
	if err := r.run(ctx); err != nil {
		return t.fails(host, err)
	}
	return 0
}

// A trace finds the way to one host.
type trace struct {
	tool
	fd                  int
	to                  netip.Addr
	first, hops, probes int
	patience            time.Duration
	numeric             bool

	all           []probe // in the order in which they are sent and printed
	sent, printed int
	shown         netip.Addr // the last router that the current line names
	arrived       bool       // the current line is the host's
}

// A probe is one datagram.
type probe struct {
	sent   time.Time
	done   bool
	took   time.Duration
	answer icmpError // if took is not 0
}

func (r *trace) run(ctx context.Context) error {
	for r.printed < len(r.all) {
		for r.sent < len(r.all) && r.sent < r.printed+inFlight {
			if err := r.probe(); err != nil {
				return err
			}
		}
		// Wait for an answer, or until the first probe on the list times out.
		left := time.Until(r.all[r.printed].sent.Add(r.patience))
		poll := []unix.PollFd{{Fd: int32(r.fd)}} // poll always reports errors
		unix.Poll(poll, max(0, int(left.Milliseconds())+1))
		r.receive()
		if r.print(ctx) {
			return nil
		}
	}
	return nil
}

// probe sends the next probe. Its port identifies it.
func (r *trace) probe() error {
	hop := r.first + r.sent/r.probes
	if err := unix.SetsockoptInt(r.fd, unix.IPPROTO_IP, unix.IP_TTL, hop); err != nil {
		return err
	}
	p := &r.all[r.sent]
	p.sent = time.Now()
	err := send(r.fd, make([]byte, probeSize), netip.AddrPortFrom(r.to, uint16(firstPort+r.sent)))
	if errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.EHOSTUNREACH) { // as if it had been lost
		err = nil
	}
	r.sent++
	return err
}

// receive takes the answers that have arrived.
func (r *trace) receive() {
	for {
		e, err := readError(r.fd)
		if err != nil {
			break
		}
		n := int(e.to.Port()) - firstPort
		if n < 0 || n >= r.sent || r.all[n].done || !e.from.IsValid() {
			continue
		}
		p := &r.all[n]
		p.done, p.took, p.answer = true, max(time.Since(p.sent), 1), e
	}
	for i := range r.all[:r.sent] {
		p := &r.all[i]
		p.done = p.done || time.Since(p.sent) >= r.patience
	}
}

// print prints the answers that are known, in order. It returns true after the
// last line.
func (r *trace) print(ctx context.Context) (last bool) {
	for ; r.printed < r.sent && r.all[r.printed].done; r.printed++ {
		p := &r.all[r.printed]
		n := r.printed % r.probes
		if n == 0 {
			r.printf("%2d ", r.first+r.printed/r.probes)
			r.shown, r.arrived = netip.Addr{}, false
		}
		if p.took == 0 {
			r.printf(" *")
		} else {
			if from := p.answer.from; from != r.shown {
				r.shown = from
				if r.numeric {
					r.printf(" %s", from)
				} else {
					r.printf(" %s (%s)", nameOf(ctx, from), from)
				}
			}
			r.printf("  %.3f ms%s", p.took.Seconds()*1000, p.answer.mark())
			r.arrived = r.arrived || p.answer.kind == icmpUnreachable
		}
		if n == r.probes-1 {
			r.printf("\n")
			if r.arrived {
				return true
			}
		}
	}
	return false
}

// mark returns what traceroute appends to the time of an answer that is not the
// expected one.
func (e icmpError) mark() string {
	if e.kind != icmpUnreachable {
		return ""
	}
	switch e.code {
	case codePort:
		return ""
	case codeNet:
		return " !N"
	case codeHost:
		return " !H"
	case codeProtocol:
		return " !P"
	case codeTooBig:
		return fmt.Sprintf(" !F-%d", e.info)
	case codeFiltered:
		return " !X"
	}
	return fmt.Sprintf(" !%d", e.code)
}
