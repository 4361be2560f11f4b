package transcript

import "testing"

// Homes are in memory, unless TMPDIR names another folder.
func TestInMemory(t *testing.T) {
	t.Setenv("TMPDIR", "")
	if InMemory() == "" {
		t.Skip("there is no folder in memory with enough room for programs")
	}
	if folder := InMemory(); folder != "/dev/shm" {
		t.Errorf("homes are in %s", folder)
	}
	t.Setenv("TMPDIR", t.TempDir())
	if folder := InMemory(); folder != "" {
		t.Errorf("with TMPDIR, homes are in %s", folder)
	}
}
