package live

import (
	"os"
	"strings"
	"testing"

	"fopnp/internal/check/kernel"
	"fopnp/internal/netns"
)

// refuseNamespaces makes the kernel refuse namespaces to this process and all that it
// starts, as long as there is a user namespace around it. The settings of the machine
// stay as they are.
func refuseNamespaces() error {
	users, err := os.ReadFile("/proc/self/uid_map")
	if err != nil {
		return err
	}
	if f := strings.Fields(string(users)); len(f) != 3 || f[2] != "1" {
		return nil // this is the machine's own
	}
	if err := os.WriteFile("/proc/sys/user/max_user_namespaces", []byte("0"), 0); err != nil {
		return err
	}
	// Root needs no user namespace to create others.
	for _, kind := range []string{"net", "pid"} {
		if err := os.WriteFile("/proc/sys/user/max_"+kind+"_namespaces", []byte("0"), 0); err != nil {
			return err
		}
	}
	return nil
}

// On a system without namespaces, the page says which network it uses instead and why,
// and why a block of the playground does not run.
func TestRefused(t *testing.T) {
	if !inside() && netns.Supported() == nil {
		runInside(t)
		return
	}
	why, _ := refusal()
	if inside() && why != "the system allows no user namespaces" {
		t.Fatalf("the kernel does not refuse: %s", why)
	}
	b := open(t, true)
	c := b.visit(t)
	c.run(readme, b.block(readme, "go run ./chapter07/client localhost"))
	c.allAsPrinted(2)
	c.run(playground, b.block(playground, "traceroute -n -q 1 www.example.com"))
	c.allAsPrinted(2)
	c.until("both notes are there", func() bool { return len(c.notes) == 1 && len(c.begun) == 2 })
	for note, want := range map[string]string{
		c.begun[0]: "Programs use the ports of your machine, because " + why,
		c.notes[0]: "This block runs in the playground, which cannot run here: " + why,
	} {
		if !strings.HasPrefix(note, want) {
			t.Errorf("the page says %q, want %q", note, want)
		}
	}
	// A session that could not begin does not block the next one.
	c.run(readme, b.block(readme, "go run ./chapter07/client localhost"))
	c.allAsPrinted(4)
}

// A session that cannot begin says why, and leaves nothing.
func TestCannotBegin(t *testing.T) {
	b := open(t, false)
	c := b.visit(t)
	path := os.Getenv("PATH")
	t.Setenv("PATH", t.TempDir()) // where there is no bash
	c.run(readme, b.block(readme, "go run ./chapter07/client localhost"))
	c.until("the page says why", func() bool { return len(c.notes) == 1 })
	if !strings.Contains(c.notes[0], "bash") {
		t.Errorf("the page says %q", c.notes[0])
	}
	if left := len(kernel.Descendants(os.Getpid())); left > 0 {
		t.Errorf("%d processes are left", left)
	}
	os.Setenv("PATH", path)
	c.run(readme, b.block(readme, "go run ./chapter07/client localhost"))
	c.allAsPrinted(2)
}
