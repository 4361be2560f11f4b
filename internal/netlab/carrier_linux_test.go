package netlab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
)

// If a wire cannot get the quality that the user wants, it stays as it was.
func TestWireFails(t *testing.T) {
	probe := help(t, "nothing")
	asRoot(probe)
	if err := probe.Run(); err != nil {
		t.Skip("the kernel does not grant namespaces: ", err)
	}
	cmd := help(t, "wire")
	asRoot(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v\n%s", err, out)
	}
}

// failOnWire builds a network and makes changes of its wire fail.
func failOnWire() error {
	w := &world{lab: small(), places: map[*Host]*place{}}
	if err := w.build(); err != nil {
		return err
	}
	c, slow := w.wires[0], Quality{Delay: time.Millisecond}
	fails := func(q Quality, want string) error {
		if err := c.set(q); err == nil || !strings.Contains(err.Error(), want) {
			return fmt.Errorf("to make it %v, the error is %v, want %s", q, err, want)
		}
		return nil
	}
	is := func(want string) error {
		if got := c.String(); !strings.HasPrefix(got, want) {
			return fmt.Errorf("it shows %q, want %q", got, want)
		}
		return w.carries()
	}
	const loopback = 1 // an interface that cannot be a port of a bridge
	for _, step := range []func() error{
		func() error { return is("lan               perfect") },
		// There is a packet socket for the first port, and none for the second.
		func() error { return leave(1) },
		func() error { return fails(slow, "too many open files; it is still perfect") },
		func() error { return leave(100) },
		func() error { return is("lan               perfect") },
		func() error { return c.set(slow) },
		func() error { return is("lan               delay 1ms: ") },
		// Two ports are on the bridge when the third one fails.
		func() error { c.ports = append(c.ports, loopback); return nil },
		func() error { return fails(Quality{}, "; it is still delay 1ms") },
		func() error { return is("lan               delay 1ms: ") },
		// Nor can it go back: there is no packet socket for the third port.
		func() error { c.ports = append(c.ports, loopback); return leave(0) },
		func() error {
			return fails(Quality{}, "; it loses packets now, because it cannot go back to delay 1ms: ")
		},
		func() error { return leave(100) },
		func() error {
			if got := c.String(); got != "lan               loss 100%" {
				return fmt.Errorf("in the end, it shows %q", got)
			}
			return nil
		},
		func() error { c.ports = c.ports[:2]; return c.set(Quality{}) },
		func() error { return is("lan               perfect") },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// leave lets this process open only the given number of further files.
func leave(files int) error {
	var limit unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	limit.Cur = min(1000, limit.Max)
	if err := unix.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		return err
	}
	for n := 0; ; n++ {
		f, err := os.Open(os.DevNull) // it gets the lowest free number
		if err != nil {
			return err
		}
		defer f.Close()
		if n == files {
			limit.Cur = uint64(f.Fd())
			return unix.Setrlimit(unix.RLIMIT_NOFILE, &limit)
		}
	}
}

// carries returns an error unless a packet gets from the first host to the second.
func (w *world) carries() error {
	var here, there net.Conn
	from, to := w.lab.Hosts[0], w.lab.Hosts[1]
	at := &net.UDPAddr{IP: to.Address().AsSlice(), Port: 1060}
	err := errors.Join(
		w.places[to].do(func() (err error) { there, err = net.ListenUDP("udp4", at); return err }),
		w.places[from].do(func() (err error) { here, err = net.DialUDP("udp4", nil, at); return err }))
	if err != nil {
		return err
	}
	defer here.Close()
	defer there.Close()
	there.SetDeadline(time.Now().Add(progtest.Patience))
	if _, err := here.Write([]byte("question")); err != nil {
		return err
	}
	buffer := make([]byte, 100)
	n, err := there.Read(buffer)
	if err == nil && string(buffer[:n]) != "question" {
		err = fmt.Errorf("it carried %q", buffer[:n])
	}
	return err
}
