package services

import (
	"crypto/tls"
	"errors"
	"io/fs"
	"net"
	"os"
	"path"
	"strings"
	"time"

	ftpserver "github.com/fclairamb/ftpserverlib"
	"github.com/spf13/afero"
	"golang.org/x/sys/unix"
)

// Limits of an FTP client, in seconds.
const (
	ftpIdleTime = 900 // between commands, and for a transfer
	ftpDialTime = 30  // to connect for data
)

// FTP says what an FTP server shows to whom.
type FTP struct {
	Host        string // for the greeting
	Accounts    []Account
	Root        string // what accounts see; they begin at home if that is below it
	Public      string // what user anonymous may read, with any password; "" means there is no such user
	Certificate tls.Certificate
}

// ServeFTP serves files over FTP, with passive and active connections. Clients
// may upgrade to TLS. Each client has the rights of its account, and cannot
// leave the root by any path or link.
func ServeFTP(l net.Listener, f FTP) error {
	d := openDoor(l)
	defer d.wait()
	_, port, _ := net.SplitHostPort(l.Addr().String())
	return closed(ftpserver.NewFtpServer(&ftpDriver{f, ftpserver.Settings{
		Listener:                d,
		Banner:                  f.Host,
		IdleTimeout:             ftpIdleTime,
		ConnectionTimeout:       ftpDialTime,
		ActiveTransferPortNon20: port != "21",
	}}).ListenAndServe())
}

// An ftpDriver answers the questions of the library's server.
type ftpDriver struct {
	FTP
	settings ftpserver.Settings
}

func (d *ftpDriver) GetSettings() (*ftpserver.Settings, error) { return &d.settings, nil }

func (d *ftpDriver) GetTLSConfig() (*tls.Config, error) {
	return &tls.Config{Certificates: []tls.Certificate{d.Certificate}}, nil
}

func (d *ftpDriver) ClientConnected(ftpserver.ClientContext) (string, error) {
	return d.Host + " FTP ready", nil
}

func (d *ftpDriver) ClientDisconnected(ftpserver.ClientContext) {}

// AuthUser returns the files of a user.
func (d *ftpDriver) AuthUser(client ftpserver.ClientContext, user, password string) (ftpserver.ClientDriver, error) {
	if d.Public != "" && (user == "anonymous" || user == "ftp") {
		anonymous := &Account{UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}
		return &ftpFiles{root: d.Public, account: anonymous, readOnly: true}, nil
	}
	account := logIn(d.Accounts, user, password)
	if account == nil {
		return nil, errors.New("wrong user or password")
	}
	root := strings.TrimSuffix(d.Root, "/")
	if home, below := strings.CutPrefix(account.Home, root+"/"); below {
		client.SetPath("/" + home)
	}
	return &ftpFiles{root: d.Root, account: account}, nil
}

// An ftpFiles is a file system for one client. Paths begin with a slash, which
// is the root.
type ftpFiles struct {
	root     string
	account  *Account
	readOnly bool
}

// A tree is what an ftpFiles needs of an os.Root.
type tree interface {
	OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error)
	Mkdir(name string, mode fs.FileMode) error
	Remove(name string) error
	RemoveAll(name string) error
	Rename(from, to string) error
	Stat(name string) (fs.FileInfo, error)
	Chmod(name string, mode fs.FileMode) error
	Chtimes(name string, atime, mtime time.Time) error
	Close() error
}

// everything is the tree of the root "/". An os.Root would not follow links that
// begin with a slash.
type everything struct{}

func (everything) OpenFile(name string, flag int, mode fs.FileMode) (*os.File, error) {
	return os.OpenFile("/"+name, flag, mode)
}
func (everything) Mkdir(name string, mode fs.FileMode) error { return os.Mkdir("/"+name, mode) }
func (everything) Remove(name string) error                  { return os.Remove("/" + name) }
func (everything) RemoveAll(name string) error               { return os.RemoveAll("/" + name) }
func (everything) Rename(from, to string) error              { return os.Rename("/"+from, "/"+to) }
func (everything) Stat(name string) (fs.FileInfo, error)     { return os.Stat("/" + name) }
func (everything) Chmod(name string, mode fs.FileMode) error { return os.Chmod("/"+name, mode) }
func (everything) Chtimes(name string, atime, mtime time.Time) error {
	return os.Chtimes("/"+name, atime, mtime)
}
func (everything) Close() error { return nil }

