package services

import (
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/pkg/sftp"
	"golang.org/x/crypto/ssh"
)

// A place is a host's file system, for scp.
type place interface {
	Stat(path string) (fs.FileInfo, error)
	ReadDir(path string) ([]fs.FileInfo, error)
	Mkdir(path string) error
	Chmod(path string, mode fs.FileMode) error
	Chtimes(path string, atime, mtime time.Time) error
	glob(pattern string) (paths []string, err error)
	open(path string) (io.ReadCloser, error)
	create(path string, mode fs.FileMode) (io.WriteCloser, error) // the mode is for new files
	close()
}

// local is this host's file system.
type local struct{}

func (local) Stat(path string) (fs.FileInfo, error)     { return os.Stat(path) }
func (local) Mkdir(path string) error                   { return os.Mkdir(path, 0o777) }
func (local) Chmod(path string, mode fs.FileMode) error { return os.Chmod(path, mode) }
func (local) Chtimes(path string, a, m time.Time) error { return os.Chtimes(path, a, m) }
func (local) glob(path string) ([]string, error)        { return []string{path}, nil } // the shell did it
func (local) open(path string) (io.ReadCloser, error)   { return os.Open(path) }
func (local) close()                                    {}

func (local) create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	return os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, mode)
}

func (local) ReadDir(path string) ([]fs.FileInfo, error) {
	folder, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer folder.Close()
	return folder.Readdir(-1)
}

// A distant is the file system of another host.
type distant struct {
	*sftp.Client // Stat, ReadDir, Mkdir, Chmod and Chtimes
	connection   *ssh.Client
}

// open logs in at [user@]host.
func (c *copier) open(at string) (place, error) {
	name, host, found := strings.Cut(at, "@")
	if !found {
		name, host = "", at
	}
	connection, err := c.remote.dial(name, host)
	if err != nil {
		return nil, err
	}
	client, err := sftp.NewClient(connection)
	if err != nil {
		connection.Close()
		return nil, err
	}
	return distant{client, connection}, nil
}

func (d distant) close() {
	d.Client.Close()
	d.connection.Close()
}

func (d distant) open(path string) (io.ReadCloser, error) { return d.Client.Open(path) }

// glob finds the files of a pattern, as the shell there would.
func (d distant) glob(pattern string) ([]string, error) {
	if !strings.ContainsAny(pattern, "*?[") {
		return []string{pattern}, nil
	}
	return d.Client.Glob(pattern)
}

func (d distant) create(path string, mode fs.FileMode) (io.WriteCloser, error) {
	_, err := d.Client.Stat(path)
	isNew := err != nil
	file, err := d.Client.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_TRUNC)
	if err == nil && isNew {
		const umask = 0o022 // as of most accounts; SFTP does not tell
		if err = file.Chmod(mode &^ umask); err != nil {
			file.Close()
		}
	}
	if err != nil {
		return nil, err
	}
	return file, nil
}

// ReadDir lists a folder. Its caller checks the names that the host sends.
func (d distant) ReadDir(path string) ([]fs.FileInfo, error) {
	return d.Client.ReadDir(filepath.Clean(path))
}
