package nettools

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/creack/pty"
	"github.com/go-crypt/crypt/algorithm/shacrypt"
	"golang.org/x/sys/unix"

	"fopnp/internal/serve/program"
)

const (
	loginTime  = time.Minute // how long a client may take to log in
	loginTries = 3
	maxLine    = 128 // bytes of a name or password
)

// TelnetdMain is the telnet server in.telnetd, which inetd starts with a
// connection as descriptor 0. It asks for a name and a password, and then runs
// the user's shell at a new terminal of the same size as the client's window. It
// returns when the shell exits or the client leaves. Then it hangs up the
// shell's terminal.
//
// The password must match the one in /etc/shadow, which must be a SHA-256 or
// SHA-512 hash of crypt(3). Telnet does not encrypt, so anyone along the way can
// read the password.
func TelnetdMain(args []string) int {
	t := newTool("in.telnetd", "[--passwd FILE] [--shadow FILE]")
	d := &telnetd{size: &pty.Winsize{Rows: 24, Cols: 80}, terminalType: "dumb"}
	passwd := t.String("passwd", "/etc/passwd", "`FILE` of the users")
	shadow := t.String("shadow", "/etc/shadow", "`FILE` of their passwords")
	if status, ok := t.parse(args, 0, 0); !ok {
		return status
	}
	conn, err := net.FileConn(os.Stdin)
	if err != nil {
		return t.fails("stdin", errors.New("not a connection; inetd starts this program"))
	}
	defer conn.Close()
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return 1
	}
	// If descriptors 0 to 2 were still the connection, closing conn would not
	// end it.
	for fd := range 3 {
		unix.Dup3(int(null.Fd()), fd, 0)
	}
	d.conn, d.conversation = conn, newConversation(conn)
	if err := d.serve(*passwd, *shadow); err != nil {
		return 1 // the client has been told, or has left
	}
	return 0
}

// A telnetd serves one client.
type telnetd struct {
	*conversation
	conn net.Conn

	mu           sync.Mutex // guards what follows; the conversation has its own
	size         *pty.Winsize
	terminalType string
	terminal     *os.File // nil before the login
}

func (d *telnetd) serve(passwd, shadow string) error {
	d.ours[optEcho], d.ours[optSuppressGoAhead] = true, true
	d.theirs[optSuppressGoAhead], d.theirs[optWindowSize], d.theirs[optTerminalType] = true, true, true
	d.enter = true
	d.conversation.sub, d.conversation.command = d.learn, d.do
	d.agreed = func(verb, option byte) {
		if verb == will && option == optTerminalType {
			d.sendSub(optTerminalType, 1) // 1: send yours
		}
	}
	offers := [][2]byte{
		{will, optEcho}, {will, optSuppressGoAhead}, {do, optWindowSize}, {do, optTerminalType},
	}
	for _, offer := range offers {
		if err := d.offer(offer[0], offer[1]); err != nil {
			return err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	fmt.Fprintf(d, "Linux (%s)\r\n\r\n", host)
	d.conn.SetDeadline(time.Now().Add(loginTime))
	who, err := d.login(host, passwd, shadow)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		d.conn.SetDeadline(time.Now().Add(time.Second))
		fmt.Fprintf(d, "\r\nLogin timed out after %.0f seconds.\r\n", loginTime.Seconds())
	}
	if err != nil {
		return err
	}
	d.conn.SetDeadline(time.Time{})
	if err := d.session(who); err != nil {
		fmt.Fprintf(d, "in.telnetd: %v\r\n", err)
		return err
	}
	return nil
}

// offer asks the peer to let us use an option (verb will), or to use it (verb
// do).
func (d *telnetd) offer(verb, option byte) error {
	c := d.conversation
	c.mu.Lock()
	defer c.mu.Unlock()
	c.using[[2]byte{verb, option}] = true
	return c.send(iac, verb, option)
}

// learn notes the size of the window or the type of the terminal.
func (d *telnetd) learn(option byte, text []byte) {
	d.mu.Lock()
	defer d.mu.Unlock()
	switch {
	case option == optWindowSize && len(text) == 4:
		d.size.Cols, d.size.Rows = uint16(text[0])<<8|uint16(text[1]), uint16(text[2])<<8|uint16(text[3])
		if d.terminal != nil {
			pty.Setsize(d.terminal, d.size)
		}
	case option == optTerminalType && len(text) > 1 && text[0] == 0: // 0: this is mine
		if name := strings.ToLower(string(text[1:])); regexp.MustCompile(`^[a-z0-9.+-]+$`).MatchString(name) {
			d.terminalType = name
		}
	}
}

// do obeys a command.
func (d *telnetd) do(command byte) (data []byte) {
	switch command {
	case interrupt, breaks:
		return []byte{'C' - '@'}
	case areYouThere:
		fmt.Fprint(d, "\r\n[yes]\r\n")
	}
	return nil
}

// An account is a user of the host.
type account struct {
	name, home, shell string
	uid, gid          uint32
}

var errLogin = errors.New("login incorrect")

// login asks for a name and a password until they are correct.
func (d *telnetd) login(host, passwd, shadow string) (account, error) {
	short, _, _ := strings.Cut(host, ".")
	for range loginTries {
		name := ""
		for name == "" {
			var err error
			if name, err = d.ask(short+" login: ", true); err != nil {
				return account{}, err
			}
		}
		password, err := d.ask("Password: ", false)
		if err != nil {
			return account{}, err
		}
		who, err := authenticate(name, password, passwd, shadow)
		if err == nil {
			return who, nil
		}
		fmt.Fprint(d, "\r\nLogin incorrect\r\n")
	}
	return account{}, errLogin
}

// ask asks a question and returns the line that the client types. It echoes the
// line if shown is true.
func (d *telnetd) ask(question string, shown bool) (string, error) {
	fmt.Fprint(d, question)
	var line []byte
	for {
		b, err := d.ReadByte()
		if err != nil {
			return "", err
		}
		switch b {
		case '\r', '\n':
			_, err := fmt.Fprint(d, "\r\n")
			return string(line), err
		case '\b', 127:
			if len(line) > 0 {
				line = line[:len(line)-1]
				if shown {
					fmt.Fprint(d, "\b \b")
				}
			}
		case 'C' - '@', 'D' - '@':
			return "", errLogin
		default:
			if b >= ' ' && len(line) < maxLine {
				line = append(line, b)
				if shown {
					d.Write([]byte{b})
				}
			}
		}
	}
}

// authenticate returns a user's account if the password is correct.
func authenticate(name, password, passwd, shadow string) (account, error) {
	user, err := fieldsOf(passwd, name, 7)
	if err != nil {
		return account{}, err
	}
	secret, err := fieldsOf(shadow, name, 2)
	if err != nil {
		return account{}, err
	}
	digest, err := shacrypt.Decode(secret[1])
	if err != nil || !digest.Match(password) {
		return account{}, errLogin
	}
	uid, err1 := strconv.ParseUint(user[2], 10, 32)
	gid, err2 := strconv.ParseUint(user[3], 10, 32)
	if err1 != nil || err2 != nil {
		return account{}, errLogin
	}
	return account{name, user[5], user[6], uint32(uid), uint32(gid)}, nil
}

// fieldsOf returns the fields of a user's line in /etc/passwd or /etc/shadow. The
// line must have n fields or more.
func fieldsOf(file, name string, n int) ([]string, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if f := strings.Split(strings.TrimRight(line, "\n"), ":"); f[0] == name && len(f) >= n {
			return f, nil
		}
	}
	return nil, errLogin
}

