//go:build unix

package webtest

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
)

// inside are symbolic links to files of the site, by name.
var inside = map[string]string{
	"inside.txt": "page.txt",
	"sub/up.txt": "../page.txt",
	"insub":      "sub",
	"sub/insub":  "deeper",
	"twice.txt":  "inside.txt",
	"other.html": "index.html",
}

// outside are symbolic links that lead out of the site.
var outside = map[string]string{
	"outside.txt":       "../secret.txt",
	"sub/outside.txt":   "../../secret.txt",
	"twiceout.txt":      "outside.txt",
	"above":             "..",
	"sub/above":         "../..",
	"more":              "../more",
	"linked/index.html": "../../secret.txt",
	"top":               "/",
	"loop":              "loop",
	"dangling":          "nosuch",
}

// addSpecial adds what not every system has: symbolic links and a named pipe.
func (s *Site) addSpecial() error {
	var errs []error
	add := func(name, to string) {
		errs = append(errs, os.MkdirAll(filepath.Dir(s.path(name)), 0o777), os.Symlink(to, s.path(name)))
	}
	for name, to := range inside {
		add(name, to)
	}
	for name, to := range outside {
		add(name, to)
	}
	add("absolute.txt", s.outside())
	errs = append(errs, syscall.Mkfifo(s.path("pipe.txt"), 0o666))
	return errors.Join(errs...)
}
