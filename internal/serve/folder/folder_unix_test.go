//go:build unix

package folder

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// A symbolic link may lead to another file of the folder, but not out of it, in
// any part of a name.
func TestSymlinks(t *testing.T) {
	root := tree(t)
	folder := open(t, root)
	links := map[string]string{
		"inside":        "page.txt",
		"sub/up":        "../page.txt",
		"subfolder":     "sub",
		"outside":       "../secret.txt",
		"sub/outside":   "../../secret.txt",
		"above":         "..",
		"sub/above":     "../..",
		"absolute":      filepath.Join(root, "page.txt"),
		"top":           "/",
		"loop":          "loop",
		"around":        "../www/page.txt",
		"broken":        "nosuch",
		"sub/roundtrip": "../../www/page.txt",
	}
	for name, to := range links {
		if err := os.Symlink(to, filepath.Join(root, name)); err != nil {
			t.Fatal(err)
		}
	}
	for name, want := range map[string]string{"inside": "page", "sub/up": "page", "subfolder/deep.txt": "deep", "subfolder/up": "page"} {
		if got, err := read(t, folder, name); got != want || err != nil {
			t.Errorf("%s has %q, %v, want %q", name, got, err, want)
		}
	}
	for _, name := range []string{
		"outside", "sub/outside", "subfolder/outside", "above/secret.txt", "sub/above/secret.txt", "above/www/page.txt",
		"absolute", "top/etc/passwd", "loop", "around", "broken", "sub/roundtrip",
	} {
		if got, err := read(t, folder, name); err == nil {
			t.Errorf("%s has %q", name, got)
		}
	}
}

// OpenFile returns at once even if a named pipe has no writer.
func TestNamedPipe(t *testing.T) {
	root := tree(t)
	if err := syscall.Mkfifo(filepath.Join(root, "pipe"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := read(t, open(t, root), "pipe"); !errors.Is(err, ErrNotPlain) {
		t.Errorf("%v, want %v", err, ErrNotPlain)
	}
}

// A device is not a plain file.
func TestDevice(t *testing.T) {
	if _, err := read(t, open(t, "/dev"), "null"); !errors.Is(err, ErrNotPlain) {
		t.Errorf("%v, want %v", err, ErrNotPlain)
	}
}
