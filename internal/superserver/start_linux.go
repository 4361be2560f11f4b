package superserver

import (
	"fmt"
	"os"
	"os/user"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"
)

// answer serves the client or the datagram that waits at a socket.
func (s *server) answer(socket *socket) {
	service := socket.service
	if !socket.mayStart(s.rate) {
		socket.close()
		socket.rest = time.Now().Add(cooldown)
		s.log("%s server failing (looping), service terminated for %d min", socket.label(), int(cooldown.Minutes()))
		return
	}
	if service.Type == "stream" && (service.Program == internal || !service.Wait) {
		s.answerConnection(socket)
		return
	}
	if service.Program == internal {
		builtins[service.Name].datagram(socket.fd)
		return
	}
	pid, err := s.start(service, socket.fd)
	if err != nil {
		s.log("%s", err)
		socket.drop()
		return
	}
	s.running[pid] = socket
	socket.busy = service.Wait
}

// answerConnection accepts a client and starts the program with the connection.
func (s *server) answerConnection(socket *socket) {
	fd, _, err := unix.Accept4(socket.fd, unix.SOCK_CLOEXEC)
	switch err {
	case nil:
	case unix.EAGAIN, unix.EINTR, unix.ECONNABORTED: // the client has left
		return
	default:
		s.log("accept (for %s): %s", socket.service.Name, reason(err))
		socket.rest = time.Now().Add(exhausted)
		return
	}
	if socket.service.Program == internal {
		converse(fd, builtins[socket.service.Name].stream)
		return
	}
	if _, err := s.start(socket.service, fd); err != nil {
		s.log("%s", err)
	}
	unix.Close(fd)
}

// start starts a program in a new session, with a socket as descriptors 0, 1
// and 2.
func (s *server) start(service Service, fd int) (pid int, err error) {
	credential, err := credentialOf(service)
	if err != nil {
		return 0, err
	}
	pid, err = syscall.ForkExec(service.Program, service.Args, &syscall.ProcAttr{
		Env:   s.environment,
		Files: []uintptr{uintptr(fd), uintptr(fd), uintptr(fd)},
		Sys:   &syscall.SysProcAttr{Setsid: true, Credential: credential},
	})
	if err != nil && credential != nil && err == unix.EPERM {
		return 0, fmt.Errorf("%s/%s: can't set uid %d: %s", service.Name, service.Protocol, credential.Uid, reason(err))
	}
	if err != nil {
		return 0, fmt.Errorf("execv %s: %s", service.Program, reason(err))
	}
	return pid, nil
}

// drop takes the waiting client or datagram off the queue of a socket whose
// program cannot be started. Otherwise poll would report it again at once.
func (s *socket) drop() {
	if s.service.Type == "dgram" {
		unix.Recvfrom(s.fd, make([]byte, 1), unix.MSG_DONTWAIT)
		return
	}
	unix.SetNonblock(s.fd, true)
	if fd, _, err := unix.Accept4(s.fd, unix.SOCK_CLOEXEC); err == nil {
		unix.Close(fd)
	}
	s.setMode()
}

// credentialOf returns the IDs of a service's user and groups. It returns nil if
// they are the server's own: then starting the program needs no privilege.
func credentialOf(service Service) (*syscall.Credential, error) {
	account, err := user.Lookup(service.User)
	if err != nil {
		return nil, fmt.Errorf("getpwnam: %s: No such user", service.User)
	}
	gid := account.Gid
	if service.Group != "" {
		group, err := user.LookupGroup(service.Group)
		if err != nil {
			return nil, fmt.Errorf("getgrnam: %s: No such group", service.Group)
		}
		gid = group.Gid
	}
	credential := &syscall.Credential{Uid: id(account.Uid), Gid: id(gid)}
	if int(credential.Uid) == os.Getuid() && int(credential.Gid) == os.Getgid() {
		return nil, nil
	}
	groups, err := account.GroupIds()
	if err != nil {
		return nil, fmt.Errorf("%s/%s: can't initgroups(%s): %v", service.Name, service.Protocol, service.User, err)
	}
	for _, group := range groups {
		credential.Groups = append(credential.Groups, id(group))
	}
	return credential, nil
}

// id returns a user or group ID. Package user has checked that it is a number.
func id(digits string) uint32 {
	n, _ := strconv.ParseUint(digits, 10, 32)
	return uint32(n)
}
