package services

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"
	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/knownhosts"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"fopnp/internal/serve/program"
)

// How long ssh and scp wait for a server, and how often they ask for a
// password.
const (
	connectTime = 30 * time.Second
	maxPrompts  = 3
)

// The exit statuses of ssh and of scp when they fail, as those of OpenSSH.
const (
	sshFailed = 255
	scpFailed = 1
)

// SSHMain is the program ssh, for machines that have none: it logs in at a host
// and runs a command or a shell there. It returns the exit status: that of the
// command, or 255 if ssh itself fails.
func SSHMain(args []string) (status int) {
	flags := newFlags("ssh [-t] [-l user] [-p port] [-i file] [user@]host [command ...]")
	remote := remoteFlags(flags, "p")
	name := flags.StringP("login-name", "l", "", "log in as this `user`")
	tty := flags.BoolP("terminal", "t", false, "run the command at a terminal, too")
	flags.SetInterspersed(false) // options after the host are the command's
	if status, done := parse(flags, args, 1, sshFailed); done {
		return status
	}
	at, host, found := strings.Cut(flags.Arg(0), "@")
	if !found {
		at, host = "", at
	}
	client, err := remote.dial(cmp.Or(at, *name), host)
	if err != nil {
		program.Complain("connect to "+host, err)
		return sshFailed
	}
	defer client.Close()
	command := strings.Join(flags.Args()[1:], " ") // a line for the shell
	status, err = converse(client, command, command == "" || *tty, os.Stdin, os.Stdout, os.Stderr)
	if err != nil {
		program.Complain("session on "+host, err)
		return sshFailed
	}
	if command == "" && term.IsTerminal(int(os.Stdin.Fd())) {
		fmt.Fprintf(os.Stderr, "Connection to %s closed.\n", host)
	}
	return status
}

// newFlags returns the options of a program.
func newFlags(usage string) *pflag.FlagSet {
	flags := pflag.NewFlagSet("", pflag.ContinueOnError)
	flags.Usage = func() {}
	flags.SortFlags = false
	flags.Init(usage, pflag.ContinueOnError)
	return flags
}

// parse parses a command line of at least min arguments. If done is true, the
// program must exit with status: 0 after -h, or wrong after a wrong command
// line.
func parse(flags *pflag.FlagSet, args []string, min, wrong int) (status int, done bool) {
	usage := "usage: " + flags.Name() + "\n"
	err := flags.Parse(args)
	if errors.Is(err, pflag.ErrHelp) {
		fmt.Print(usage, "\noptions:\n", flags.FlagUsages())
		return 0, true
	}
	if err == nil && flags.NArg() < min {
		err = errors.New("too few arguments")
	}
	if err != nil {
		fmt.Fprintf(os.Stderr, "%s%s: %v\n", usage, program.Name(), err)
		return wrong, true
	}
	return 0, false
}

// A remote says how to log in at a host.
type remote struct {
	port     *int
	identity *string // the file of a private key; "" means those in ~/.ssh
}

func remoteFlags(flags *pflag.FlagSet, port string) remote {
	return remote{
		flags.IntP("port", port, 22, "connect to this `port`"),
		flags.StringP("identity", "i", "", "log in with the key in this `file`"),
	}
}

// dial logs in at a host. The server must have one of the keys that known_hosts
// lists for it.
func (r remote) dial(name, host string) (*ssh.Client, error) {
	if name == "" {
		u, err := user.Current()
		if err != nil {
			return nil, err
		}
		name = cmp.Or(os.Getenv("USER"), u.Username)
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return nil, err
	}
	check, err := hostKeys(home)
	if err != nil {
		return nil, err
	}
	config := &ssh.ClientConfig{User: name, HostKeyCallback: check, Timeout: connectTime}
	signers, err := r.signers(home)
	if err != nil {
		return nil, err
	}
	if len(signers) > 0 {
		config.Auth = append(config.Auth, ssh.PublicKeys(signers...))
	}
	config.Auth = append(config.Auth, ssh.RetryableAuthMethod(ssh.PasswordCallback(func() (string, error) {
		return askPassword(fmt.Sprintf("%s@%s's password: ", name, host))
	}), maxPrompts))
	client, err := ssh.Dial("tcp", net.JoinHostPort(host, strconv.Itoa(*r.port)), config)
	if err == nil {
		return client, nil
	}
	if why := errors.Unwrap(err); why != nil {
		err = why // without "ssh: handshake failed"
	}
	if strings.Contains(err.Error(), "unable to authenticate") { // there is no type for it
		err = errors.New("permission denied")
	}
	return nil, err
}

