package netlab

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/mod/modfile"

	"fopnp/internal/netlab/services"
)

// A config is what all hosts need to know. The process that brings the network up
// makes it once.
type config struct {
	Program    string   // the file of this program
	Repository string   // the folder of the repository that the user is in, or ""
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
	if c.Repository, err = repository(workingFolder()); err != nil {
		return c, err
	}
	c.useGo()
	for _, folder := range filepath.SplitList(os.Getenv("PATH")) {
		if filepath.IsAbs(folder) && hidden(folder) == "" {
			c.Path = append(c.Path, folder)
		}
	}
	c.ReadOnly = append(c.ReadOnly, c.Path...)
	for _, name := range []string{coverage, "TZ"} {
		if value := os.Getenv(name); value != "" {
			c.Env = append(c.Env, name+"="+value)
		}
	}
	if folder := os.Getenv(coverage); folder != "" {
		c.Writable = append(c.Writable, folder)
	}
	return c, nil
}

// workingFolder returns the user's working folder without symbolic links, which may
// lead elsewhere on a host. It returns "" if the folder no longer exists.
func workingFolder() string {
	folder, err := os.Getwd()
	if err != nil {
		return ""
	}
	if folder, err = filepath.EvalSymlinks(folder); err != nil {
		return ""
	}
	return folder
}

// module is the path of the repository's module. The hosts do not show a folder with
// another module, because they can write to what they show.
const module = "fopnp"

// repository returns folder, or the nearest folder above it, that contains the
// repository. If there is none, it returns "".
func repository(folder string) (string, error) {
	for folder != "" {
		text, err := os.ReadFile(filepath.Join(folder, "go.mod"))
		if err == nil && modfile.ModulePath(text) == module {
			if own := hidden(folder); own != "" {
				return "", fmt.Errorf("the repository is in %s, but each host has a %s of its own; move it to another folder", folder, own)
			}
			return folder, nil
		}
		above := filepath.Dir(folder)
		if above == folder {
			break
		}
		folder = above
	}
	return "", nil
}

// useGo shows the hosts the Go installation and its caches, if there is one.
func (c *config) useGo() {
	names := []string{"GOROOT", "GOMODCACHE", "GOCACHE", "GOPATH", "GOFLAGS"}
	text, err := exec.Command("go", append([]string{"env"}, names...)...).Output()
	values := strings.Split(string(text), "\n")
	if err != nil || len(values) < len(names) {
		return
	}
	for i, name := range names[:3] {
		folder, err := filepath.EvalSymlinks(values[i])
		if err != nil || hidden(folder) != "" {
			continue // the host has a folder of its own there, which is enough for a cache
		}
		values[i] = folder
		if name == "GOROOT" {
			c.ReadOnly = append(c.ReadOnly, folder)
		} else {
			c.Writable = append(c.Writable, folder)
		}
	}
	for i, name := range names[1:] {
		c.Env = append(c.Env, name+"="+values[i+1])
	}
	// The hosts cannot download modules, because they are not on the internet.
	c.Env = append(c.Env, "GOPROXY=off", "GOTOOLCHAIN=local", "GOTELEMETRY=off")
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
