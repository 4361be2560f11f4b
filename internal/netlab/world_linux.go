package netlab

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/netns"
)

// A world is the first process of a network.
type world struct {
	lab    *Lab
	config config
	fabric *place
	places map[*Host]*place
	wires  []*carrier
	hosts  map[*Host]control // connections to their first processes
}

// These names show in a process list what each process of a network is.
const (
	worldName = "playground:world"
	hostName  = "init" // and the host's full name as its argument
)

// runWorld is the world's main function. It does not return.
func runWorld(l *Lab) {
	above, err := newControl(os.NewFile(3, "control"))
	if err != nil {
		os.Exit(1)
	}
	w := &world{lab: l, places: map[*Host]*place{}, hosts: map[*Host]control{}}
	files, err := above.receive(&w.config)
	if err != nil || len(files) != 1 {
		os.Exit(1) // the process that brought up the network has ended
	}
	door, err := net.FileListener(files[0])
	closeAll(files)
	if err == nil {
		err = w.begin()
	}
	if err != nil {
		above.send(answer{Error: err.Error()})
		os.Exit(1)
	}
	for _, c := range w.hosts {
		go func() {
			w.connections(c)
			// A network with a dead host is useless. So it ends, and its users notice.
			os.Exit(1)
		}()
	}
	above.send(answer{Ready: true})
	go w.admit(door)
	w.connections(above) // until the process at its other end has ended
	os.Exit(0)
}

// admit serves the clients of the user who brought the network up.
func (w *world) admit(door net.Listener) {
	for {
		c, err := door.Accept()
		if err != nil {
			time.Sleep(10 * time.Millisecond) // too many clients: wait until one leaves
			continue
		}
		if client := (control{c.(*net.UnixConn)}); client.sameUser() {
			go w.serve(client)
		} else {
			client.Close()
		}
	}
}

func (w *world) begin() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts private: %w", err)
	}
	if err := mountProc(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte(w.lab.Name)); err != nil {
		return fmt.Errorf("set the host name: %w", err)
	}
	netns.SmallTables() // without them, the hosts only look for sockets more slowly
	if err := w.build(); err != nil {
		return err
	}
	return w.boot()
}

// mountProc shows the processes of the calling process's namespace in /proc.
func mountProc() error {
	if err := unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, ""); err != nil {
		return &os.PathError{Op: "mount", Path: "/proc", Err: err}
	}
	return nil
}

// boot starts all hosts, and returns when all of them serve.
func (w *world) boot() error {
	var mu sync.Mutex
	return w.each(func(h *Host) error {
		c, theirs, err := socketPair()
		if err != nil {
			return err
		}
		err = w.places[h].do(func() error { return start(h, theirs) })
		theirs.Close()
		if err != nil {
			return err
		}
		mu.Lock()
		w.hosts[h] = c
		mu.Unlock()
		if err := c.send(w.config); err != nil {
			return err
		}
		var a answer
		if _, err := c.receive(&a); err != nil {
			return fmt.Errorf("its first process has ended: %w", err)
		}
		if a.Error != "" {
			return errors.New(a.Error)
		}
		return nil
	})
}

// start starts the first process of a host, in the calling thread's network.
func start(h *Host, theirs *os.File) error {
	first := &exec.Cmd{
		Path:       "/proc/self/exe",
		Args:       []string{hostName, h.Full()},
		Env:        []string{coverage + "=" + os.Getenv(coverage)}, // the rest is in the configuration
		Stderr:     os.Stderr,
		ExtraFiles: []*os.File{theirs},
		SysProcAttr: &syscall.SysProcAttr{
			Cloneflags: unix.CLONE_NEWNS | unix.CLONE_NEWPID | unix.CLONE_NEWIPC | unix.CLONE_NEWUTS,
			Setsid:     true,
		},
	}
	if err := first.Start(); err != nil {
		return err
	}
	go first.Wait()
	return nil
}

// connections serves the clients that arrive over a control socket, until the process
// at its other end has ended.
func (w *world) connections(from control) {
	for {
		var nothing request
		files, err := from.receive(&nothing)
		if err != nil {
			return
		}
		for _, f := range files {
			if c, err := newControl(f); err == nil {
				go w.serve(c)
			}
		}
	}
}

// serve answers a client's request, or passes a login on to its host.
func (w *world) serve(client control) {
	defer client.Close()
	var r request
	files, err := client.receive(&r)
	if err != nil {
		return
	}
	defer closeAll(files)
	if r.Wires {
		text, err := w.changeWire(r.Wire)
		if err != nil {
			client.send(answer{Error: err.Error(), Usage: errors.Is(err, ErrUsage)})
		} else {
			client.send(answer{Text: text})
		}
		return
	}
	host := w.lab.Find(r.Host)
	if host == nil || len(files) != 3 {
		client.send(answer{Error: "unexpected request"})
		return
	}
	f, err := client.File()
	if err != nil {
		client.send(answer{Error: err.Error()})
		return
	}
	defer f.Close()
	w.hosts[host].send(r, f, files[0], files[1], files[2])
}
