package services

import (
	"bytes"
	"cmp"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
)

// Limits of a mailbox.
const (
	maxMessage = 10 << 20  // bytes
	maxMailbox = 100 << 20 // bytes of all messages
)

// errFull is the error of a mailbox that has no room for a message.
var errFull = errors.New("mailbox full")

// A maildir is the mailbox of an account: a folder with one file for each
// message. A message begins in tmp and moves to new once it is whole. Other
// programs may move it to cur, or delete it.
//
// Lines in the files end in LF, as in all text files of Unix. Clients get CR LF.
//
// Source: https://cr.yp.to/proto/maildir.html
type maildir struct {
	account *Account
	path    string

	mu      sync.Mutex // for the files and what is known about them
	popping bool       // a POP3 client has it
	number  int        // of messages that were delivered here

	// The messages as IMAP knows them. Uids has the UID of each by the name of
	// its file.
	inbox   *imapmemserver.User
	uids    map[string]imap.UID
	changed chan struct{} // closed, and replaced by another, when they change
}

// A letter is a message in a maildir.
type letter struct {
	path string // below the maildir
	size int64
	time time.Time
}

// name returns the unique part of a letter's file name. The letter's flags,
// which mail programs change, follow after a colon.
func (l *letter) name() string {
	name, _, _ := strings.Cut(filepath.Base(l.path), ":")
	return name
}

// id returns what POP3 calls a letter: its name, or a hash of a name that POP3
// does not allow.
func (l *letter) id() string {
	name := l.name()
	if len(name) <= 70 && !strings.ContainsFunc(name, func(r rune) bool { return r < '!' || r > '~' }) {
		return name
	}
	return fmt.Sprintf("%x", sha256.Sum224([]byte(name)))
}

// newMaildir returns the mailbox of an account in a folder of mailboxes.
func newMaildir(folder string, account *Account) (*maildir, error) {
	d := &maildir{
		account: account,
		path:    filepath.Join(folder, account.Name),
		inbox:   imapmemserver.NewUser(account.Name, Password),
		uids:    map[string]imap.UID{},
		changed: make(chan struct{}),
	}
	if err := d.inbox.Create("INBOX", nil); err != nil {
		return nil, err
	}
	root, err := d.open()
	if err != nil {
		return nil, err
	}
	return d, root.Close()
}

// open opens the folder, and creates missing parts of it. Because the folder
// belongs to the account, everything that the server does there goes through
// the root: the account could have put links there that lead elsewhere.
func (d *maildir) open() (*os.Root, error) {
	if err := os.Mkdir(d.path, 0o700); err == nil {
		if err := d.own(func(uid, gid int) error { return os.Lchown(d.path, uid, gid) }); err != nil {
			return nil, err
		}
	} else if !errors.Is(err, fs.ErrExist) {
		return nil, err
	}
	root, err := os.OpenRoot(d.path)
	if err != nil {
		return nil, err
	}
	for _, name := range []string{"tmp", "new", "cur"} {
		err := root.Mkdir(name, 0o700)
		if err == nil {
			err = d.own(func(uid, gid int) error { return root.Lchown(name, uid, gid) })
		}
		if err != nil && !errors.Is(err, fs.ErrExist) {
			root.Close()
			return nil, err
		}
	}
	return root, nil
}

// own gives a file to the account, unless we are the account.
func (d *maildir) own(chown func(uid, gid int) error) error {
	uid, gid := int(d.account.UID), int(d.account.GID)
	if uid == os.Geteuid() && gid == os.Getegid() {
		return nil
	}
	return chown(uid, gid)
}

// deliver writes a message to the mailbox, and tells IMAP's clients about it.
func (d *maildir) deliver(text []byte) error {
	d.mu.Lock()
	defer d.mu.Unlock()
	if _, err := d.write(text); err != nil {
		return err
	}
	return d.look()
}

