//go:build unix

package folder

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A plain file may take the place of a plain file, of nothing, and of a link to
// one of these, but not of anything else, or of a link to it.
func TestMayReplace(t *testing.T) {
	root := tree(t)
	in := func(name string) string { return filepath.Join(root, name) }
	if err := syscall.Mkfifo(in("pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	output, err := os.Create(in("output"))
	if err != nil {
		t.Fatal(err)
	}
	defer output.Close()
	defer func(stdout *os.File) { os.Stdout = stdout }(os.Stdout)
	os.Stdout = output
	for link, to := range map[string]string{
		"to page": "page.txt", "to nothing": "nosuch", "to pipe": "pipe", "to sub": "sub", "to device": os.DevNull,
		"to link": "to device", "to output": "output", "loop": "loop",
	} {
		if err := os.Symlink(to, in(link)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]error{
		"page.txt": nil, "nosuch": nil, "to page": nil, "to nothing": nil, "output": nil,
		"pipe": ErrNotPlain, "sub": ErrNotPlain, "to pipe": ErrNotPlain, "to sub": ErrNotPlain,
		"to device": ErrNotPlain, "to link": ErrNotPlain, "to output": ErrNotPlain,
		"loop": syscall.ELOOP, "page.txt/x": syscall.ENOTDIR,
	} {
		if err := MayReplace(in(name)); !errors.Is(err, want) || (err == nil) != (want == nil) {
			t.Errorf("%s: got %v, want %v", name, err, want)
		}
	}
}