// signers returns the user's private keys.
func (r remote) signers(home string) (signers []ssh.Signer, err error) {
	paths := []string{*r.identity}
	if *r.identity == "" {
		paths = []string{home + "/.ssh/id_ed25519", home + "/.ssh/id_ecdsa", home + "/.ssh/id_rsa"}
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if *r.identity == "" && errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return nil, err
		}
		signer, err := ssh.ParsePrivateKey(text)
		if _, locked := errors.AsType[*ssh.PassphraseMissingError](err); locked && *r.identity == "" {
			continue
		} else if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		signers = append(signers, signer)
	}
	return signers, nil
}

// hostKeys returns a function that checks the key of a server. If a host is not
// known at its port, it must be known without one, as for OpenSSH.
func hostKeys(home string) (ssh.HostKeyCallback, error) {
	var files []string
	for _, path := range []string{home + "/.ssh/known_hosts", "/etc/ssh/ssh_known_hosts"} {
		if _, err := os.Stat(path); err == nil {
			files = append(files, path)
		}
	}
	known, err := knownhosts.New(files...)
	if err != nil {
		return nil, err
	}
	return func(address string, remote net.Addr, key ssh.PublicKey) error {
		err := known(address, remote, key)
		problem, ok := errors.AsType[*knownhosts.KeyError](err)
		if host, port, _ := net.SplitHostPort(address); ok && len(problem.Want) == 0 && port != "22" {
			err = known(net.JoinHostPort(host, "22"), withPort22(remote), key)
			problem, ok = errors.AsType[*knownhosts.KeyError](err)
		}
		switch {
		case ok && len(problem.Want) == 0:
			return errors.New("host key is not in known_hosts")
		case ok:
			return errors.New("host key is not the one in known_hosts: this may be another host")
		}
		return err
	}, nil
}

func withPort22(address net.Addr) net.Addr {
	if tcp, ok := address.(*net.TCPAddr); ok {
		return &net.TCPAddr{IP: tcp.IP, Zone: tcp.Zone, Port: 22}
	}
	return address
}

// askPassword asks for a password at the terminal, whatever stdin is.
func askPassword(prompt string) (string, error) {
	tty, err := os.OpenFile("/dev/tty", os.O_RDWR, 0)
	if err != nil {
		return "", errors.New("no terminal to ask for a password")
	}
	defer tty.Close()
	fd := int(tty.Fd())
	before, err := unix.IoctlGetTermios(fd, unix.TCGETS)
	if err != nil {
		return "", err
	}
	// ReadPassword would turn the echo off too late: a quick user, or a script,
	// answers as soon as the prompt is there.
	silent := *before
	silent.Lflag &^= unix.ECHO
	if err := unix.IoctlSetTermios(fd, unix.TCSETSF, &silent); err != nil {
		return "", err
	}
	defer unix.IoctlSetTermios(fd, unix.TCSETS, before)
	io.WriteString(tty, prompt)
	password, err := term.ReadPassword(fd)
	io.WriteString(tty, "\n")
	return string(password), err
}

// ScpMain is the program scp, for machines that have none: it copies files
// between hosts. It returns the exit status: 1 if it could not copy all.
func ScpMain(args []string) (status int) {
	flags := newFlags("scp [-r] [-p] [-q] [-P port] [-i file] [[user@]host:]source ... [[user@]host:]target")
	c := &copier{remote: remoteFlags(flags, "P"), places: map[string]place{"": local{}}}
	c.recursive = flags.BoolP("recursive", "r", false, "copy folders with all that is in them")
	c.preserve = flags.BoolP("preserve", "p", false, "keep modes and times")
	flags.BoolP("quiet", "q", false, "print only errors, as always")
	if status, done := parse(flags, args, 2, scpFailed); done {
		return status
	}
	defer c.close()
	last := flags.NArg() - 1
	if err := c.copyAll(flags.Args()[:last], flags.Arg(last)); err != nil {
		program.Complain(flags.Arg(last), err)
		return scpFailed
	}
	if c.failed {
		return scpFailed
	}
	return 0
}

