package nettools

import (
	"errors"
	"flag"
	"fmt"
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netns"
)

// labTests are the tests that need a network with routers. TestLab runs them in
// a process that has such a network.
var labTests = map[string]func(t *testing.T, lab lab){}

// inLab is set in the environment of that process, to a folder for what the
// lab's tests leave. afterLab looks at it outside the lab.
const inLab = "NETTOOLS_TEST_LAB"

// A lab has three hosts in a row, each of them with a network namespace of its
// own:
//
//	near 10.0.1.2 --- 10.0.1.1 middle 10.0.2.1 --- 10.0.2.2 far
//
// What goes to 10.8.0.0/16 gets lost at the far host. The middle and the near
// host find out quickly that no other host is on their own networks.
type lab struct{ near, middle, far host }

// A host is a thread in a network namespace. It runs the functions that it
// receives.
type host chan func()

// do runs f in the host's namespace.
func (h host) do(f func()) {
	done := make(chan struct{})
	h <- func() { defer close(done); f() }
	<-done
}

// start starts a program on the host.
func (h host) start(t *testing.T, cmd *exec.Cmd) {
	t.Helper()
	var err error
	h.do(func() { err = cmd.Start() })
	if err != nil {
		t.Fatal(err)
	}
}

// run runs a program on the host, and kills it if it takes too long.
func (h host) run(t *testing.T, cmd *exec.Cmd) (stdout, stderr string, status int) {
	t.Helper()
	var out, complaints strings.Builder
	cmd.Stdout, cmd.Stderr = &out, &complaints
	h.start(t, cmd)
	timer := time.AfterFunc(progtest.Patience, func() { cmd.Process.Kill() })
	defer timer.Stop()
	cmd.Wait()
	return out.String(), complaints.String(), cmd.ProcessState.ExitCode()
}

func TestLab(t *testing.T) {
	if os.Getenv(inLab) == "" {
		t.Parallel()
		if err := netns.Supported(); errors.Is(err, errors.ErrUnsupported) {
			t.Skip(err)
		}
		out, err := os.CreateTemp(t.TempDir(), "out")
		if err != nil {
			t.Fatal(err)
		}
		defer out.Close()
		pattern := "^TestLab$"
		if _, chosen, found := strings.Cut(flag.Lookup("test.run").Value.String(), "/"); found {
			pattern += "/" + chosen
		}
		cmd := exec.Command(os.Args[0], "-test.v", "-test.run="+pattern)
		folder := t.TempDir()
		cmd.Env = append(os.Environ(), inLab+"="+folder)
		cmd.Stdout, cmd.Stderr = out, out
		network, err := netns.Start(cmd)
		if err != nil {
			t.Fatal(err)
		}
		defer network.Close()
		err = network.Wait()
		if text, _ := os.ReadFile(out.Name()); err != nil || testing.Verbose() {
			t.Logf("in the lab:\n%s", text)
		}
		if err != nil {
			t.Error(err)
		}
		afterLab(t, folder)
		return
	}
	lab := build(t)
	for name, test := range labTests {
		t.Run(name, func(t *testing.T) { test(t, lab) })
	}
}

// build makes the hosts and connects them.
func build(t *testing.T) lab {
	t.Helper()
	lab := lab{newHost(t), newHost(t), newHost(t)}
	connect(t, lab.near, "10.0.1.2/24", lab.middle, "10.0.1.1/24")
	connect(t, lab.middle, "10.0.2.1/24", lab.far, "10.0.2.2/24")
	neighbors(t, lab.near, "eth1a", "10.0.1.2", lab.middle, "eth1b", "10.0.1.1")
	neighbors(t, lab.middle, "eth2a", "10.0.2.1", lab.far, "eth2b", "10.0.2.2")
	lab.near.do(func() {
		route(t, "0.0.0.0/0", "10.0.1.1")
		set(t, "neigh/eth1a/retrans_time_ms", "20")
	})
	lab.middle.do(func() {
		route(t, "10.8.0.0/16", "10.0.2.2")
		address, err := netlink.ParseAddr("10.0.1.3/24") // the near host has to ask who has it
		if err == nil {
			err = netlink.AddrAdd(up(t, "eth1b"), address)
		}
		if err != nil {
			t.Error(err)
		}
		set(t, "neigh/eth2a/retrans_time_ms", "20") // give up soon
		set(t, "ip_forward", "1")
	})
	lab.far.do(func() { route(t, "0.0.0.0/0", "10.0.2.1") })
	return lab
}