// session runs the user's shell until it exits or the client leaves.
func (d *telnetd) session(who account) error {
	shell := exec.Command(who.shell)
	shell.Args[0] = "-" + who.shell[strings.LastIndexByte(who.shell, '/')+1:] // the - says that it is a login
	shell.Dir = who.home
	if info, err := os.Stat(who.home); err != nil || !info.IsDir() {
		fmt.Fprintf(d, "No directory, logging in with HOME=/\r\n")
		shell.Dir = "/"
	}
	shell.Env = []string{"HOME=" + shell.Dir, "USER=" + who.name, "LOGNAME=" + who.name, "SHELL=" + who.shell,
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}
	attributes := &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if int(who.uid) != os.Getuid() || int(who.gid) != os.Getgid() {
		attributes.Credential = &syscall.Credential{Uid: who.uid, Gid: who.gid, Groups: []uint32{who.gid}}
	}
	d.mu.Lock()
	shell.Env = append(shell.Env, "TERM="+d.terminalType)
	ours, err := startAtTerminal(shell, d.size, attributes)
	d.terminal = ours
	d.mu.Unlock()
	if err != nil {
		return fmt.Errorf("start %s: %s", who.shell, program.Why(err))
	}
	printed, left := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(printed)
		d.copyOut(ours)
	}()
	go func() {
		defer close(left)
		buffer := make([]byte, 4096)
		for {
			n, err := d.Read(buffer)
			if err == nil {
				_, err = ours.Write(buffer[:n])
			}
			if err != nil {
				return
			}
		}
	}()
	exited := make(chan struct{})
	go func() {
		defer close(exited)
		shell.Wait() // the client need not know the status
	}()
	select {
	case <-exited:
		// The shell's last output may still be in the terminal. The client does
		// not have to wait for background programs that have it open.
		ours.SetReadDeadline(time.Now())
		<-printed
		d.drain(ours)
	case <-left:
	}
	return ours.Close() // which hangs up on the programs at the terminal
}

// startAtTerminal starts a program at a new terminal and returns the terminal's
// other end. Its Read can have a deadline.
func startAtTerminal(cmd *exec.Cmd, size *pty.Winsize, attributes *syscall.SysProcAttr) (*os.File, error) {
	blocking, err := pty.StartWithAttrs(cmd, size, attributes)
	if err != nil {
		return nil, err
	}
	defer blocking.Close()
	fd, err := unix.FcntlInt(blocking.Fd(), unix.F_DUPFD_CLOEXEC, 3)
	if err == nil {
		err = unix.SetNonblock(fd, true) // before NewFile looks
	}
	if err != nil {
		cmd.Process.Kill()
		cmd.Wait()
		return nil, err
	}
	return os.NewFile(uintptr(fd), blocking.Name()), nil
}

// copyOut copies what programs print at the terminal to the client.
func (d *telnetd) copyOut(terminal *os.File) {
	buffer := make([]byte, 4096)
	for {
		n, err := terminal.Read(buffer)
		if n > 0 {
			if _, err := d.Write(buffer[:n]); err != nil {
				d.conn.Close() // so the other goroutine notices, too
				return
			}
		}
		if err != nil {
			return
		}
	}
}

// drain copies what is left in the terminal, without waiting for more.
func (d *telnetd) drain(terminal *os.File) {
	raw, err := terminal.SyscallConn()
	if err != nil {
		return
	}
	raw.Control(func(fd uintptr) {
		buffer := make([]byte, 4096)
		for {
			poll := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLIN}}
			if n, err := unix.Poll(poll, 0); n == 0 || err != nil || poll[0].Revents&unix.POLLIN == 0 {
				return
			}
			n, err := unix.Read(int(fd), buffer)
			if n <= 0 || err != nil {
				return
			}
			d.Write(buffer[:n])
		}
	})
}
