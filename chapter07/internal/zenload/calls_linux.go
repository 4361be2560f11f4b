package zenload

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/internal/check/kernel"
)

// SystemCalls counts with strace how many system calls a question costs a
// server. It counts only calls that a question can cause, because the Go
// runtime makes others as time passes. Under strace the server is slow, so all
// of its clients wait for it, as they do at a busy server. The table is what
// strace wrote.
func SystemCalls(bin, server string, clients, questions int) (calls float64, table string, err error) {
	folder, err := os.MkdirTemp("", "strace")
	if err != nil {
		return 0, "", err
	}
	defer os.RemoveAll(folder)
	trace := filepath.Join(folder, "trace")
	p, err := serve(exec.Command("strace", "-f", "--seccomp-bpf", "-c", "-U", "calls,name",
		"-e", "trace=read,write,recvfrom,sendto,poll,ppoll,epoll_wait,epoll_pwait", "-o", trace,
		filepath.Join(bin, server), "127.0.0.1", "-p", "0"))
	if err != nil {
		return 0, "", err
	}
	defer p.stop()
	asked, err := p.ask(clients, questions)
	if err != nil {
		return 0, "", err
	}
	// The server is strace's child. When it ends, strace writes its table.
	for _, child := range kernel.Children(p.Pid) {
		unix.Kill(child, unix.SIGTERM)
	}
	if err := p.Wait(); err != nil {
		return 0, "", err
	}
	text, err := os.ReadFile(trace)
	if err != nil {
		return 0, "", err
	}
	lines := strings.Split(strings.TrimSpace(string(text)), "\n")
	total, err := strconv.ParseFloat(strings.Fields(lines[len(lines)-1])[0], 64)
	if err != nil {
		return 0, "", fmt.Errorf("strace wrote:\n%s", text)
	}
	return total / float64(asked), string(text), nil
}

// ask makes clients ask until the server has answered at least that many
// questions, and returns how many it has answered.
func (p *process) ask(clients, questions int) (int, error) {
	c, err := newCrowd(p.Port)
	if err != nil {
		return 0, err
	}
	defer c.close()
	for deadline := time.Now().Add(patience); c.questions < questions; {
		if err := c.converse(clients, zenbench.Talk{Depth: 1}, time.Now().Add(20*time.Millisecond)); err != nil {
			return 0, err
		}
		if c.errors > 0 || time.Now().After(deadline) {
			return 0, fmt.Errorf("%d answers, %d errors", c.questions, c.errors)
		}
	}
	return c.questions, nil
}
