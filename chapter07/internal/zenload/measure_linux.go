package zenload

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/chapter07/internal/zenbench"
)

// patience bounds every wait for something that must happen.
const patience = 30 * time.Second

// A process is a server that runs, alone on its processors.
type process struct {
	cmd    *exec.Cmd
	pid    int
	port   int
	output *os.File // what it prints, in memory: nobody is woken to read it

	children bool   // what its children cost is its own
	folder   string // which goes with it
}

// Timeline records the timeline of a server of the folder bin.
func Timeline(bin, server string, cost time.Duration) (zenbench.Timeline, error) {
	p, err := run(bin, server, "-d", cost.String())
	if err != nil {
		return zenbench.Timeline{}, err
	}
	defer p.stop()
	return zenbench.RecordTimeline(server, fmt.Sprintf("127.0.0.1:%d", p.port), cost)
}

// Run starts a server of the folder bin, which is to be stopped.
func Run(bin, server string) (port int, stop func(), err error) {
	p, err := run(bin, server)
	if err != nil {
		return 0, nil, err
	}
	return p.port, p.stop, nil
}

// run starts a program of the folder bin that announces its address.
func run(bin, name string, args ...string) (*process, error) {
	return serve(exec.Command(filepath.Join(bin, name), append([]string{"127.0.0.1", "-p", "0"}, args...)...))
}

// serve starts a server and waits until it has announced its address.
func serve(cmd *exec.Cmd) (*process, error) {
	p, err := start(cmd)
	if err != nil {
		return nil, err
	}
	announced := regexp.MustCompile(`Listening at \('127.0.0.1', (\d+)\)`)
	err = p.await(func() bool {
		if match := announced.FindSubmatch(p.printed()); match != nil {
			p.port, _ = strconv.Atoi(string(match[1]))
		}
		return p.port != 0
	})
	if err != nil {
		p.stop()
		return nil, fmt.Errorf("%s: %w", cmd.Path, err)
	}
	return p, nil
}

// start starts a program on all processors but the last, which is the crowd's.
func start(cmd *exec.Cmd) (*process, error) {
	fd, err := unix.MemfdCreate("output", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, err
	}
	output := os.NewFile(uintptr(fd), "output")
	// Every line goes to the end, whoever prints it.
	if _, err := unix.FcntlInt(uintptr(fd), unix.F_SETFL, unix.O_APPEND); err != nil {
		return nil, err
	}
	cmd.Stdout, cmd.Stderr = output, output
	err = onProcessors(firstProcessors, cmd.Start)
	if err != nil {
		output.Close()
		return nil, err
	}
	return &process{cmd: cmd, pid: cmd.Process.Pid, output: output}, nil
}

// printed is all that the program has printed so far.
func (p *process) printed() []byte {
	var text bytes.Buffer
	buffer := make([]byte, 4096)
	for {
		n, _ := p.output.ReadAt(buffer, int64(text.Len()))
		if n == 0 {
			return text.Bytes()
		}
		text.Write(buffer[:n])
	}
}

// await waits until something is so, and looks every millisecond.
func (p *process) await(isSo func() bool) error {
	for deadline := time.Now().Add(patience); !isSo(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			return fmt.Errorf("not ready; it printed:\n%s", p.printed())
		}
	}
	return nil
}

func (p *process) stop() {
	p.cmd.Process.Signal(syscall.SIGTERM)
	p.cmd.Wait()
	p.output.Close()
	if p.folder != "" {
		os.RemoveAll(p.folder)
	}
}

// cpu is the time that the processors have spent for the server so far. The
// clock is that of clock_getcpuclockid(3).
func (p *process) cpu() time.Duration {
	if p.children {
		return family(p.pid)
	}
	const perProcess = 2
	return clock(^int32(p.pid)<<3 | perProcess)
}

func clock(id int32) time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(id, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// status is a number of the server's /proc/PID/status.
func (p *process) status(key string) float64 {
	text, _ := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.pid))
	_, after, _ := strings.Cut(string(text), "\n"+key+":")
	fields := strings.Fields(after)
	if len(fields) == 0 {
		return 0
	}
	n, _ := strconv.ParseFloat(fields[0], 64)
	return n
}

// resident is the server's memory that is in use, in bytes.
func (p *process) resident() float64 { return 1024 * p.status("VmRSS") }

