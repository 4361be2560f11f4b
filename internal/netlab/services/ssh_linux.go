package services

import (
	"bytes"
	"errors"
	"io"
	"net"
	"os"
	"strconv"
	"sync"
	"syscall"
	"time"

	"golang.org/x/crypto/ssh"
)

// Limits of an SSH client.
const (
	loginTime   = 30 * time.Second // to log in
	dialTime    = 10 * time.Second // to reach what the client forwards to
	maxChannels = 32               // of a connection: sessions and forwarded connections
	maxEnv      = 64               // variables that a session sets
)

// A Process is a program that was started. Wait waits until it has ended. It
// is called once.
type Process interface {
	Pid() int
	Wait() syscall.WaitStatus
}

// A Spawn starts a program with three open files, in a session of its own. If
// tty is true, files[0] is a terminal and becomes that of the session. The
// program runs as the user of cred, or as ours if cred is nil. The caller
// closes the files.
type Spawn func(path string, argv, env []string, dir string, files [3]*os.File,
	tty bool, cred *syscall.Credential) (Process, error)

// An SSH is an SSH server. Clients get a shell or run a command, with a
// terminal or without, copy files with scp and sftp, and have connections
// forwarded (ssh -L). They log in with [Password] or with the user key of the
// playground. The server has no agent and forwards no X11.
//
// A session ends as that of OpenSSH does: when the command has ended and,
// unless it has a terminal, no process still has its output open. If the client
// goes first, the process group of the command gets SIGHUP.
type SSH struct {
	Identity *Identity
	Accounts []Account
	Spawn    Spawn
	Env      []string // variables of every program, NAME=VALUE, besides HOME, USER, LOGNAME and SHELL
	SFTP     []string // the path and the arguments of a program that calls [SFTPServerMain]; without it, there is no sftp
}

// Serve serves the clients of a listener.
func (s *SSH) Serve(l net.Listener) error {
	return serveEach(l, s.serveClient)
}

// serveClient serves one client until it goes and its programs have ended.
func (s *SSH) serveClient(conn net.Conn) {
	conn.SetDeadline(time.Now().Add(loginTime))
	client, channels, requests, err := ssh.NewServerConn(conn, s.config())
	if err != nil {
		return // the client has gone, or cannot log in
	}
	conn.SetDeadline(time.Time{})
	account := find(s.Accounts, client.User())
	var serving sync.WaitGroup
	defer serving.Wait()
	defer client.Close()
	serving.Go(func() { ssh.DiscardRequests(requests) })
	free := make(chan struct{}, maxChannels)
	for ch := range channels {
		select {
		case free <- struct{}{}:
		default:
			ch.Reject(ssh.ResourceShortage, "too many channels")
			continue
		}
		serving.Go(func() {
			defer func() { <-free }()
			switch ch.ChannelType() {
			case "session":
				if channel, requests, err := ch.Accept(); err == nil {
					session := &session{ssh: s, client: client, account: account, channel: channel}
					session.serve(requests)
				}
			case "direct-tcpip":
				forward(ch)
			default:
				ch.Reject(ssh.UnknownChannelType, "unknown channel type")
			}
		})
	}
}

func (s *SSH) config() *ssh.ServerConfig {
	denied := errors.New("permission denied")
	own := publicKey(s.Identity.UserKey).Marshal()
	config := &ssh.ServerConfig{
		ServerVersion: "SSH-2.0-playground",
		PasswordCallback: func(c ssh.ConnMetadata, password []byte) (*ssh.Permissions, error) {
			if logIn(s.Accounts, c.User(), string(password)) == nil {
				return nil, denied
			}
			return nil, nil
		},
		PublicKeyCallback: func(c ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if find(s.Accounts, c.User()) == nil || !bytes.Equal(key.Marshal(), own) {
				return nil, denied
			}
			return nil, nil
		},
	}
	signer, err := ssh.NewSignerFromKey(s.Identity.HostKey)
	if err != nil {
		panic(err) // it fails only for other kinds of keys
	}
	config.AddHostKey(signer)
	return config
}

// forward connects the client to another server, for ssh -L.
//
// Source: RFC 4254, 7.2
func forward(ch ssh.NewChannel) {
	var to struct {
		Host       string
		Port       uint32
		Originator string
		From       uint32
	}
	if err := ssh.Unmarshal(ch.ExtraData(), &to); err != nil {
		ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	address := net.JoinHostPort(to.Host, strconv.FormatUint(uint64(to.Port), 10))
	server, err := net.DialTimeout("tcp", address, dialTime)
	if err != nil {
		ch.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	defer server.Close()
	client, requests, err := ch.Accept()
	if err != nil {
		return
	}
	var copying sync.WaitGroup
	defer copying.Wait()
	copying.Go(func() {
		ssh.DiscardRequests(requests) // until the client has closed the channel
		server.Close()
	})
	copying.Go(func() {
		io.Copy(server, client)
		server.(*net.TCPConn).CloseWrite()
	})
	io.Copy(client, server)
	client.Close()
}
