// Package progtest lets tests run the repository's programs for real. It builds
// them, starts servers, waits until they are ready, stops them, and reports
// which of their lines were run.
package progtest

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"fopnp/internal/check/programs"
	"fopnp/internal/listings"
)

var (
	root     string // the folder of go.mod
	bin      string // the folder of the built programs
	coverage string // the folder in which they leave their coverage
)

// Update is the flag -update of every test that checks generated text: rewrite
// what is out of date instead of failing.
var Update = flag.Bool("update", false, "rewrite generated text that is out of date")

// Main does all the work of a TestMain. It builds every program of the module,
// runs the tests with the folder of the programs first on PATH, and returns the
// exit status. The programs come from the cache of package programs, so only
// what has changed is built. If the test has the race detector, so do the
// programs. With -v, the programs record which lines they run, which costs
// time, and Main prints the coverage of each package.
func Main(m *testing.M) int {
	flag.Parse()
	if flag.Lookup("test.fuzzworker").Value.String() == "true" { // it runs no program
		return m.Run()
	}
	remove, err := build()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer remove()
	os.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	os.Setenv("GOCOVERDIR", coverage)
	os.Setenv("GORACE", "atexit_sleep_ms=0") // or every program exits a second late
	Parallel()
	status := m.Run()
	if testing.Verbose() {
		report()
	}
	return status
}

// Parallel makes 24 tests run at once, unless the command line says
// otherwise. Most of our tests wait for other programs most of the time.
// A fuzz target does not wait, so it keeps one worker for each processor.
func Parallel() {
	flag.Parse()
	if flag.Lookup("test.fuzz").Value.String() != "" {
		return
	}
	if parallel := flag.Lookup("test.parallel"); parallel.Value.String() == parallel.DefValue {
		flag.Set("test.parallel", "24")
	}
}

// Bin returns the folder of the programs that Main has built. A test that calls
// Bin depends on the sources of the programs. The go command does not know
// that, and would report an old result as cached. But it notes which files a
// test looks at, so Bin looks at all sources.
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

// Coverage returns the folder where the programs leave their coverage. Main
// sets GOCOVERDIR to it.
func Coverage() string { return coverage }

// Root returns the folder of go.mod.
func Root() (string, error) {
	mod, err := exec.Command("go", "env", "GOMOD").Output()
	return filepath.Dir(strings.TrimSpace(string(mod))), err
}

// build builds the programs and makes the folder for their coverage.
func build() (remove func(), err error) {
	if root, err = Root(); err != nil {
		return nil, fmt.Errorf("go env GOMOD: %w", err)
	}
	var flags []string
	if testing.Verbose() {
		flags = append(flags, "-cover", "-coverpkg=fopnp/...")
	}
	if Race {
		flags = append(flags, "-race")
	}
	packages := []string{"./internal/listings/show", "./playground", "./book"}
	for _, l := range listings.All {
		if l.IsProgram() {
			packages = append(packages, "./"+l.Folder())
		}
	}
	cache, err := programs.UserCache()
	if err != nil {
		return nil, err
	}
	if coverage, err = os.MkdirTemp("", "coverage"); err != nil {
		return nil, err
	}
	removeCoverage := func() { os.RemoveAll(coverage) }
	if err := os.Chmod(coverage, 0o777); err != nil { // a server may run as another user
		removeCoverage()
		return nil, err
	}
	var removeBin func()
	if bin, removeBin, err = cache.Build(context.Background(), root, packages, flags...); err != nil {
		removeCoverage()
		return nil, err
	}
	return func() { removeBin(); removeCoverage() }, nil
}

func report() {
	output, err := exec.Command("go", "tool", "covdata", "percent", "-i", coverage).CombinedOutput()
	fmt.Printf("coverage of the programs, by package:\n%s", bytes.ReplaceAll(output, []byte("\t\t"), []byte("\t")))
	if err != nil {
		fmt.Println("go tool covdata:", err)
	}
}
