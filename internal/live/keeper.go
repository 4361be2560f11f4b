package live

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"fopnp/internal/live/lanes"
	"fopnp/internal/netns"
)

// keeperEnv is an environment variable. A program that has it is a keeper: it reads
// orders from its standard input and writes reports to its standard output, each a
// JSON text. When there are no more orders, it ends all processes of its session,
// removes the session's folder, and exits.
const keeperEnv = "FOPNP_LIVE_KEEPER"

// An order tells a keeper what to do.
type order struct {
	Do string // one of the constants below

	Args, Env []string
	Dir       string // for start: where; for home: the folder to remove in the end
	Terminal  string // for start: its path

	Pid    int
	Signal int
}

const (
	doStart  = "start"  // a program at a terminal; the answer is its Pid, or an Error
	doSignal = "signal" // send one to the process group Pid; there is no answer
	doAsk    = "ask"    // whether the process Pid runs
	doHome   = "home"   // remember Dir; there is no answer
)

// A report is a message from a keeper: an answer to an order, or an event.
type report struct {
	Answer bool
	Pid    int
	Runs   bool
	Error  string

	Exited int // the process id of a program that was started and has ended
	Lanes  []lanes.Event
	Note   string // for the reader
}

// A keeper is the first process of a session, as its parent sees it.
type keeper struct {
	network *netns.Network // nil if it shares the system's
	pid     int            // as we see it
	orders  *os.File
	wait    func() error // waits until it has exited
	kill    func()
	dead    chan struct{} // closed when its last report has come
	answers chan report

	// These are called when the keeper reports something, one at a time.
	exited func(pid int)
	lanes  func([]lanes.Event)
	note   func(string)

	asking sync.Mutex
}

// startKeeper starts a keeper, on the system's network if shared is true, and otherwise
// on a private one.
func startKeeper(shared bool, exited func(pid int), lanes func([]lanes.Event), note func(string)) (*keeper, error) {
	orders, ours, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	defer orders.Close()
	reports, theirs, err := os.Pipe()
	if err != nil {
		ours.Close()
		return nil, err
	}
	defer theirs.Close()
	cmd := exec.Command(self())
	cmd.Env = append(os.Environ(), keeperEnv+"=1")
	cmd.Stdin, cmd.Stdout, cmd.Stderr = orders, theirs, os.Stderr
	k := &keeper{
		orders: ours, exited: exited, lanes: lanes, note: note,
		dead: make(chan struct{}), answers: make(chan report),
	}
	if shared {
		err = startShared(cmd)
		k.wait, k.kill = cmd.Wait, func() { cmd.Process.Kill() }
	} else if k.network, err = netns.Start(cmd); err == nil {
		k.wait, k.kill = k.network.Wait, k.network.Close
	}
	if err != nil {
		ours.Close()
		reports.Close()
		return nil, err
	}
	k.pid = cmd.Process.Pid
	go k.listen(reports)
	return k, nil
}

// listen handles the keeper's reports.
func (k *keeper) listen(reports *os.File) {
	defer close(k.dead)
	defer reports.Close()
	for d := json.NewDecoder(reports); ; {
		var r report
		if d.Decode(&r) != nil {
			return // it has ended
		}
		switch {
		case r.Answer:
			k.answers <- r
		case r.Exited != 0:
			k.exited(r.Exited)
		case r.Lanes != nil:
			k.lanes(r.Lanes)
		case r.Note != "":
			k.note(r.Note)
		}
	}
}

var errKeeperDead = errors.New("the session has ended")

func (k *keeper) order(o order) error {
	text, err := json.Marshal(o)
	if err != nil {
		return err
	}
	if _, err := k.orders.Write(append(text, '\n')); err != nil {
		return errKeeperDead
	}
	return nil
}

// ask sends an order and waits for its answer.
func (k *keeper) ask(o order) (report, error) {
	k.asking.Lock()
	defer k.asking.Unlock()
	if err := k.order(o); err != nil {
		return report{}, err
	}
	select {
	case r := <-k.answers:
		if r.Error != "" {
			return r, errors.New(r.Error)
		}
		return r, nil
	case <-k.dead:
		return report{}, errKeeperDead
	}
}

// start starts a program at a terminal and returns its process id, as the session
// sees it.
func (k *keeper) start(cmd *exec.Cmd, terminal string) (pid int, err error) {
	r, err := k.ask(order{Do: doStart, Args: cmd.Args, Env: cmd.Env, Dir: cmd.Dir, Terminal: terminal})
	return r.Pid, err
}

// signal sends a signal to a process group.
func (k *keeper) signal(pid, number int) { k.order(order{Do: doSignal, Pid: pid, Signal: number}) }

// runs reports whether a process runs.
func (k *keeper) runs(pid int) bool {
	r, err := k.ask(order{Do: doAsk, Pid: pid})
	return err == nil && r.Runs
}

// end tells the keeper to end the session.
func (k *keeper) end() { k.orders.Close() } // it ends when there are no more orders

// close ends the session and waits until its processes are dead.
func (k *keeper) close() {
	k.end()
	select {
	case <-k.dead:
	case <-time.After(keeperPatience):
		k.kill()
	}
	k.wait() // its error says how it was killed
}

// keeperPatience is how long a keeper may take to end its session.
const keeperPatience = 5 * time.Second

// A keeperState is the keeper's own view.
type keeperState struct {
	mu      sync.Mutex
	reports *json.Encoder
	pids    map[int]bool // of the programs that were started
	dir     string
}

func (k *keeperState) report(r report) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.reports.Encode(r) // if it fails, the server is dead, and the orders end, too
}

// obey carries out orders until there are no more.
func (k *keeperState) obey(orders io.Reader) {
	for d := json.NewDecoder(orders); ; {
		var o order
		if d.Decode(&o) != nil {
			return
		}
		switch o.Do {
		case doStart:
			r := report{Answer: true}
			var err error
			if r.Pid, err = k.start(o); err != nil {
				r.Error = err.Error()
			}
			k.report(r)
		case doSignal:
			signalGroup(o.Pid, o.Signal)
		case doAsk:
			k.report(report{Answer: true, Runs: processRuns(o.Pid)})
		case doHome:
			k.dir = o.Dir
		}
	}
}