// A copier copies files.
type copier struct {
	remote              remote
	recursive, preserve *bool
	places              map[string]place // by [user@]host; "" is here
	failed              bool             // to copy some file
}

// complain reports a file that was not copied.
func (c *copier) complain(name string, err error) {
	c.failed = true
	program.Complain(name, err)
}

func (c *copier) close() {
	for _, p := range c.places {
		p.close()
	}
}

// find returns the place of a name and its path there. A colon before the first
// slash ends the name of a host.
func (c *copier) find(name string) (p place, path string, err error) {
	host, path, found := strings.Cut(name, ":")
	if !found || strings.Contains(host, "/") || host == "" {
		host, path = "", name
	}
	if p = c.places[host]; p == nil {
		if p, err = c.open(host); err != nil {
			return nil, "", err
		}
		c.places[host] = p
	}
	return p, cmp.Or(path, "."), nil
}

// copyAll copies files to one target, which must be a folder if there are
// several files. An error is about the target.
func (c *copier) copyAll(sources []string, target string) error {
	to, folder, err := c.find(target)
	if err != nil {
		return err
	}
	info, err := to.Stat(folder)
	isFolder := err == nil && info.IsDir()
	for _, source := range sources {
		from, pattern, err := c.find(source)
		if err != nil {
			c.complain(source, err)
			continue
		}
		paths, err := from.glob(pattern)
		if err == nil && len(paths) == 0 {
			err = fs.ErrNotExist
		}
		if err != nil {
			c.complain(source, err)
			continue
		}
		if (len(sources) > 1 || len(paths) > 1) && !isFolder {
			return errors.New("not a folder")
		}
		for _, path := range paths {
			destination := folder
			if isFolder {
				destination = filepath.Join(folder, filepath.Base(path))
			}
			c.copy(from, path, to, destination)
		}
	}
	return nil
}

// copy copies one file or folder.
func (c *copier) copy(from place, path string, to place, target string) {
	info, err := from.Stat(path)
	if err == nil {
		switch {
		case info.Mode().IsRegular():
			err = c.copyFile(from, path, to, target, info)
		case info.IsDir() && *c.recursive:
			err = c.copyFolder(from, path, to, target, info)
		case info.IsDir():
			err = errors.New("is a folder: copy it with -r")
		default:
			err = errors.New("not a regular file")
		}
	}
	if err != nil {
		c.complain(path, err)
	}
}

func (c *copier) copyFile(from place, path string, to place, target string, info fs.FileInfo) error {
	source, err := from.open(path)
	if err != nil {
		return err
	}
	defer source.Close()
	destination, err := to.create(target, info.Mode().Perm())
	if err != nil {
		return fmt.Errorf("%s: %w", target, err)
	}
	_, err = io.Copy(destination, source)
	if err := errors.Join(err, destination.Close()); err != nil {
		return err
	}
	return c.keep(to, target, info)
}

func (c *copier) copyFolder(from place, path string, to place, target string, info fs.FileInfo) error {
	entries, err := from.ReadDir(path)
	if err != nil {
		return err
	}
	if have, err := to.Stat(target); err != nil || !have.IsDir() {
		if err := to.Mkdir(target); err != nil {
			return fmt.Errorf("%s: %w", target, err)
		}
	}
	for _, entry := range entries {
		name := entry.Name()
		if name != filepath.Base(name) || name == ".." {
			return fmt.Errorf("the host sent a wrong name: %q", name)
		}
		c.copy(from, filepath.Join(path, name), to, filepath.Join(target, name))
	}
	return c.keep(to, target, info)
}

// keep gives a copy the mode and the times of the original, if -p is set.
func (c *copier) keep(to place, target string, info fs.FileInfo) error {
	if !*c.preserve {
		return nil
	}
	return errors.Join(to.Chmod(target, info.Mode().Perm()), to.Chtimes(target, info.ModTime(), info.ModTime()))
}
