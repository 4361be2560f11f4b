package webload

import (
	"crypto/sha256"
	"fmt"
	"net"
	"net/netip"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/kernel"
	"fopnp/internal/listings"
	"fopnp/internal/measured"
	"fopnp/internal/serve/child"
	"fopnp/lecture/internal/webbench"
)

// patience limits every wait for something that must happen.
const patience = child.Patience

// ErrNoPython is the error of a workload for Python's server if the machine has
// no Python with an http.server.
var ErrNoPython = fmt.Errorf("there is no Python with an http.server: %w",
	exec.ErrNotFound)

// PythonVersion returns the version of Python, such as "Python 3.11.7". It
// returns "" if the machine has no Python with an http.server.
var PythonVersion = sync.OnceValue(func() string {
	said, err := exec.Command("python3", "-c", "import http.server, platform; "+
		"print('Python', platform.python_version())").Output()
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(said))
})

// A Place is where the programs and the files are.
type Place struct {
	Bin    string // the folder of the programs
	Folder string // what the servers serve
	files  map[string]*File
}

// file returns the file that a workload asks for, which it makes if need be.
func (p *Place) file(w webbench.Workload) (*File, error) {
	if f := p.files[w.File]; f != nil || w.File == "" {
		return f, nil
	}
	f, err := NewFile(p.Folder, w.File, w.Size)
	if err == nil {
		if p.files == nil {
			p.files = map[string]*File{}
		}
		p.files[w.File] = f
	}
	return f, err
}

// serve starts a server and waits until it is ready.
func (p *Place) serve(server string) (*bench.Process, error) {
	if server == webbench.Python {
		return p.servePython()
	}
	l, _ := listings.Find(server) // net_http is none, but takes the same
	cmd := exec.Command(filepath.Join(p.Bin, server),
		l.ServeArgs("127.0.0.1", "0", "-root", p.Folder)...)
	return bench.Serve(cmd, nil, nil)
}

var pythonReady = regexp.MustCompile(
	`(?m)^Serving HTTP on \S+ port (\d+) .*\n`)

func (p *Place) servePython() (*bench.Process, error) {
	if PythonVersion() == "" {
		return nil, ErrNoPython
	}
	// Without -u, Python buffers the line that says it is ready.
	cmd := exec.Command("python3", "-u", "-m", "http.server",
		"--bind", "127.0.0.1", "--directory", p.Folder, "0")
	python, err := bench.Serve(cmd, nil, pythonReady)
	if err != nil {
		return nil, err
	}
	// Programs in Go do this by themselves.
	var limit unix.Rlimit
	err = unix.Getrlimit(unix.RLIMIT_NOFILE, &limit)
	if err == nil {
		limit.Cur = limit.Max
		err = unix.Prlimit(python.Pid, unix.RLIMIT_NOFILE, &limit, nil)
	}
	if err != nil {
		python.Stop()
		return nil, fmt.Errorf("raise Python's limit of descriptors: %w", err)
	}
	return python, nil
}

// Measure runs one round of a workload with a server. For Python's server, the
// error is ErrNoPython if the machine has none.
func (p *Place) Measure(
	w webbench.Workload, server string,
) (s measured.Sample, err error) {
	s = measured.Sample{
		Workload: w.Name, Clients: w.Clients, Server: server,
		Values: map[string]float64{},
	}
	f, err := p.file(w)
	if err != nil {
		return s, err
	}
	defer bench.WithoutGC()()
	runtime.LockOSThread() // the CPU time of the thread is that of the clients
	defer runtime.UnlockOSThread()
	if server == webbench.SHA256 {
		s.Values[webbench.PerGiB] = hash(w.Size).Seconds() / gib(w.Size)
		s.Questions = 1
		return s, nil
	}
	process, err := p.serve(server)
	if err != nil {
		return s, err
	}
	defer process.Stop()
	if f == nil {
		return s, idle(&s, process)
	}
	var protocol protocol = web{}
	if server == webbench.FileServer {
		protocol = files{}
	}
	c, err := newCrowd(process.Port, protocol, f)
	if err != nil {
		return s, err
	}
	defer c.close()
	return s, watch(&s, w, process, c)
}

