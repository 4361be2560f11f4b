package main

import (
	"debug/elf"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"

	"fopnp/internal/check/progtest"
)

// Without cgo, the playground is a static program, and still resolves names and
// users.
func TestStatic(t *testing.T) {
	if !progtest.All() {
		t.Skip("it builds the playground a second time: run it with -all")
	}
	needsNamespaces(t)
	t.Parallel()
	program := filepath.Join(t.TempDir(), "playground")
	build := exec.Command("go", "build", "-buildvcs=false", "-o", program, ".")
	build.Env = append(build.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
	file, err := elf.Open(program)
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	if slices.ContainsFunc(file.Progs, func(p *elf.Prog) bool { return p.Type == elf.PT_INTERP }) {
		t.Error("it is linked with shared libraries")
	}
	cmd := exec.Command(program, "h1", "ssh www.example.com id -un; ping -c 1 -q mail | grep -o '1 received'")
	cmd.Env = append(own(), "PLAYGROUND_OWN=1")
	if out, err := cmd.CombinedOutput(); string(out) != "root\n1 received\n" || err != nil {
		t.Errorf("it printed %q (%v)", out, err)
	}
}