// Which processors somebody runs on. With one alone, everybody shares it.
func firstProcessors(all []int) []int { return all[:max(1, len(all)-1)] }
func lastProcessor(all []int) []int   { return all[len(all)-1:] }

// onProcessors calls do in a thread that may run, as may the processes it
// starts, on some of the processors that this process has.
func onProcessors(which func([]int) []int, do func() error) error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return err
	}
	var all []int
	for i := 0; len(all) < before.Count(); i++ {
		if before.IsSet(i) {
			all = append(all, i)
		}
	}
	var some unix.CPUSet
	for _, i := range which(all) {
		some.Set(i)
	}
	if err := unix.SchedSetaffinity(0, &some); err != nil {
		return err
	}
	defer unix.SchedSetaffinity(0, &before)
	return do()
}

// A workload has what is done with it here.
type workload struct{ zenbench.Workload }

// Measure has a workload's clients ask a server once, a program of the folder
// bin, for the time of the workload's window and a fifth longer, in which they
// arrive. There is a sample for each number of clients, and for a crowd one of
// its memory at each size. Of the inetd pair the error is ErrNoInetd where there
// is none.
func Measure(load zenbench.Workload, bin, server string) ([]zenbench.Sample, error) {
	w := workload{load}
	var samples []zenbench.Sample
	if w.Crowd > 0 { // the same crowd serves all of them
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
		slow, err := dialSlow(p.port)
		if err != nil {
			return s, err
		}
		defer slow.Close()
	}
	c, err := newCrowd(p.port)
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

// gc is held by whoever has turned the garbage collector off.
var gc sync.Mutex

// withoutGC turns the garbage collector off, which would share the processor
// with the clients, after a last collection. It waits while somebody else has.
func withoutGC() (restore func()) {
	gc.Lock()
	percent := debug.SetGCPercent(-1)
	runtime.GC()
	return func() {
		debug.SetGCPercent(percent)
		gc.Unlock()
	}
}

// watch has the clients of a crowd talk, and reports what they do in the
// workload's window.
func (w workload) watch(p *process, c *crowd, server string, active int) (zenbench.Sample, error) {
	defer withoutGC()()
	s := zenbench.Sample{Workload: w.Name, Server: server, Clients: active, Values: map[string]float64{}}
	window := w.Window
	if zenbench.AtOnce[server] > 0 {
		// Who waits in the queue shall be seen to have waited.
		window = max(window, time.Duration(active)*time.Millisecond)
	}
	err := onProcessors(lastProcessor, func() error {
		if err := c.converse(active, w.Talk, time.Now().Add(window/5)); err != nil {
			return err
		}
		c.reset()
		began, cpu, own := time.Now(), p.cpu(), clock(unix.CLOCK_THREAD_CPUTIME_ID)
		err := c.converse(active, w.Talk, began.Add(window))
		elapsed := time.Since(began)
		cpu, own = p.cpu()-cpu, clock(unix.CLOCK_THREAD_CPUTIME_ID)-own

		s.Questions, s.Errors = c.questions, c.errors
		s.Values[zenbench.Rate] = float64(c.questions) / elapsed.Seconds()
		s.Values[zenbench.Threads] = p.status("Threads")
		if c.questions == 0 {
			return err
		}
		s.Values[zenbench.GeneratorCPU] = micro(own) / float64(c.questions)
		if cpu > 0 { // inetd's clock ticks every 10 ms and may not have ticked
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

// measureCrowd gathers a crowd, notes what it costs while it grows, and has some
// of it talk.
func (w workload) measureCrowd(p *process, server string) (samples []zenbench.Sample, err error) {
	c, err := newCrowd(p.port)
	if err != nil {
		return nil, err
	}
	defer c.close()
	before := p.resident()
	for _, size := range crowdSizes {
		if size > w.Crowd {
			break
		}
		if err := onProcessors(lastProcessor, func() error { return c.gather(size, patience) }); err != nil {
			return nil, fmt.Errorf("%s: %w", server, err)
		}
		samples = append(samples, zenbench.Sample{Workload: "memory", Clients: size, Server: server,
			Values: map[string]float64{zenbench.Memory: (p.resident() - before) / float64(size)}})
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

// crowdSizes are those at which the memory is looked at.
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
