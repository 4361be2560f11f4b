package zenload

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"fopnp/internal/check/progtest"
)

// ErrNoInetd is what a workload of the inetd pair fails with where there is no
// inetd.
var ErrNoInetd = exec.ErrNotFound

// runInetd has inetd serve one of the pair as inetd.conf has them. The costs are
// those of inetd and of whatever it starts.
func runInetd(bin, name string) (*process, error) {
	inetd, err := exec.LookPath("inetd")
	if err != nil {
		return nil, ErrNoInetd
	}
	me, err := user.Current()
	if err != nil {
		return nil, err
	}
	port, release, err := progtest.ReservePort()
	if err != nil {
		return nil, err
	}
	defer release()
	mode := map[string]string{"in_zen1": "nowait.100000", "in_zen2": "wait.100000"}[name]
	folder, err := os.MkdirTemp("", "inetd")
	if err != nil {
		return nil, err
	}
	conf := filepath.Join(folder, "inetd.conf")
	line := fmt.Sprintf("127.0.0.1:%s stream tcp %s %s %s %s -l /dev/null\n",
		port, mode, me.Username, filepath.Join(bin, name), name)
	if err := os.WriteFile(conf, []byte(line), 0o600); err != nil {
		return nil, err
	}
	p, err := start(exec.Command(inetd, "-i", conf))
	if err != nil {
		return nil, err
	}
	p.port, _ = strconv.Atoi(port)
	p.folder = folder
	p.children = true
	if err := p.await(func() bool { return listens(p.port) }); err != nil {
		p.stop()
		return nil, err
	}
	return p, nil
}

// listens reports whether somebody listens at a port of 127.0.0.1. To find out
// by connecting would start a program.
func listens(port int) bool {
	const listening = "0A"
	table, _ := os.ReadFile("/proc/net/tcp")
	want := fmt.Sprintf("0100007F:%04X", port)
	for line := range strings.Lines(string(table)) {
		if words := strings.Fields(line); len(words) > 3 && words[1] == want && words[3] == listening {
			return true
		}
	}
	return false
}

// family is the time that was spent for a process, for its children that have
// ended, and for those that run.
func family(pid int) (spent time.Duration) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return 0 // it has just ended: its parent knows
	}
	// After the name, which may hold anything, in ticks of 10 ms.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	for _, field := range fields[11:15] { // utime stime cutime cstime
		ticks, _ := strconv.Atoi(field)
		spent += time.Duration(ticks) * 10 * time.Millisecond
	}
	for _, child := range children(pid) {
		spent += family(child)
	}
	return spent
}

// children are the processes that a process has started.
func children(pid int) (pids []int) {
	list, _ := os.ReadFile(fmt.Sprintf("/proc/%d/task/%d/children", pid, pid))
	for _, word := range strings.Fields(string(list)) {
		child, _ := strconv.Atoi(word)
		pids = append(pids, child)
	}
	return pids
}
