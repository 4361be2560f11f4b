package bench

import (
	"os/exec"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"
	"testing"

	"fopnp/internal/check/progtest"
)

// shell returns a command that runs a script of the shell.
func shell(script string) *exec.Cmd { return exec.Command("sh", "-c", script) }

func TestServe(t *testing.T) {
	t.Parallel()
	onPort := regexp.MustCompile(`(?m)^on port (\d+)\n`)
	for script, ready := range map[string]*regexp.Regexp{
		"echo 'Listening at ('\\''127.0.0.1'\\'', 1060)'": nil,
		"echo welcome; echo on port 1060":                 onPort,
	} {
		p, err := Serve(shell(script+"; while :; do :; done"), nil, ready)
		if err != nil {
			t.Errorf("%s: %v", script, err)
			continue
		}
		if p.Port != 1060 {
			t.Errorf("%s: port %d", script, p.Port)
		}
		// The kernel counts CPU time only now and then, for example at a timer tick.
		progtest.Until(t, "it has cost something", func() bool { return p.CPU() > 0 })
		if p.Resident() <= 0 || p.Peak() < p.Resident() || p.Status("Threads") != 1 {
			t.Errorf("%v, %v bytes, at most %v, in %v threads", p.CPU(), p.Resident(), p.Peak(), p.Status("Threads"))
		}
		p.Stop()
		if p.CPU() != 0 || p.Resident() != 0 {
			t.Errorf("after its end, a program costs %v and has %v bytes", p.CPU(), p.Resident())
		}
	}
}

// If a server ends before it is ready, the error contains what it printed.
func TestServeFails(t *testing.T) {
	t.Parallel()
	for script, want := range map[string]string{
		"echo no room; exit 1": "no room",
		"echo on port many":    "on port many",
	} {
		p, err := Serve(shell(script), nil, regexp.MustCompile(`(?m)^on port (\d+)\n`))
		if err == nil {
			t.Errorf("%s: port %d", script, p.Port)
			p.Stop()
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v", script, err)
		}
	}
}

func TestThisMachine(t *testing.T) {
	m := ThisMachine()
	if m.Date == "" || m.CPU == "" || m.Processors < 1 || !strings.HasPrefix(m.Kernel, "Linux ") ||
		m.System != "linux/"+runtime.GOARCH || m.Go != runtime.Version() {
		t.Errorf("%+v", m)
	}
}

// The garbage collector is off until restore is called.
func TestWithoutGC(t *testing.T) {
	before := debug.SetGCPercent(70)
	defer debug.SetGCPercent(before)
	restore := WithoutGC()
	if percent := debug.SetGCPercent(-1); percent != -1 {
		t.Errorf("the collector runs at %d %%", percent)
	}
	restore()
	if percent := debug.SetGCPercent(70); percent != 70 {
		t.Errorf("then it runs at %d %%, want 70", percent)
	}
}
