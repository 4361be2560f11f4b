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

// Many goroutines write the same file at once. Each gets the error that the
// file is busy, or succeeds. None of them writes to a file that another one has
// finished.
func TestPartsAtOnce(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("not every system locks files against its own process")
	}
	t.Parallel()
	path := filepath.Join(t.TempDir(), "file")
	data := "Hello, world\n"
	answer := Answer{int64(len(data)), "37980c33951de6b0e450c3701b219bfeee930544705f637cd1158b63827bb390"}
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
