package netlab

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strings"
	"syscall"
	"time"

	"fopnp/internal/netlab/services"
	"fopnp/internal/netns"
)

// starters start the services that a table can name, except those that inetd starts.
var starters = map[string]func(*server, Service) error{
	"DNS":  (*server).serveDNS,
	"FTP":  (*server).serveFTP,
	"HTTP": (*server).serveWeb,
	"SMTP": (*server).serveMail,
	"POP3": withSMTP,
	"IMAP": withSMTP,
}

// serve starts the services of the host. All of them listen when it returns.
func (s *server) serve() error {
	if s.runsInetd() { // first, because it takes longest
		if err := s.startInetd(); err != nil {
			return fmt.Errorf("inetd: %w", err)
		}
	}
	if err := s.serveSSH(); err != nil {
		return fmt.Errorf("SSH: %w", err)
	}
	for _, service := range s.Services {
		start := starters[service.Name]
		switch {
		case service.Inetd:
			continue
		case start == nil:
			return fmt.Errorf("there is no service %s", service.Name)
		}
		if err := start(s, service); err != nil {
			return fmt.Errorf("%s: %w", service.Name, err)
		}
	}
	return s.awaitInetd()
}

// forever serves in the background until the host ends. An error goes to the user's
// terminal.
func (s *server) forever(what string, serve func() error) {
	go func() {
		if err := serve(); err != nil {
			fmt.Fprintf(os.Stderr, "playground: %s: %s: %v\n", s.Short(), what, err)
		}
	}()
}

func listen(port int) (net.Listener, error) { return net.Listen("tcp", fmt.Sprint(":", port)) }

// listenTwice returns the listeners for a service's plain port and for its TLS port.
func listenTwice(service Service) (plain, secure net.Listener, err error) {
	if plain, err = listen(service.Port); err == nil {
		secure, err = listen(service.TLS)
	}
	return plain, secure, err
}

// accounts returns the host's users.
func (s *server) accounts() []services.Account {
	id := uint32(s.config.brandon())
	return []services.Account{
		{Name: "root", Home: "/root", Shell: shell()},
		{Name: "brandon", Home: "/home/brandon", Shell: shell(), UID: id, GID: id},
	}
}

func (s *server) serveSSH() error {
	l, err := listen(22)
	if err != nil {
		return err
	}
	server := &services.SSH{
		Identity: s.config.Identity,
		Accounts: s.accounts(),
		Spawn: func(path string, argv, env []string, dir string, files [3]*os.File, tty bool, cred *syscall.Credential) (services.Process, error) {
			return spawn(path, argv, env, dir, files, tty, cred)
		},
		Env:  s.config.environment(),
		SFTP: []string{programFolder + "/sftp-server"},
	}
	s.forever("SSH", func() error { return server.Serve(l) })
	return nil
}

func (s *server) serveDNS(service Service) error {
	packets, err := net.ListenPacket("udp", fmt.Sprint(":", service.Port))
	if err != nil {
		return err
	}
	l, err := listen(service.Port)
	if err != nil {
		return err
	}
	s.forever("DNS", func() error { return services.ServeDNS(packets, l, s.lab.zone()) })
	return nil
}

func (s *server) serveWeb(service Service) error {
	plain, secure, err := listenTwice(service)
	if err != nil {
		return err
	}
	certificate, err := s.config.Identity.Certificate(s.Names...)
	if err != nil {
		return err
	}
	site := services.Site{Name: s.Full(), Certificate: certificate}
	s.forever("HTTP", func() error { return services.ServeWeb(plain, secure, site) })
	return nil
}

func (s *server) serveFTP(service Service) error {
	l, err := listen(service.Port)
	if err != nil {
		return err
	}
	certificate, err := s.config.Identity.Certificate(s.Names...)
	if err != nil {
		return err
	}
	const public = "/srv/ftp"
	welcome := fmt.Sprintf("This file is on %s.\n", s.Full())
	if err := os.WriteFile(public+"/welcome.txt", []byte(welcome), 0o644); err != nil {
		return err
	}
	files := services.FTP{
		Host: s.Full(), Accounts: s.accounts(), Root: "/", Public: public, Certificate: certificate,
	}
	s.forever("FTP", func() error { return services.ServeFTP(l, files) })
	return nil
}

// withSMTP does nothing, because one server handles all the mail of a host.
func withSMTP(*server, Service) error { return nil }

func (s *server) serveMail(Service) error {
	ports := map[string]int{}
	for _, service := range s.Services {
		ports[service.Name] = service.Port
		ports[service.Name+"S"] = service.TLS
	}
	var listeners services.MailListeners
	for name, l := range map[string]*net.Listener{
		"SMTP": &listeners.SMTP,
		"POP3": &listeners.POP3, "POP3S": &listeners.POP3S,
		"IMAP": &listeners.IMAP, "IMAPS": &listeners.IMAPS,
	} {
		if ports[name] == 0 {
			continue
		}
		var err error
		if *l, err = listen(ports[name]); err != nil {
			return err
		}
	}
	certificate, err := s.config.Identity.Certificate(append(s.Names, s.Aliases...)...)
	if err != nil {
		return err
	}
	mail := services.Mail{
		Host: s.Full(), Domains: s.MailFor, Accounts: s.accounts(),
		Folder: "/var/mail", Certificate: certificate,
	}
	s.forever("mail", func() error { return services.ServeMail(listeners, mail) })
	return nil
}

// zone returns what the network's name server knows.
func (l *Lab) zone() services.Zone {
	z := services.Zone{
		Domains: []string{"."},
		Server:  l.Nameserver().Full(),
		A:       map[string][]netip.Addr{},
		PTR:     map[netip.Addr]string{},
		MX:      map[string][]services.MX{},
		CNAME:   map[string]string{},
	}
	for _, h := range l.Hosts {
		z.A[h.Full()] = []netip.Addr{h.Address()}
		z.PTR[h.Address()] = h.Full()
		for _, alias := range h.Aliases {
			z.CNAME[alias] = h.Full()
		}
		for _, domain := range h.MailFor {
			z.MX[domain] = append(z.MX[domain], services.MX{Preference: 10, Host: h.Full()})
		}
	}
	return z
}

// inetds are the paths of super-servers that may be installed on the machine.
var inetds = []string{"/usr/sbin/inetd", "/usr/sbin/openbsd-inetd", "/usr/sbin/inetutils-inetd"}

// startInetd starts the machine's inetd, or ours if the machine has none.
func (s *server) startInetd() error {
	argv := []string{programFolder + "/inetd", "-i"}
	for _, path := range inetds {
		if _, err := os.Stat(path); err == nil && !s.config.Own {
			argv = []string{path}
			break
		}
	}
	null, err := os.OpenFile(os.DevNull, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	defer null.Close()
	_, err = spawn(argv[0], argv, s.config.environment(), "/", [3]*os.File{null, null, null}, false, nil)
	return err
}

// awaitInetd waits until inetd listens on the ports of all its services.
func (s *server) awaitInetd() error {
	for begun := time.Now(); ; time.Sleep(time.Millisecond) {
		var missing []string
		listening := netns.Listeners(os.Getpid())
		for _, service := range s.Services {
			at := func(l netns.Socket) bool {
				return strings.HasPrefix(l.Network, "tcp") && int(l.Port) == service.Port
			}
			if service.Inetd && !slices.ContainsFunc(listening, at) {
				missing = append(missing, service.Name)
			}
		}
		if missing == nil {
			return nil
		}
		if time.Since(begun) > patience {
			return errors.New("inetd does not listen for " + strings.Join(missing, ", "))
		}
	}
}
