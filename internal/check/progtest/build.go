// Package progtest lets tests run the repository's programs for real: it
// builds them all once, starts servers and knows when they are ready, stops
// them, and reports which of their lines were run.
package progtest

import (
	"bytes"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

var (
	root     string // the folder of go.mod
	bin      string // the folder of the built programs
	coverage string // the folder in which they leave their coverage
)

// Update is the flag -update of every test that checks generated text: rewrite
// what is out of date instead of failing.
var Update = flag.Bool("update", false, "rewrite generated text that is out of date")

// Main is the whole of a TestMain: it builds every program of the module, runs
// the tests with the folder of the programs first on PATH, and returns the
// status to exit with. The programs are built with the race detector if the test
// is. With -v they are built for coverage, which costs time, and Main ends by
// reporting it, package by package.
func Main(m *testing.M) int {
	flag.Parse()
	folder, err := os.MkdirTemp("", "fopnp")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(folder)
	bin, coverage = filepath.Join(folder, "bin"), filepath.Join(folder, "coverage")
	if err := build(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	os.Setenv("GOCOVERDIR", coverage)
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or every program ends a second late
	Parallel()
	status := m.Run()
	if testing.Verbose() {
		report()
	}
	return status
}

// Parallel has eight tests run at once, unless the command line says otherwise:
// most of ours wait for others most of the time.
func Parallel() {
	flag.Parse()
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		flag.Set("test.parallel", "8")
	}
}

// Bin is the folder of the built programs, under Main. Whoever asks for it
// depends on the sources of the programs, which the go command cannot know: it
// would report an earlier result as cached. So Bin looks at all of them, and the
// command, which keeps account of the files that a test has looked at, does.
func Bin() string {
	lookAtSources()
	return bin
}

var lookAtSources = sync.OnceFunc(func() {
	filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err == nil && filepath.Ext(path) == ".go" {
			_, err = os.Stat(path)
		}
		return err
	})
})

// Coverage is the folder in which the programs leave their coverage: the value
// of GOCOVERDIR, under Main.
func Coverage() string { return coverage }

// Root is the folder of go.mod.
func Root() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(mod))), err
}

func build() (err error) {
	if root, err = Root(); err != nil {
		return fmt.Errorf("go env GOMOD: %w", err)
	}
	for _, folder := range []string{bin, coverage} {
		if err := os.Mkdir(folder, 0o755); err != nil {
			return err
		}
	}
	// -buildvcs=false: git may refuse to look into a folder of another user's.
	args := []string{"build", "-buildvcs=false", "-o", bin + string(filepath.Separator)}
	if testing.Verbose() {
		args = append(args, "-cover", "-coverpkg=fopnp/...")
	}
	if Race {
		args = append(args, "-race")
	}
	cmd := exec.Command("go", append(args, "./...")...)
	cmd.Dir = root
	if output, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("go %s: %w\n%s", strings.Join(args, " "), err, output)
	}
	return nil
}

func report() {
	output, err := exec.Command("go", "tool", "covdata", "percent", "-i", coverage).CombinedOutput()
	fmt.Printf("coverage of the programs, by package:\n%s", bytes.ReplaceAll(output, []byte("\t\t"), []byte("\t")))
	if err != nil {
		fmt.Println("go tool covdata:", err)
	}
}
