package basics

import (
	"bytes"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// Finish renames FILE.part. So FILE becomes the new file at once, and a reader
// of the old one still has all of it.
func TestPartIsRenamed(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("Windows cannot rename a file that another program has open")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(path, []byte("the old file\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	p, err := OpenPart(path)
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if _, err := p.Write([]byte(helloWorld)); err != nil {
		t.Fatal(err)
	}
	part, err := os.Open(path + ".part") // so no new file gets its number
	if err != nil {
		t.Fatal(err)
	}
	defer part.Close()
	if err := p.Finish(Answer{int64(len(helloWorld)), helloHash}, strings.NewReader("")); err != nil {
		t.Fatal(err)
	}
	began, err1 := part.Stat()
	finished, err2 := os.Lstat(path)
	if err1 != nil || err2 != nil || !os.SameFile(began, finished) {
		t.Errorf("the file is not the part (%v, %v)", err1, err2)
	}
}

const (
	helloWorld = "Hello, world\n"
	helloHash  = "37980c33951de6b0e450c3701b219bfeee930544705f637cd1158b63827bb390"
)

// Many goroutines write the same file at once. Each gets the error that the
// file is busy, or succeeds. None of them writes to a file that another one has
// finished.
func TestPartsAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not every system locks files against its own process")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	data := helloWorld
	answer := Answer{int64(len(data)), helloHash}
	write := func() error {
		p, err := OpenPart(path)
		if err != nil {
			return err
		}
		defer p.Close()
		if _, err := p.Write([]byte(data[p.Len():])); err != nil {
			return err
		}
		return p.Finish(answer, strings.NewReader(""))
	}
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 5000 {
				if err := write(); err != nil && !errors.Is(err, errBusy) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if got, err := os.ReadFile(path); err != nil || !bytes.Equal(got, []byte(data)) {
		t.Errorf("the file is %q (%v)", got, err)
	}
	if _, err := os.Stat(path + ".part"); err == nil {
		t.Error("a part is left")
	}
}
