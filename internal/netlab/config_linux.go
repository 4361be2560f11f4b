package netlab

import (
	"cmp"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"fopnp/internal/netlab/services"
)

// A config is what all hosts need to know. The process that brings the network up
// makes it once.
type config struct {
	Program    string   // the file of this program
	Repository string   // the nearest folder with a go.mod, from the user's folder upwards, or ""
	Writable   []string // Go's caches
	ReadOnly   []string // the Go installation, and the folders in Path
	Path       []string // the folders of the user's programs
	Env        []string // for all shells
	AllUsers   bool     // whether there are users besides root
	Own        bool     // whether our programs come before the machine's
	Identity   *services.Identity
}

func newConfig() (config, error) {
	c := config{Own: os.Getenv(ownPrograms) != ""}
	_, _, c.AllUsers = mappings()
	var err error
	if c.Identity, err = services.NewIdentity(); err != nil {
		return c, err
	}
	if c.Program, err = os.Executable(); err != nil {
		return c, err
	}
	folder, err := os.Getwd()
	if err != nil {
		return c, err
	}
	c.Repository = repository(folder)
	home, _ := os.UserHomeDir() // after an error, it is "", and the folders do not exist
	cache, _ := os.UserCacheDir()
	gopath := cmp.Or(os.Getenv("GOPATH"), filepath.Join(home, "go"))
	modules := cmp.Or(os.Getenv("GOMODCACHE"), filepath.Join(gopath, "pkg", "mod"))
	builds := cmp.Or(os.Getenv("GOCACHE"), filepath.Join(cache, "go-build"))
	c.Writable = []string{modules, builds}
	if program, err := exec.LookPath("go"); err == nil {
		if program, err = filepath.EvalSymlinks(program); err == nil {
			c.ReadOnly = append(c.ReadOnly, filepath.Dir(filepath.Dir(program)))
		}
	}
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(folder) {
			c.Path = append(c.Path, folder)
		}
	}
	c.ReadOnly = append(c.ReadOnly, c.Path...)
	// The hosts cannot download modules, because they are not on the internet.
	c.Env = []string{
		"GOPATH=" + gopath, "GOMODCACHE=" + modules, "GOCACHE=" + builds,
		"GOPROXY=off", "GOTOOLCHAIN=local", "GOTELEMETRY=off",
	}
	for _, name := range []string{"GOFLAGS", coverage, "TZ"} {
		if value := os.Getenv(name); value != "" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	if folder := os.Getenv(coverage); folder != "" {
		c.Writable = append(c.Writable, folder)
	}
	return c, nil
}

// repository returns folder, or the nearest folder above it, that contains a go.mod.
// If there is none, it returns "".
func repository(folder string) string {
	for {
		if _, err := os.Stat(filepath.Join(folder, "go.mod")); err == nil {
			return folder
		}
		above := filepath.Dir(folder)
		if above == folder {
			return ""
		}
		folder = above
	}
}

// path returns the PATH of the hosts' shells. The machine's programs come before
// ours, unless the user wants it the other way round.
func (c *config) path() string {
	folders := append([]string{"/fopnp/bin"}, c.Path...)
	for _, folder := range []string{"/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"} {
		if !slices.Contains(folders, folder) {
			folders = append(folders, folder)
		}
	}
	if c.Own {
		folders = slices.Insert(folders, 0, programFolder)
	} else {
		folders = append(folders, programFolder)
	}
	return strings.Join(folders, ":")
}

// environment returns the variables that all programs on a host inherit, except those
// that depend on the user.
func (c *config) environment() []string {
	return append([]string{"PATH=" + c.path(), "SSL_CERT_FILE=" + authorities}, c.Env...)
}

// shell returns the path of the users' shell.
func shell() string {
	if _, err := os.Stat("/bin/bash"); err == nil {
		return "/bin/bash"
	}
	return "/bin/sh"
}

// within reports whether path is folder or in it.
func within(path, folder string) bool {
	return folder != "" && (path == folder || strings.HasPrefix(path, strings.TrimSuffix(folder, "/")+"/"))
}
