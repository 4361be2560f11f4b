package webtest

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// A Site is a folder with the files that the checks ask for, and, beside it,
// files that no server may send.
type Site struct {
	root string // the folder to serve
}

const (
	page   = "page\n"
	index  = "<title>index</title>\n"
	deep   = "deep\n"
	secret = "secret\n" // no answer may contain this
)

// everyByte has each byte once.
var everyByte = func() string {
	var all [256]byte
	for i := range all {
		all[i] = byte(i)
	}
	return string(all[:])
}()

// NewSite makes the files of a site below a folder.
func NewSite(folder string) (*Site, error) {
	// The name of a temporary folder may go through symbolic links.
	folder, err := filepath.EvalSymlinks(folder)
	if err != nil {
		return nil, err
	}
	s := &Site{root: filepath.Join(folder, "www")}
	for name, text := range map[string]string{
		"../secret.txt":       secret,
		"../more/secret.txt":  secret,
		"../more/index.html":  secret,
		"page.txt":            page,
		"index.html":          index,
		"sub/index.html":      index,
		"sub/deep.txt":        deep,
		"sub/deeper/deep.txt": deep,
		"bare/file.txt":       page,
		"empty.txt":           "",
		"characters.txt":      "Grüße, 世界\n",
		"everybyte.bin":       everyByte,
		"with space.txt":      page,
		"a+b.txt":             page,
		"50%.txt":             page,
		"caf\u00e9.txt":       page,
		"a.b/c.d.txt":         page,
		"dots..txt":           page,
		".hidden":             secret,
		".git/config":         secret,
		"sub/.hidden":         secret,
		"sub/.git/config":     secret,
	} {
		if err := s.write(name, text); err != nil {
			return nil, err
		}
	}
	for extension := range types {
		if err := s.write("type"+extension, page); err != nil {
			return nil, err
		}
	}
	return s, s.addSpecial()
}

// write makes a file and the folders above it.
func (s *Site) write(name, text string) error {
	path := s.path(name)
	if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
		return err
	}
	return os.WriteFile(path, []byte(text), 0o666)
}

// path returns the path of a file of the site.
func (s *Site) path(name string) string { return filepath.Join(s.root, filepath.FromSlash(name)) }

// outside returns the path of the file that no server may send, with slashes.
func (s *Site) outside() string {
	return filepath.ToSlash(filepath.Join(filepath.Dir(s.root), "secret.txt"))
}

// sparse makes a file of size bytes, which take no room on the disk, and returns
// its name. A check that changes a file has one of its own.
func (s *Site) sparse(t *trial, size int64) (name string) {
	file, err := os.CreateTemp(s.root, "sparse*.bin")
	if err == nil {
		err = errors.Join(file.Truncate(size), file.Close())
	}
	if err != nil {
		t.Fail(err)
		return "nosuch"
	}
	return filepath.Base(file.Name())
}

// remove removes a file when a check is over.
func (s *Site) remove(name string) { os.Remove(s.path(name)) }

// An answer is what a server sends before it closes the connection.
type answer struct {
	status string // such as "200 OK"
	header map[string]string
	head   string // the text of both
	body   string
}

// parse parses an answer.
func parse(text string) (a answer, err error) {
	head, body, whole := strings.Cut(text, "\r\n\r\n")
	line, lines, _ := strings.Cut(head, "\r\n")
	status, isHTTP := strings.CutPrefix(line, "HTTP/1.0 ")
	a = answer{status, map[string]string{}, head, body}
	if !whole || !isHTTP {
		return a, fmt.Errorf("no answer of HTTP/1.0: %.300q", text)
	}
	for _, line := range strings.Split(lines, "\r\n") {
		name, value, found := strings.Cut(line, ": ")
		if !found || a.header[name] != "" || strings.Contains(line, "\n") {
			return a, fmt.Errorf("no line of a header: %.300q in %.300q", line, text)
		}
		a.header[name] = value
	}
	return a, nil
}
