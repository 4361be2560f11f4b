package chatload

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/listings"
	"fopnp/internal/measured"
	"fopnp/lecture/internal/chatbench"
)

// A Place is where the servers' programs are. A server that needs more than its
// own command line gets it in serve.
type Place struct{ Bin string }

// serve starts a server on all processors but the last, which is the crowd's,
// and waits until it is ready. If the machine lacks what the server needs, the
// error is an exec.ErrNotFound that says so.
func (p Place) serve(server string) (*bench.Process, error) {
	l, _ := listings.Find(server)
	cmd := exec.Command(filepath.Join(p.Bin, server), l.ServeArgs("127.0.0.1", "0")...)
	return bench.Serve(cmd, bench.OnFirstProcessors, nil)
}

// Measure runs one round of a workload with a server. It returns a sample for
// each number of clients. The clients speak for a fifth of the workload's window
// first. A client that hears what it should not, or misses a message, is an
// error.
func (p Place) Measure(w chatbench.Workload, server string) (samples []measured.Sample, err error) {
	for _, clients := range w.Clients {
		process, err := p.serve(server)
		if err != nil {
			return nil, err
		}
		s := measured.Sample{Workload: w.Name, Clients: clients, Server: server, Values: map[string]float64{}}
		err = measure(&s, w, process)
		process.Stop()
		if err != nil {
			return nil, err
		}
		samples = append(samples, s)
	}
	return samples, nil
}

func measure(s *measured.Sample, w chatbench.Workload, process *bench.Process) error {
	c, err := newCrowd(process.Port, func(client string) error {
		_, err := process.WaitFor(regexp.MustCompile(
			"(?m)^Connection from " + regexp.QuoteMeta(client) + "\n"))
		return err
	})
	if err != nil {
		return err
	}
	defer c.close()
	if w.Speakers == 0 {
		before := process.Resident()
		if err := c.gather(s.Clients); err != nil {
			return err
		}
		s.Values[chatbench.Memory] = (process.Resident() - before) / float64(s.Clients)
		return nil
	}
	defer bench.WithoutGC()()
	return bench.OnLastProcessor(func() error { return watch(s, w, process, c) })
}

// watch lets the clients of a crowd talk, and notes what that costs.
func watch(s *measured.Sample, w chatbench.Workload, process *bench.Process, c *crowd) error {
	var unread *stuck
	if w.Stuck {
		if err := c.gather(1); err != nil {
			return err
		}
		var err error
		if unread, err = c.stick(); err != nil {
			return err
		}
		defer unread.sock.Close()
	}
	if err := c.gather(s.Clients); err != nil {
		return err
	}
	start := c.total
	// over reports whether a time is over, or so many bytes have come that the
	// stuck client could be thrown out soon.
	over := func(window time.Duration, messages, bytes int) func() bool {
		end := time.Now().Add(window)
		return func() bool {
			if unread != nil && c.total-start > bytes {
				return true
			}
			return c.arrived >= messages && !time.Now().Before(end)
		}
	}
	c.forget()
	speakers := c.clients[:min(w.Speakers, len(c.clients))]
	err := c.talk(speakers, chatbench.Text, over(w.Window/5, 1, most/4))
	if err != nil {
		return err
	}
	c.forget()
	segments, err := c.segments()
	if err != nil {
		return err
	}
	began, cpu, own := time.Now(), process.CPU(), bench.OwnCPU()
	if err = c.begin(speakers, chatbench.Text); err == nil {
		err = c.goOn(over(w.Window, chatbench.Least, most))
	}
	elapsed := time.Since(began)
	cpu, own = process.CPU()-cpu, bench.OwnCPU()-own
	deliveries := float64(c.deliveries)
	if err == nil {
		err = c.end()
	}
	if err == nil && unread != nil {
		err = unread.waits(c, least)
	}
	if err != nil {
		return err
	}
	after, err := c.segments()
	s.Questions = int(deliveries)
	s.Values[chatbench.Rate] = deliveries / elapsed.Seconds()
	s.Values[chatbench.CPU] = micro(cpu) / deliveries
	s.Values[chatbench.GeneratorCPU] = micro(own) / deliveries
	s.Values[chatbench.Median] = micro(time.Duration(c.latency.ValueAtPercentile(50)))
	s.Values[chatbench.P99] = micro(time.Duration(c.latency.ValueAtPercentile(99)))
	s.Values[chatbench.Batch] = float64(after-segments) / float64(c.deliveries)
	return err
}

func micro(d time.Duration) float64 { return float64(d) / 1000 }
