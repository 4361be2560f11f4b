package live

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// The token has 128 bits, another one each time, and no other process sees it.
func TestToken(t *testing.T) {
	b, c := open(t, true), New(Config{})
	defer c.Close()
	if b.Token() == c.Token() || len(b.Token()) < 26 {
		t.Errorf("the tokens are %q and %q", b.Token(), c.Token())
	}
	reader := b.visit(t)
	reader.send(request{Do: "terminal"})
	reader.until("there is a terminal", func() bool { return len(reader.panes) == 2 })
	for _, file := range []string{"cmdline", "environ"} {
		for _, pid := range append(descendants(os.Getpid()), os.Getpid()) {
			text, err := os.ReadFile(fmt.Sprintf("/proc/%d/%s", pid, file))
			if err == nil && strings.Contains(string(text), b.Token()) {
				t.Errorf("%s of process %d has the token", file, pid)
			}
		}
	}
}
