package basics

import (
	"cmp"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"

	"fopnp/internal/py/pyfmt"
	"fopnp/internal/serve/folder"
	"fopnp/internal/serve/program"
)

// A Part is as much of a file as has arrived so far. It is in FILE.part, which
// becomes FILE when it is complete. FILE.part is created with its first byte,
// so it is never empty. While one program has it open, no other can open it.
type Part struct {
	path    string   // of FILE
	file    *os.File // FILE.part, or nil if nothing is there
	length  int64
	hash    hash.Hash // of what is there
	resumes bool      // an earlier transfer has left something
}

// Why a Part cannot use a file on the disk, besides folder.ErrNotPlain. A
// *fs.PathError wraps such an error.
var (
	errBusy = errors.New("another program is writing this file")
	errLink = errors.New("this is a symbolic link")
)

// Why the bytes that have arrived are not the file.
var (
	errTooLong   = errors.New("the part is longer than the file")
	errOtherHash = errors.New("the bytes received have another SHA-256")
)

// OpenPart opens what an earlier transfer has left of the file at path, if
// anything, and hashes it. It returns an error if the folder is missing, and it
// does not follow a symbolic link at FILE.part.
func OpenPart(path string) (*Part, error) {
	p := &Part{path: path, hash: sha256.New()}
	err := folder.MayReplace(path)
	if err != nil {
		return nil, err
	}
	p.file, err = p.open(os.O_RDWR)
	if errors.Is(err, fs.ErrNotExist) {
		if _, missing := os.Stat(filepath.Dir(path)); missing != nil {
			return nil, err
		}
		return p, nil
	} else if err != nil {
		return nil, err
	}
	p.length, err = io.Copy(p.hash, p.file)
	if err != nil || p.length == 0 {
		return p, errors.Join(err, p.Close())
	}
	p.resumes = true
	return p, nil
}

// open opens FILE.part and locks it. Between these two steps, another program
// may remove or rename the file, so open then looks at the name again.
func (p *Part) open(flags int) (*os.File, error) {
	name := p.name()
	for {
		if err := isPlain(name); err != nil {
			return nil, err
		}
		file, err := os.OpenFile(name, flags|noFollow, 0o666)
		if flags&os.O_EXCL != 0 && errors.Is(err, fs.ErrExist) {
			return nil, pathError("open", name, errBusy)
		} else if err != nil {
			return nil, err
		}
		if err := lock(file); err != nil {
			file.Close()
			return nil, pathError("open", name, err)
		}
		opened, err1 := file.Stat()
		named, err2 := os.Lstat(name)
		if err1 == nil && err2 == nil && os.SameFile(opened, named) {
			return file, nil
		}
		file.Close()
	}
}

// isPlain returns nil if there is a plain file at path, or nothing.
func isPlain(path string) error {
	info, err := os.Lstat(path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	case info.Mode().Type() == fs.ModeSymlink:
		return pathError("open", path, errLink)
	case !info.Mode().IsRegular():
		return pathError("open", path, folder.ErrNotPlain)
	}
	return nil
}

func pathError(op, path string, why error) error {
	return &fs.PathError{Op: op, Path: path, Err: why}
}

func (p *Part) name() string { return p.path + ".part" }

// Len returns how many bytes have arrived.
func (p *Part) Len() int64 { return p.length }

// Begin prepares the part for the bytes that follow an answer. If the request
// was for the whole file, Begin throws away what is there.
func (p *Part) Begin(request Request, answer Answer) error {
	if request.Offset == 0 {
		return p.clear()
	}
	if answer.Length < request.Offset {
		return errTooLong
	}
	return nil
}

// Write adds data.
func (p *Part) Write(data []byte) (n int, err error) {
	if err := p.create(); err != nil {
		return 0, err
	}
	n, err = p.file.Write(data)
	p.hash.Write(data[:n])
	p.length += int64(n)
	return n, err
}

// create creates FILE.part, if it is not there yet.
func (p *Part) create() (err error) {
	if p.file == nil {
		p.file, err = p.open(os.O_RDWR | os.O_CREATE | os.O_EXCL)
	}
	return err
}

// Broken returns the error of a transfer that broke because of why. It returns
// a disk error unchanged.
func (p *Part) Broken(answer Answer, why error) error {
	var disk *fs.PathError
	if errors.As(why, &disk) {
		return why
	}
	return fmt.Errorf("received %d of %d bytes then %s",
		p.length, answer.Length, program.Why(why))
}

// Finish syncs the part to the disk and renames it to FILE, if it is the whole
// file. It replaces an old FILE, even if that is a symbolic link. If the part
// has another hash, or if data has more bytes, Finish throws the part away and
// returns an error.
func (p *Part) Finish(answer Answer, data io.Reader) error {
	more, _ := data.Read(make([]byte, 1))
	switch {
	case more > 0:
		err := fmt.Errorf("received more than %d bytes", answer.Length)
		return cmp.Or(p.clear(), err)
	case hex.EncodeToString(p.hash.Sum(nil)) != answer.SHA256:
		return cmp.Or(p.clear(), errOtherHash)
	}
	if err := p.create(); err != nil { // the file is empty
		return err
	}
	if err := p.file.Sync(); err != nil {
		return err
	}
	return p.leave(func() error {
		err := os.Rename(p.name(), p.path)
		var link *os.LinkError
		if errors.As(err, &link) {
			return pathError("write", p.path, link.Err)
		}
		return err
	})
}

// IsOther reports whether a transfer may have failed with err because an
// earlier one left part of another file. If so, the client can still ask for
// the whole file.
func (p *Part) IsOther(err error) bool {
	var refused Refusal
	return p.resumes &&
		(err == errTooLong || err == errOtherHash || errors.As(err, &refused))
}

// clear throws away what is there.
func (p *Part) clear() error {
	p.length = 0
	p.hash.Reset()
	return p.Close()
}

// Close closes FILE.part and leaves it to be resumed, or removes it if it is
// empty.
func (p *Part) Close() error {
	if p.file == nil {
		return nil
	}
	return p.leave(func() error {
		if p.length == 0 {
			return os.Remove(p.name())
		}
		return nil
	})
}

// leave calls do, which may rename or remove FILE.part, and then closes the
// file. Until then, its lock keeps other programs from writing to it. Windows
// cannot rename an open file, so there leave closes it first.
func (p *Part) leave(do func() error) error {
	file := p.file
	p.file = nil
	if runtime.GOOS == "windows" {
		file.Close()
	}
	defer file.Close()
	return do()
}

// Fail ends the program as program.Fail does. If err is a disk error, the line
// names the disk operation that failed instead of what.
func Fail(what string, err error) {
	var disk *fs.PathError
	if errors.As(err, &disk) {
		what, err = disk.Op+" "+pyfmt.Bare([]byte(disk.Path)), disk.Err
	}
	program.Fail(what, err)
}
