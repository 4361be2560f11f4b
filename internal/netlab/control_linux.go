package netlab

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// A control socket carries messages between the processes of a network. A message
// is a JSON value, and may carry open files.
type control struct{ *net.UnixConn }

// maxMessage is the maximum size of a message, in bytes.
const maxMessage = 128 << 10

// A request is a client's first message. A login carries the client's three standard
// files.
type request struct {
	Host     string   // to log in to, or ""
	Command  [][]byte // one word is a line for the shell; none means a login shell
	Dir      string   // the client's working folder
	Env      []string // of the terminal: TERM and the like
	Terminal *unix.Winsize

	Wires bool     // show wires, or change one
	Wire  []string // its name and quality
}

// An answer comes from the world or from a host. If Started is set, it carries the
// other end of the shell's terminal, if the shell has one of its own.
type answer struct {
	Ready   bool
	Started bool // the host is about to start the shell or command; another answer follows
	Text    string
	Error   string
	Usage   bool // the request is wrong: see ErrUsage
	Status  int  // the exit status of the shell or command, which has ended
}

// socketPair returns the two ends of a control socket. The second one is for
// another process.
func socketPair() (control, *os.File, error) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_SEQPACKET|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return control{}, nil, os.NewSyscallError("socketpair", err)
	}
	theirs := os.NewFile(uintptr(fds[1]), "control")
	ours, err := newControl(os.NewFile(uintptr(fds[0]), "control"))
	if err != nil {
		theirs.Close()
	}
	return ours, theirs, err
}

// newControl takes over a file that is a control socket.
func newControl(f *os.File) (control, error) {
	defer f.Close()
	c, err := net.FileConn(f)
	if err != nil {
		return control{}, err
	}
	u, ok := c.(*net.UnixConn)
	if !ok {
		c.Close()
		return control{}, errors.New("not a control socket")
	}
	return control{u}, nil
}

// send sends a message with files, which stay open.
func (c control) send(message any, files ...*os.File) error {
	text, err := json.Marshal(message)
	if err != nil {
		return err
	}
	if len(text) > maxMessage {
		return fmt.Errorf("a message of %d bytes is too long", len(text))
	}
	var rights []byte
	if len(files) > 0 {
		var fds []int
		for _, f := range files {
			fd, err := descriptor(f)
			if err != nil {
				return err
			}
			fds = append(fds, fd)
		}
		rights = unix.UnixRights(fds...)
	}
	_, _, err = c.WriteMsgUnix(text, rights, nil)
	return err
}

// descriptor returns the descriptor of a file, which must stay open while it is used.
// Unlike Fd, it leaves the file as it is. Fd would make reads of a terminal block.
func descriptor(f *os.File) (fd int, err error) {
	raw, err := f.SyscallConn()
	if err != nil {
		return 0, err
	}
	err = raw.Control(func(number uintptr) { fd = int(number) })
	return fd, err
}

// receive receives a message and the files with it, which the caller must close.
func (c control) receive(message any) (files []*os.File, err error) {
	text, rights := make([]byte, maxMessage), make([]byte, unix.CmsgSpace(4*8))
	n, m, flags, _, err := c.ReadMsgUnix(text, rights)
	if err != nil {
		return nil, err
	}
	scms, err := unix.ParseSocketControlMessage(rights[:m])
	if err != nil {
		return nil, err
	}
	for _, scm := range scms {
		fds, err := unix.ParseUnixRights(&scm)
		if err != nil {
			continue // it carries no files
		}
		for _, fd := range fds {
			files = append(files, os.NewFile(uintptr(fd), "received"))
		}
	}
	if flags&(unix.MSG_TRUNC|unix.MSG_CTRUNC) != 0 {
		err = errors.New("a message was too long")
	} else {
		err = json.Unmarshal(text[:n], message)
	}
	if err != nil {
		closeAll(files)
		return nil, err
	}
	return files, nil
}

// pass hands the socket itself to another process, which will serve it, and closes it
// here.
func (c control) pass(to control) error {
	defer c.Close()
	f, err := c.File()
	if err != nil {
		return err
	}
	defer f.Close()
	return to.send(request{}, f)
}

// sameUser reports whether the process at the other end belongs to this user.
func (c control) sameUser() bool {
	raw, err := c.SyscallConn()
	if err != nil {
		return false
	}
	same := false
	raw.Control(func(fd uintptr) {
		peer, err := unix.GetsockoptUcred(int(fd), unix.SOL_SOCKET, unix.SO_PEERCRED)
		same = err == nil && int(peer.Uid) == os.Geteuid()
	})
	return same
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}
