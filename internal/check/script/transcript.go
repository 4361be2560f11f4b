//go:build unix || windows

package script

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"
	"github.com/rogpeppe/go-internal/txtar"

	"fopnp/internal/check/transcript"
)

// compare implements the command transcript.
func compare(ts *testscript.TestScript, neg bool, args []string) {
	arguments(ts, neg, args, 2, 2, "transcript GOT WANT")
	shown := transcript.Screen(ts.ReadFile(args[0]))
	got := transcript.Normalize(shown)
	want := transcript.Normalize(ts.ReadFile(args[1]))
	diff := cmp.Diff(strings.Split(want, "\n"), strings.Split(got, "\n"))
	if diff == "" {
		return
	}
	if u, updates := ts.Value(updatesKey{}).(*updates); updates {
		u.add(ts, args[1], shown)
		return
	}
	ts.Fatalf("%s is not %s (-want +got):\n%s", args[0], args[1], diff)
}

type updatesKey struct{}

// updates are the files of a script that the command transcript rewrites.
// Testscript itself does this only for cmp.
type updates struct {
	folder string
	script string // its path
	files  map[string]string
}

// newUpdates rewrites a script of folder when it ends.
func newUpdates(env *testscript.Env, folder string) {
	u := &updates{folder: folder, files: map[string]string{}}
	env.Values[updatesKey{}] = u
	// Testscript calls this after it has written its own updates.
	env.Defer(func() {
		if err := u.write(); err != nil {
			env.T().Fatal(err)
		}
	})
}

// add notes the new text of a file of the script.
func (u *updates) add(ts *testscript.TestScript, file, text string) {
	name, err := filepath.Rel(ts.Getenv("WORK"), ts.MkAbs(file))
	ts.Check(err)
	u.script = filepath.Join(u.folder, ts.Name()+".txtar")
	u.files[filepath.ToSlash(name)] = text
}

func (u *updates) write() error {
	if len(u.files) == 0 {
		return nil
	}
	archive, err := txtar.ParseFile(u.script)
	if err != nil {
		return err
	}
	for i, f := range archive.Files {
		text, changes := u.files[f.Name]
		if !changes {
			continue
		}
		if txtar.NeedsQuote([]byte(text)) {
			return fmt.Errorf("%s: cannot update %s: the new text has a line that looks like a separator between files", u.script, f.Name)
		}
		archive.Files[i].Data = []byte(text)
		delete(u.files, f.Name)
	}
	for name := range u.files {
		return fmt.Errorf("%s: cannot update %s: it is not a file of the script", u.script, name)
	}
	return os.WriteFile(u.script, txtar.Format(archive), 0o666)
}
