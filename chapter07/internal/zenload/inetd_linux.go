package zenload

import (
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"time"

	"fopnp/internal/check/bench"
	"fopnp/internal/check/kernel"
	"fopnp/internal/check/progtest"
)

// ErrNoInetd is the error of a workload for the inetd pair if the machine has
// no inetd.
var ErrNoInetd = fmt.Errorf("inetd is not installed: %w", exec.ErrNotFound)

// runInetd starts inetd for one program of the pair, as inetd.conf configures
// it. The costs are those of inetd and of all that it starts.
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
	started, err := bench.Start(exec.Command(inetd, "-i", conf), bench.OnFirstProcessors)
	if err != nil {
		return nil, err
	}
	p := &process{Process: started, children: true, folder: folder}
	p.Port, _ = strconv.Atoi(port)
	for deadline := time.Now().Add(patience); !kernel.Listens(p.Port); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			p.stop()
			return nil, fmt.Errorf("inetd does not listen; it printed:\n%s", p.Output())
		}
	}
	return p, nil
}