// write writes a message to a new file, and returns the file's name.
func (d *maildir) write(text []byte) (name string, err error) {
	root, err := d.open()
	if err != nil {
		return "", err
	}
	defer root.Close()
	letters, err := d.letters(root)
	if err != nil {
		return "", err
	}
	size := int64(len(text))
	for _, l := range letters {
		size += l.size
	}
	if size > maxMailbox {
		return "", errFull
	}
	host, err := os.Hostname()
	if err != nil {
		return "", err
	}
	d.number++
	now := time.Now()
	name = fmt.Sprintf("%d.M%06dP%dQ%d.%s", now.Unix(), now.Nanosecond()/1000, os.Getpid(), d.number, host)
	file, err := root.OpenFile("tmp/"+name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", err
	}
	_, err = file.Write(bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n")))
	err = errors.Join(err, d.own(file.Chown), file.Close())
	if err == nil {
		err = root.Rename("tmp/"+name, "new/"+name)
	}
	if err != nil {
		root.Remove("tmp/" + name)
		return "", err
	}
	return name, nil
}

// letters returns the messages in the order of their arrival. It skips files
// that are too long for a message.
func (d *maildir) letters(root *os.Root) (letters []letter, err error) {
	for _, folder := range []string{"new", "cur"} {
		entries, err := fs.ReadDir(root.FS(), folder)
		if err != nil {
			return nil, err
		}
		for _, entry := range entries {
			info, err := entry.Info()
			if err != nil || !info.Mode().IsRegular() || info.Size() > 2*maxMessage {
				continue // deleted just now, or no message
			}
			letters = append(letters, letter{folder + "/" + entry.Name(), info.Size(), info.ModTime()})
		}
	}
	slices.SortStableFunc(letters, func(a, b letter) int {
		return cmp.Or(a.time.Compare(b.time), cmp.Compare(a.name(), b.name()))
	})
	return letters, nil
}

// read returns the text of a message, with lines that end in CR LF.
func (d *maildir) read(root *os.Root, l letter) ([]byte, error) {
	file, err := root.Open(l.path)
	if err != nil {
		return nil, err
	}
	defer file.Close()
	text, err := io.ReadAll(io.LimitReader(file, 2*maxMessage)) // it may grow
	if err != nil {
		return nil, err
	}
	text = bytes.ReplaceAll(text, []byte("\r\n"), []byte("\n"))
	return bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n")), nil
}

// change wakes the goroutines that wait for IMAP's messages to change. Call it
// with mu held.
func (d *maildir) change() {
	close(d.changed)
	d.changed = make(chan struct{})
}

// look updates IMAP's messages from the files. Call it with mu held.
func (d *maildir) look() error {
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	letters, err := d.letters(root)
	if err != nil {
		return err
	}
	gone := map[string]imap.UID{}
	for name, uid := range d.uids {
		gone[name] = uid
	}
	for _, l := range letters {
		name := l.name()
		if _, known := d.uids[name]; known {
			delete(gone, name)
			continue
		}
		text, err := d.read(root, l)
		if err != nil {
			continue // deleted just now, or not ours to read
		}
		data, err := d.inbox.Append("INBOX", literal(text), &imap.AppendOptions{Time: l.time})
		if err != nil {
			return err
		}
		d.uids[name] = data.UID
		d.change()
	}
	if len(gone) == 0 {
		return nil
	}
	var uids imap.UIDSet
	for name, uid := range gone {
		uids.AddNum(uid)
		delete(d.uids, name)
	}
	session := imapmemserver.NewUserSession(d.inbox)
	if _, err := session.Select("INBOX", nil); err != nil {
		return err
	}
	defer session.Close()
	deleted := &imap.StoreFlags{Op: imap.StoreFlagsAdd, Silent: true, Flags: []imap.Flag{imap.FlagDeleted}}
	if err := session.Store(nil, uids, deleted, nil); err != nil {
		return err
	}
	defer d.change()
	return session.Expunge(nil, &uids)
}

// remove deletes the files of messages, whose names are given, and tells IMAP's
// clients about it. It leaves the rest of a name to remove, if there is one: a
// mail program may have changed the flags. Call it with mu held.
func (d *maildir) remove(names map[string]bool) error {
	root, err := d.open()
	if err != nil {
		return err
	}
	defer root.Close()
	letters, err := d.letters(root)
	if err != nil {
		return err
	}
	var errs []error
	for _, l := range letters {
		if names[l.name()] {
			if err := root.Remove(l.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
				errs = append(errs, err)
			}
		}
	}
	return errors.Join(append(errs, d.look())...)
}

// A literalText is a text as IMAP's library reads it.
type literalText struct {
	*bytes.Reader
}

func literal(text []byte) imap.LiteralReader { return literalText{bytes.NewReader(text)} }

func (l literalText) Size() int64 { return l.Reader.Size() }
