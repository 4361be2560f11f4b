package zenload

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/check/bench"
	"fopnp/internal/check/kernel"
	"fopnp/internal/listings"
	"fopnp/internal/serve/child"
)

// patience limits every wait for something that must happen.
const patience = child.Patience

// A process is a running server, which does not share its processors with the
// clients if there is more than one.
type process struct {
	*bench.Process
	children bool   // what its children cost counts as its own cost
	folder   string // that stop removes, or ""
}

// Timeline records the timeline of a server in the folder bin.
func Timeline(bin, server string, cost time.Duration) (zenbench.Timeline, error) {
	p, err := run(bin, server, "-d", cost.String())
	if err != nil {
		return zenbench.Timeline{}, err
	}
	defer p.stop()
	return zenbench.RecordTimeline(server, fmt.Sprintf("127.0.0.1:%d", p.Port), cost)
}

// Run starts a server in the folder bin. The caller must call stop.
func Run(bin, server string) (port int, stop func(), err error) {
	p, err := run(bin, server)
	if err != nil {
		return 0, nil, err
	}
	return p.Port, p.stop, nil
}

// run starts a program in the folder bin and waits until it is ready.
func run(bin, name string, options ...string) (*process, error) {
	l, _ := listings.Find(name) // a variant is not a listing, but has the same arguments
	return serve(exec.Command(filepath.Join(bin, name), l.ServeArgs("127.0.0.1", "0", options...)...))
}

// serve starts a server on all processors but the last, which is the crowd's,
// and waits until it is ready.
func serve(cmd *exec.Cmd) (*process, error) {
	p, err := bench.Serve(cmd, bench.OnFirstProcessors, nil)
	if err != nil {
		return nil, err
	}
	return &process{Process: p}, nil
}

func (p *process) stop() {
	p.Stop()
	if p.folder != "" {
		os.RemoveAll(p.folder)
	}
}

// cpu returns the CPU time that the server has used so far.
func (p *process) cpu() time.Duration {
	if p.children {
		return kernel.FamilyCPU(p.Pid)
	}
	return p.CPU()
}

// A workload is a zenbench.Workload that this package runs.
type workload struct{ zenbench.Workload }

// Measure runs one round of a workload with a server, a program in the folder
// bin. The clients arrive and ask for a fifth of the workload's window first,
// and then for the whole window. Measure returns a sample for each number of
// clients, and for a crowd also one of the server's memory at each size. For
// the inetd pair, the error is ErrNoInetd if the machine has no inetd.
func Measure(load zenbench.Workload, bin, server string) ([]zenbench.Sample, error) {
	w := workload{load}
	var samples []zenbench.Sample
	if w.Crowd > 0 { // one crowd does for all numbers of clients
		p, err := w.start(bin, server)
		if err != nil {
			return nil, err
		}
		defer p.stop()
		return w.measureCrowd(p, server)
	}
	for _, clients := range w.Clients {
		p, err := w.start(bin, server)
		if err != nil {
			return nil, err
		}
		s, err := w.measure(p, server, clients)
		p.stop()
		if err != nil {
			return nil, err
		}
		samples = append(samples, s)
	}
	return samples, nil
}

func (w workload) start(bin, server string) (*process, error) {
	if server == zenbench.InetdPair[0] || server == zenbench.InetdPair[1] {
		return runInetd(bin, server)
	}
	return run(bin, server, w.Args...)
}

func (w workload) measure(p *process, server string, clients int) (s zenbench.Sample, err error) {
	if w.Slow {
		slow, err := dialSlow(p.Port)
		if err != nil {
			return s, err
		}
		defer slow.Close()
	}
	c, err := newCrowd(p.Port)
	if err != nil {
		return s, err
	}
	defer c.close()
	s, err = w.watch(p, c, server, clients)
	if err == nil && w.Talk.Questions == 0 {
		s.Values[zenbench.ClientsServed] = float64(c.served())
	}
	return s, err
}

// watch makes the clients of a crowd talk, and reports what they do in the
// workload's window.
func (w workload) watch(p *process, c *crowd, server string, active int) (zenbench.Sample, error) {
	defer bench.WithoutGC()()
	s := zenbench.Sample{Workload: w.Name, Server: server, Clients: active, Values: map[string]float64{}}
	window := w.Window
	if zenbench.AtOnce(server) > 0 {
		// This is long enough to show that clients in the queue had to wait.
		window = max(window, time.Duration(active)*time.Millisecond)
	}
	err := bench.OnLastProcessor(func() error {
		if err := c.converse(active, w.Talk, time.Now().Add(window/5)); err != nil {
			return err
		}
		c.reset()
		began, cpu, own := time.Now(), p.cpu(), bench.OwnCPU()
		err := c.converse(active, w.Talk, began.Add(window))
		elapsed := time.Since(began)
		cpu, own = p.cpu()-cpu, bench.OwnCPU()-own

		s.Questions, s.Errors = c.questions, c.errors
		s.Values[zenbench.Rate] = float64(c.questions) / elapsed.Seconds()
		s.Values[zenbench.Threads] = p.Status("Threads")
		if c.questions == 0 {
			return err
		}
		s.Values[zenbench.GeneratorCPU] = micro(own) / float64(c.questions)
		if cpu > 0 { // inetd's CPU time comes in units of 10 ms, so it may be 0
			s.Values[zenbench.CPU] = micro(cpu) / float64(c.questions)
		}
		if cpu > 0 && c.conversations > 0 {
			s.Values[zenbench.CPUEach] = micro(cpu) / float64(c.conversations)
		}
		for unit, percentile := range map[string]float64{zenbench.Median: 50, zenbench.P99: 99, zenbench.P999: 99.9} {
			s.Values[unit] = micro(time.Duration(c.latency.ValueAtPercentile(percentile)))
		}
		return err
	})
	return s, err
}

func micro(d time.Duration) float64 { return float64(d) / 1000 }

// measureCrowd gathers a crowd, notes the server's memory while the crowd
// grows, and makes some of its clients talk.
func (w workload) measureCrowd(p *process, server string) (samples []zenbench.Sample, err error) {
	c, err := newCrowd(p.Port)
	if err != nil {
		return nil, err
	}
	defer c.close()
	before := p.Resident()
	for _, size := range crowdSizes {
		if size > w.Crowd {
			break
		}
		if err := bench.OnLastProcessor(func() error { return c.gather(size, patience) }); err != nil {
			return nil, fmt.Errorf("%s: %w", server, err)
		}
		samples = append(samples, zenbench.Sample{Workload: "memory", Clients: size, Server: server,
			Values: map[string]float64{zenbench.Memory: (p.Resident() - before) / float64(size)}})
	}
	for _, clients := range w.Clients {
		s, err := w.watch(p, c, server, clients)
		if err != nil {
			return nil, err
		}
		samples = append(samples, s)
	}
	return samples, nil
}

// crowdSizes are the sizes at which measureCrowd notes the memory.
var crowdSizes = []int{100, 300, 1000, 3000, 10_000}

// dialSlow begins a question that has no end.
func dialSlow(port int) (net.Conn, error) {
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return nil, err
	}
	go func() {
		for err := error(nil); err == nil; time.Sleep(10 * time.Millisecond) {
			_, err = conn.Write([]byte("s"))
		}
	}()
	return conn, nil
}
