//go:build unix

package live

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
)

const keeperSupported = true

func keeperMain() {
	if os.Getenv(keeperEnv) == "" {
		return
	}
	os.Unsetenv(keeperEnv)
	// We end when the orders do, and not when a reader presses Ctrl-C where the
	// server was started. If we ignored the signals, all programs that we start
	// would ignore them, too.
	caught := make(chan os.Signal, 1)
	signal.Notify(caught, syscall.SIGINT, syscall.SIGQUIT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE, syscall.SIGTSTP)

	adopt()
	k := &keeperState{reports: json.NewEncoder(os.Stdout), pids: map[int]bool{}}
	go k.reap()
	w := newWatcher()
	go w.watch(k)
	k.obey(os.Stdin)
	k.end()
	if k.dir != "" {
		os.RemoveAll(k.dir)
	}
	os.Exit(0)
}

// start starts a program that leads the session of a terminal.
func (k *keeperState) start(o order) (pid int, err error) {
	terminal, err := os.OpenFile(o.Terminal, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		return 0, err
	}
	defer terminal.Close()
	path, err := exec.LookPath(o.Args[0])
	if err != nil {
		return 0, err
	}
	fd := terminal.Fd()
	k.mu.Lock() // reap must not find a program that is not in pids yet
	defer k.mu.Unlock()
	pid, err = syscall.ForkExec(path, o.Args, &syscall.ProcAttr{
		Dir: o.Dir, Env: o.Env, Files: []uintptr{fd, fd, fd},
		Sys: &syscall.SysProcAttr{Setsid: true, Setctty: true, Ctty: 0},
	})
	if err != nil {
		return 0, fmt.Errorf("start %s: %w", path, err)
	}
	k.pids[pid] = true
	return pid, nil
}

// reap waits for every child that ends: the programs that we started, and
// orphans.
func (k *keeperState) reap() {
	children := make(chan os.Signal, 1)
	signal.Notify(children, syscall.SIGCHLD)
	for range children {
		for {
			var status syscall.WaitStatus
			pid, err := syscall.Wait4(-1, &status, syscall.WNOHANG, nil)
			if err == syscall.EINTR {
				continue
			}
			if pid <= 0 {
				break
			}
			k.mu.Lock()
			started := k.pids[pid]
			delete(k.pids, pid)
			k.mu.Unlock()
			if started {
				k.report(report{Exited: pid})
			}
		}
	}
}

func signalGroup(pid, number int) {
	if pid > 1 {
		syscall.Kill(-pid, syscall.Signal(number))
	}
}

func processRuns(pid int) bool { return pid > 0 && syscall.Kill(pid, 0) == nil }

// startShared starts a keeper that shares the system's network.
func startShared(cmd *exec.Cmd) error {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // Ctrl-C at our terminal must not reach it
	return cmd.Start()
}
