package conform

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// unaskedKernelChecks are the checks of Unasked that look into the server's
// process.
var unaskedKernelChecks = []Check{
	Alone("unasked/out of descriptors", unaskedOutOfDescriptors),
	{Name: "unasked/descriptors are closed", Run: unaskedDescriptors},
}

// When accept fails because there is no descriptor left, the server says so once
// per episode, does not spin, and goes on when it can.
func unaskedOutOfDescriptors(t *Trial) {
	t.visit() // opens what the server needs
	var old unix.Rlimit
	if err := unix.Prlimit(t.server(), unix.RLIMIT_NOFILE, nil, &old); err != nil {
		t.Fail(err)
	}
	for episode := 1; episode <= 2 && !t.Failed(); episode++ {
		t.untilOnlyListener()
		t.limitDescriptors(old, t.lowestFree())
		c := t.Connect()
		t.WaitFor(fmt.Sprintf(`(?:(?s:.*)%s\n){%d}`, t.complaint(), episode))
		t.DoesNotSpin()
		t.limitDescriptors(old, old.Cur)
		c.Hear(c)
		c.Leave()
		if said := strings.Count(t.Output(), "too many open files"); said != episode && !t.Failed() {
			t.Failf("it said %d times in %d episodes that it was out of descriptors", said, episode)
		}
	}
}

// However a conversation ends, the server closes its descriptor. It does not
// leave that to the garbage collector, which is off here.
func unaskedDescriptors(s Server) error {
	return serving(func(t *Trial) {
		t.visit()
		nothing(t)
		unaskedLeaves(t)
		t.untilOnlyListener()
	})(s.With("GOGC=off"))
}

// untilOnlyListener waits until the listener is the only socket that the server
// has open.
func (t *Trial) untilOnlyListener() {
	t.Until("the server has closed the sockets of its clients", func() bool {
		sockets := 0
		links, _ := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", t.server()))
		for _, link := range links {
			file, _ := os.Readlink(link) // "" if it is closed by now
			if strings.HasPrefix(file, "socket:") {
				sockets++
			}
		}
		return sockets == 1
	})
}