// watch makes the clients of a crowd ask, and notes what that costs.
func watch(
	s *measured.Sample, w webbench.Workload, server *bench.Process, c *crowd,
) (err error) {
	switch {
	case w.Window > 0: // until all have come, and the server knows the file
		err = c.converse(w.Clients, time.Now().Add(w.Window/5))
	case w.Warm:
		err = c.fetch(1)
	}
	if err != nil {
		return err
	}
	c.reset()
	began, cpu, own := time.Now(), server.CPU(), bench.OwnCPU()
	if w.Window > 0 {
		err = c.converse(w.Clients, began.Add(w.Window))
	} else {
		err = c.fetch(w.Count)
	}
	elapsed := time.Since(began)
	cpu, own = server.CPU()-cpu, bench.OwnCPU()-own

	s.Questions, s.Errors = c.requests, c.errors
	s.Values[webbench.Peak] = server.Peak()
	if w.Window > 0 {
		s.Values[webbench.Rate] = float64(c.requests) / elapsed.Seconds()
		if c.requests > 0 {
			s.Values[webbench.CPU] = micro(cpu) / float64(c.requests)
			s.Values[webbench.GeneratorCPU] = micro(own) / float64(c.requests)
		}
	} else {
		s.Values[webbench.Speed] = gib(c.bytes) / elapsed.Seconds()
		s.Values[webbench.PerGiB] = cpu.Seconds() / gib(c.bytes)
		s.Values[webbench.GeneratorPerGiB] = own.Seconds() / gib(c.bytes)
		s.Values[webbench.BothPerGiB] = (cpu + own).Seconds() / gib(c.bytes)
	}
	return err
}

func micro(d time.Duration) float64 { return float64(d) / 1000 }

func gib(bytes int64) float64 { return float64(bytes) / (1 << 30) }

// piece is how many bytes are hashed at once.
const piece = 128 << 10

// hash returns the CPU time that the SHA-256 of a large file takes, without
// reading it.
func hash(size int64) time.Duration {
	hash, zeros := sha256.New(), make([]byte, piece)
	began := bench.OwnCPU()
	for ; size > 0; size -= piece {
		hash.Write(zeros[:min(size, piece)])
	}
	hash.Sum(nil)
	return bench.OwnCPU() - began
}

// idle connects clients that are silent, and notes how much of the server's
// memory each takes.
func idle(s *measured.Sample, server *bench.Process) error {
	// A server's queue may be as short as Python's, which has room for 5.
	const atOnce = 4
	address := netip.AddrPortFrom(
		netip.AddrFrom4([4]byte{127, 0, 0, 1}), uint16(server.Port))
	before := server.Resident()
	for n := 1; n <= s.Clients; n++ {
		conn, err := net.DialTimeout("tcp", address.String(), patience)
		if err != nil {
			return err
		}
		defer conn.Close()
		if n%atOnce > 0 && n < s.Clients {
			continue
		}
		// The server accepts in order, so it has accepted the others, too.
		client := conn.LocalAddr().(*net.TCPAddr).AddrPort()
		if err := accepted(address, client); err != nil {
			return fmt.Errorf("%d clients: %w", n, err)
		}
	}
	s.Values[webbench.Memory] =
		(server.Resident() - before) / float64(s.Clients)
	return nil
}

// accepted waits until a server has accepted a client.
func accepted(server, client netip.AddrPort) error {
	for deadline := time.Now().Add(patience); ; {
		side, err := kernel.SideOf(server, client)
		if err != nil || side.Inode != 0 {
			return err
		}
		if time.Now().After(deadline) {
			return fmt.Errorf("the server no longer accepts connections")
		}
		time.Sleep(time.Millisecond)
	}
}