// newHost returns a host with nothing but a loopback interface.
func newHost(t *testing.T) host {
	t.Helper()
	h := make(host)
	go func() {
		runtime.LockOSThread() // for ever, because the namespace is the thread's
		for f := range h {
			f()
		}
	}()
	h.do(func() {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			t.Error(err)
			return
		}
		up(t, "lo")
		set(t, "ping_group_range", "0 0")
		set(t, "icmp_ratelimit", "0") // or the kernel reports only some of the lost packets
	})
	if t.Failed() {
		t.FailNow()
	}
	return h
}

// set sets a parameter of IPv4 in the calling thread's namespace.
func set(t *testing.T, name, value string) {
	if err := os.WriteFile("/proc/sys/net/ipv4/"+name, []byte(value), 0); err != nil {
		t.Error(err)
	}
}

func up(t *testing.T, name string) netlink.Link {
	link, err := netlink.LinkByName(name)
	if err == nil {
		err = netlink.LinkSetUp(link)
	}
	if err != nil {
		t.Error(err)
	}
	return link
}

var cables int

// connect connects two hosts with a cable.
func connect(t *testing.T, a host, addressA string, b host, addressB string) {
	t.Helper()
	cables++
	names := [2]string{fmt.Sprintf("eth%da", cables), fmt.Sprintf("eth%db", cables)}
	var other int
	b.do(func() {
		var err error
		if other, err = unix.Open("/proc/thread-self/ns/net", unix.O_RDONLY|unix.O_CLOEXEC, 0); err != nil {
			t.Error(err)
		}
	})
	defer unix.Close(other)
	a.do(func() {
		cable := &netlink.Veth{LinkAttrs: netlink.LinkAttrs{Name: names[0]}, PeerName: names[1], PeerNamespace: netlink.NsFd(other)}
		if err := netlink.LinkAdd(cable); err != nil {
			t.Error(err)
		}
	})
	for i, end := range []struct {
		host
		address string
	}{{a, addressA}, {b, addressB}} {
		end.do(func() {
			address, err := netlink.ParseAddr(end.address)
			if err == nil {
				err = netlink.AddrAdd(up(t, names[i]), address)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	if t.Failed() {
		t.FailNow()
	}
}

// neighbors gives two hosts permanent entries for each other's hardware addresses. If
// they had to ask, a busy machine might answer after they have given up: see build.
func neighbors(t *testing.T, a host, deviceA, addressA string, b host, deviceB, addressB string) {
	t.Helper()
	var ends [2]netlink.Link
	a.do(func() { ends[0] = up(t, deviceA) })
	b.do(func() { ends[1] = up(t, deviceB) })
	if t.Failed() {
		t.FailNow()
	}
	tell := func(own, other netlink.Link, address string) {
		err := netlink.NeighSet(&netlink.Neigh{LinkIndex: own.Attrs().Index, State: netlink.NUD_PERMANENT,
			IP: net.ParseIP(address), HardwareAddr: other.Attrs().HardwareAddr})
		if err != nil {
			t.Errorf("tell %s: %v", address, err)
		}
	}
	a.do(func() { tell(ends[0], ends[1], addressB) })
	b.do(func() { tell(ends[1], ends[0], addressA) })
}

func route(t *testing.T, to, gateway string) {
	network, err := netlink.ParseIPNet(to)
	if err == nil {
		err = netlink.RouteAdd(&netlink.Route{Dst: network, Gw: net.ParseIP(gateway)})
	}
	if err != nil {
		t.Error(err)
	}
}