// do calls call with the tree and the rights of the account. It returns an
// error if writes is true and the client may only read.
func (f *ftpFiles) do(writes bool, call func(tree) error) error {
	if writes && f.readOnly {
		return fs.ErrPermission
	}
	return as(f.account, func() error {
		var t tree = everything{}
		if path.Clean(f.root) != "/" {
			root, err := os.OpenRoot(f.root)
			if err != nil {
				return err
			}
			t = root
		}
		defer t.Close()
		return call(t)
	})
}

// below returns a path without its slash.
func below(name string) string {
	name = path.Clean("/" + name)
	if name == "/" {
		return "."
	}
	return name[1:]
}

func (f *ftpFiles) Name() string { return "playground" }

func (f *ftpFiles) Open(name string) (afero.File, error) { return f.OpenFile(name, os.O_RDONLY, 0) }

func (f *ftpFiles) Create(name string) (afero.File, error) {
	return f.OpenFile(name, os.O_RDWR|os.O_CREATE|os.O_TRUNC, 0)
}

// OpenFile opens only regular files and folders. Opening other files could
// block for ever.
func (f *ftpFiles) OpenFile(name string, flag int, _ os.FileMode) (file afero.File, err error) {
	writes := flag&(os.O_WRONLY|os.O_RDWR|os.O_CREATE|os.O_TRUNC) != 0
	err = f.do(writes, func(t tree) error {
		info, err := t.Stat(below(name))
		if err == nil && !info.Mode().IsRegular() && !info.IsDir() {
			return fs.ErrPermission
		}
		opened, err := t.OpenFile(below(name), flag, 0o644)
		if err != nil {
			return err // file must not become a nil *os.File
		}
		file = opened
		return nil
	})
	return file, err
}

func (f *ftpFiles) Mkdir(name string, _ os.FileMode) error {
	return f.do(true, func(t tree) error { return t.Mkdir(below(name), 0o755) })
}

// MkdirAll is for a command that we do not offer.
func (f *ftpFiles) MkdirAll(string, os.FileMode) error { return errors.ErrUnsupported }

func (f *ftpFiles) Remove(name string) error {
	return f.do(true, func(t tree) error { return t.Remove(below(name)) })
}

func (f *ftpFiles) RemoveAll(name string) error {
	return f.do(true, func(t tree) error { return t.RemoveAll(below(name)) })
}

func (f *ftpFiles) Rename(from, to string) error {
	return f.do(true, func(t tree) error { return t.Rename(below(from), below(to)) })
}

func (f *ftpFiles) Stat(name string) (info os.FileInfo, err error) {
	err = f.do(false, func(t tree) error {
		info, err = t.Stat(below(name))
		return err
	})
	return info, err
}

// ReadDir lists a folder.
func (f *ftpFiles) ReadDir(name string) (infos []os.FileInfo, err error) {
	err = f.do(false, func(t tree) error {
		folder, err := t.OpenFile(below(name), os.O_RDONLY|unix.O_DIRECTORY, 0)
		if err != nil {
			return err
		}
		defer folder.Close()
		infos, err = folder.Readdir(-1)
		return err
	})
	return infos, err
}

func (f *ftpFiles) Chmod(name string, mode os.FileMode) error {
	return f.do(true, func(t tree) error { return t.Chmod(below(name), mode.Perm()) })
}

func (f *ftpFiles) Chown(string, int, int) error { return fs.ErrPermission }

func (f *ftpFiles) Chtimes(name string, atime, mtime time.Time) error {
	return f.do(true, func(t tree) error { return t.Chtimes(below(name), atime, mtime) })
}
