package folder

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
)

// tree makes a folder with two files and a subfolder with one, and a file
// beside the folder.
func tree(t *testing.T) string {
	t.Helper()
	top := t.TempDir()
	root := filepath.Join(top, "www")
	if err := os.MkdirAll(filepath.Join(root, "sub"), 0o777); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"www/page.txt": "page", "www/sub/deep.txt": "deep", "secret.txt": "secret", "www/empty": "",
	} {
		if err := os.WriteFile(filepath.Join(top, filepath.FromSlash(name)), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return root
}

func open(t *testing.T, root string) *Folder {
	t.Helper()
	folder, err := Open(root)
	if err != nil {
		t.Fatal(err)
	}
	return folder
}

// read returns the contents of a file of the folder.
func read(t *testing.T, folder *Folder, name string) (string, error) {
	t.Helper()
	file, size, err := folder.OpenFile(name)
	if err != nil {
		return "", err
	}
	defer file.Close()
	data, err := io.ReadAll(file)
	if int64(len(data)) != size {
		t.Errorf("%s has %d bytes, and its size is %d", name, len(data), size)
	}
	return string(data), err
}

func TestOpenFile(t *testing.T) {
	folder := open(t, tree(t))
	for name, want := range map[string]string{
		"page.txt": "page", "sub/deep.txt": "deep", "./page.txt": "page", "sub/../page.txt": "page", "empty": "",
	} {
		if got, err := read(t, folder, name); got != want || err != nil {
			t.Errorf("%s has %q, %v, want %q", name, got, err, want)
		}
	}
}

// No name leads out of the folder.
func TestOutside(t *testing.T) {
	root := tree(t)
	folder := open(t, root)
	secret, err := filepath.Abs(filepath.Join(root, "..", "secret.txt"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{
		"../secret.txt", "sub/../../secret.txt", "../www/page.txt", "..", secret, "/" + secret, `..\secret.txt`,
		"", "nosuch.txt", "page.txt/", "page.txt/x", "page.txt\x00", "nosuch/../../secret.txt",
	} {
		if got, err := read(t, folder, name); err == nil {
			t.Errorf("%q has %q", name, got)
		}
	}
}

// A folder that is missing and a file in place of a folder are errors.
func TestOpen(t *testing.T) {
	root := tree(t)
	if _, err := Open(filepath.Join(root, "nosuch")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a missing folder: %v", err)
	}
	if _, err := Open(filepath.Join(root, "page.txt")); err == nil {
		t.Error("a file in place of the folder was opened")
	}
}

func TestDirectory(t *testing.T) {
	folder := open(t, tree(t))
	for _, name := range []string{"sub", ".", "sub/"} {
		if _, err := read(t, folder, name); !errors.Is(err, ErrNotPlain) {
			t.Errorf("%s: %v, want %v", name, err, ErrNotPlain)
		}
	}
}
