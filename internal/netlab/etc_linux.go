package netlab

import (
	"bytes"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// authorities is the file with the certificate that the hosts trust: that of the
// network's own certificate authority.
const authorities = "/etc/ssl/certs/ca-certificates.crt"

// brandon is the second user of the hosts, besides root. If there is only one user,
// brandon is another name for root.
func (c *config) brandon() int {
	if c.AllUsers {
		return 1000
	}
	return 0
}

// configure writes the files in /etc that differ from the machine's. All others are
// links to the machine's files.
func (s *server) configure() error {
	files := map[string]string{
		"passwd":      s.passwd(),
		"group":       s.group(),
		"hostname":    s.Full() + "\n",
		"hosts":       s.hosts(),
		"resolv.conf": s.resolver(),
		"nsswitch.conf": "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n" +
			"services: files\nprotocols: files\nnetworks: files\n",
		"profile":     "export PATH=" + s.config.path() + "\n[ -n \"$BASH\" ] && . /etc/bash.bashrc\n",
		"bash.bashrc": "case $- in *i*) ;; *) return ;; esac\nPS1='\\u@\\h:\\w\\$ '\nunset HISTFILE\n",
		"shadow":      fmt.Sprintf("root:%s:16000:0:99999:7:::\nbrandon:%[1]s:16000:0:99999:7:::\n", abc123),
	}
	files["ssl/certs/"+filepath.Base(authorities)] = string(s.config.Identity.CAPEM())
	files["ssh/ssh_known_hosts"] = string(s.config.Identity.KnownHosts())
	files["ssh/ssh_config"] = "Host *\n\tUpdateHostKeys no\n\tUserKnownHostsFile /dev/null\n"
	if _, err := os.Stat(machine + "/etc/services"); err != nil {
		files["services"] = s.services()
	}
	if s.runsInetd() {
		files["inetd.conf"] = s.inetdConf()
		files["init.d/openbsd-inetd"] = initScript
	}
	for name, text := range files {
		mode := fs.FileMode(0o644)
		switch {
		case name == "shadow":
			mode = 0o600
		case strings.HasPrefix(name, "init.d/"):
			mode = 0o755
		}
		if err := os.WriteFile("/etc/"+name, []byte(text), mode); err != nil {
			return err
		}
	}
	if err := s.writeKeys(); err != nil {
		return err
	}
	return linkEtc()
}

// writeKeys gives the users their keys, which are the same on all hosts.
func (s *server) writeKeys() error {
	private, public := s.config.Identity.UserKeys()
	for _, a := range s.accounts() {
		folder := filepath.Join(a.Home, ".ssh")
		theirs := []string{a.Home, folder}
		for name, text := range map[string][]byte{"id_ed25519": private, "id_ed25519.pub": public, "authorized_keys": public} {
			file := filepath.Join(folder, name)
			if err := os.WriteFile(file, text, 0o600); err != nil {
				return err
			}
			theirs = append(theirs, file)
		}
		for _, path := range theirs {
			if err := os.Lchown(path, int(a.UID), int(a.GID)); err != nil {
				return err
			}
		}
	}
	return nil
}

// linkEtc fills /etc up with links to the machine's files.
func linkEtc() error {
	const theirs = "/playground/etc"
	if err := bindReadOnly(machine+"/etc", theirs); err != nil {
		return err
	}
	notTheirs := []string{"environment", "gshadow", "inetd.conf", "inetd.d", "profile.d", "shadow"}
	for _, folder := range []string{"", "ssl"} {
		entries, err := os.ReadDir(filepath.Join(theirs, folder))
		if err != nil {
			continue // the machine has none
		}
		for _, e := range entries {
			name := filepath.Join(folder, e.Name())
			if slices.Contains(notTheirs, name) {
				continue
			}
			if _, err := os.Lstat("/etc/" + name); err == nil {
				continue // the host has its own
			}
			target := filepath.Join(theirs, name)
			if link, err := os.Readlink(target); err == nil {
				target = link // such as ../usr/share/zoneinfo/UTC
			}
			if err := os.Symlink(target, "/etc/"+name); err != nil {
				return err
			}
		}
	}
	return nil
}

// onlyRoot has the users that daemons switch to. If there is only one user, they are
// other names for root.
var onlyRoot = []string{"daemon", "nobody", "sshd", "tcpdump"}

func (s *server) passwd() string {
	var text strings.Builder
	add := func(name string, id int, home, shell string) {
		fmt.Fprintf(&text, "%s:x:%d:%d:%[1]s:%[4]s:%s\n", name, id, id, home, shell)
	}
	add("root", 0, "/root", shell())
	add("brandon", s.config.brandon(), "/home/brandon", shell())
	for i, name := range onlyRoot {
		id := 0
		if s.config.AllUsers {
			id = 101 + i
		}
		add(name, id, "/nonexistent", "/usr/sbin/nologin")
	}
	return text.String()
}

func (s *server) group() string {
	var text strings.Builder
	add := func(name string, id int) {
		if !s.config.AllUsers {
			id = 0
		}
		fmt.Fprintf(&text, "%s:x:%d:\n", name, id)
	}
	add("root", 0)
	add("brandon", 1000)
	add("tty", 5)
	add("nogroup", 65534)
	for i, name := range onlyRoot {
		add(name, 101+i)
	}
	return text.String()
}

func (s *server) hosts() string {
	return fmt.Sprintf("127.0.0.1 localhost\n::1 localhost ip6-localhost\n%v %s\n",
		s.Address(), strings.Join(s.Names, " "))
}

func (s *server) resolver() string {
	var text strings.Builder
	if h := s.lab.Nameserver(); h != nil {
		fmt.Fprintf(&text, "nameserver %v\n", h.Address())
	}
	if s.lab.Domain != "" {
		fmt.Fprintf(&text, "search %s\n", s.lab.Domain)
	}
	return text.String()
}

// services returns the names of the network's services and their ports, in the
// format of /etc/services.
func (s *server) services() string {
	ports := map[string]int{"ssh": 22}
	for _, h := range s.lab.Hosts {
		for _, service := range h.Services {
			name := strings.ToLower(service.Name)
			if name == "dns" {
				name = "domain"
			}
			ports[name] = service.Port
			if service.TLS > 0 {
				ports[name+"s"] = service.TLS
			}
		}
	}
	var text bytes.Buffer
	for name, port := range ports {
		fmt.Fprintf(&text, "%s %d/tcp\n%[1]s %[2]d/udp\n", name, port)
	}
	return text.String()
}

// runsInetd reports whether inetd starts a service of this host.
func (h *Host) runsInetd() bool {
	return slices.ContainsFunc(h.Services, func(s Service) bool { return s.Inetd })
}

func (h *Host) inetdConf() string {
	text := `# /etc/inetd.conf: see inetd(8) for further information.
#
# service	type	protocol	wait	user	program	arguments
`
	for _, s := range h.Services {
		if s.Inetd {
			name := strings.ToLower(s.Name)
			text += fmt.Sprintf("%s\tstream\ttcp\tnowait\troot\t%s/in.%[1]sd\tin.%[1]sd\n", name, programFolder)
		}
	}
	return text
}

// initScript is Debian's name for the script, whichever inetd runs.
const initScript = `#!/bin/sh
# Starts and stops inetd.
pid=$(cat /run/inetd.pid 2>/dev/null)
runs() { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; }
case $1 in
start) runs || inetd ;;
stop) runs && kill "$pid" ;;
reload | force-reload)
	if ! runs; then
		echo "inetd is not running" >&2
		exit 1
	fi
	kill -HUP "$pid"
	# Wait up to two seconds until inetd listens at the ports that the configuration
	# has as numbers.
	left=20
	for port in $(sed -n 's/^\([0-9][0-9]*\)[ 	]*stream[ 	]*tcp.*/\1/p' /etc/inetd.conf); do
		until grep -q ":$(printf %04X "$port") 0*:0000 0A " /proc/net/tcp*; do
			if [ $left = 0 ]; then
				echo "inetd does not listen at port $port; see /var/log/syslog" >&2
				exit 1
			fi
			left=$((left - 1))
			sleep 0.1
		done
	done
	;;
restart)
	runs && kill "$pid"
	while runs; do sleep 0.1; done
	inetd
	;;
status) runs && echo "inetd is running" ;;
*)
	echo "usage: $0 {start|stop|reload|force-reload|restart|status}" >&2
	exit 2
	;;
esac
`

// abc123 is the password of root and brandon, hashed as by crypt(3).
const abc123 = "$6$playground$VqXe/GpgD2pRyqmzXlfaLpNSfEU38S97So1b07GMiIe.yxR52SfHJTSF6NiXEr3s/U3SBOBAVnBpLfQx4U8ON0"
