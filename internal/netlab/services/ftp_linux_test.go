package services_test

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"fopnp/internal/netlab/services"
)

// startFTP serves the folder root and returns the server's address. The account
// brandon has this process's user and group, and its home is the folder home.
func startFTP(t testing.TB, change ...func(*services.FTP)) (address, root string) {
	t.Helper()
	root = t.TempDir()
	f := services.FTP{Host: "ftp.example.com", Root: root, Certificate: certificate(t),
		Accounts: []services.Account{{Name: "brandon", Home: root + "/home",
			UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())}}}
	if err := os.Mkdir(root+"/home", 0o755); err != nil {
		t.Fatal(err)
	}
	for _, change := range change {
		change(&f)
	}
	l := listen(t)
	serving(t, func() error { return services.ServeFTP(l, f) }, func() { l.Close() })
	return l.Addr().String(), root
}

// curl stores, lists, fetches, appends, renames and deletes, with passive and
// active connections, with TLS and without.
func TestFTPCurl(t *testing.T) {
	t.Parallel()
	ca := caFile(t)
	curl := func(args ...string) *exec.Cmd {
		return exec.Command(real(t, "curl"), append([]string{"-sS", "--noproxy", "*", "--cacert", ca, "-u", "brandon:abc123"}, args...)...)
	}
	text := strings.Repeat("a line\n", 100_000)
	file := write(t, t.TempDir(), "file", text, 0o600)
	for name, way := range map[string][]string{
		"extended passive": nil,
		"passive":          {"--disable-epsv"},
		"extended active":  {"-P", "-"},
		"active":           {"-P", "-", "--disable-eprt"},
		"TLS":              {"--ssl-reqd"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			address, root := startFTP(t)
			url := "ftp://" + address
			run(t, curl(append(way, "-T", file, url+"/up")...), 0, "")
			if got := run(t, curl(append(way, url+"/up")...), 0, ""); got != text {
				t.Errorf("%d bytes", len(got))
			}
			if got := run(t, curl(append(way, "-l", url+"/")...), 0, ""); got != "up\r\n" && got != "up\n" {
				t.Errorf("%q", got)
			}
			run(t, curl(append(way, "-a", "-T", file, url+"/up")...), 0, "")
			if info, err := os.Stat(root + "/home/up"); err != nil || info.Size() != int64(2*len(text)) || info.Mode() != 0o644 {
				t.Errorf("%v, %v", info, err)
			}
			run(t, curl(append(way, "-C", "7", "-o", "/dev/null", url+"/up")...), 0, "")
			run(t, curl(append(way, "-o", "/dev/null", "-Q", "RNFR up", "-Q", "RNTO down", "-Q", "DELE down", "-Q", "MKD x", "-Q", "RMD x", url+"/")...), 0, "")
			if entries, err := os.ReadDir(root + "/home"); err != nil || len(entries) > 0 {
				t.Error(entries, err)
			}
		})
	}
	address, _ := startFTP(t)
	url := "ftp://" + address
	run(t, curl("-u", "brandon:wrong", url), 67, "denied")
	run(t, curl("-u", "anonymous:x@y", url), 67, "denied")
	run(t, curl(url+"/nowhere"), 78, "does not exist")
}

// No path and no link leads out of the root.
func TestFTPStaysInRoot(t *testing.T) {
	t.Parallel()
	outside := t.TempDir()
	write(t, outside, "secret", "secret", 0o644)
	address, root := startFTP(t)
	for name, to := range map[string]string{"absolute": outside, "relative": "../../" + filepath.Base(filepath.Dir(outside)) + "/" + filepath.Base(outside), "file": outside + "/secret"} {
		if err := os.Symlink(to, filepath.Join(root, "home", name)); err != nil {
			t.Fatal(err)
		}
	}
	c := dial(t, address)
	c.hears("220 .*")
	c.says("USER brandon\r\nPASS abc123")
	c.hearsUntil("230")
	c.says("PWD")
	c.hears(`257 "/home" .*`)
	for _, command := range []string{"SIZE absolute/secret", "SIZE relative/secret", "SIZE file", "SIZE ../../../../.." + outside + "/secret",
		"SIZE " + outside + "/secret", "DELE absolute/secret", "MKD absolute/x", "CWD absolute", "RNFR relative/secret", "MDTM file"} {
		c.says("%s", command)
		c.hears("5.*")
	}
	c.says("CWD ../../../..\r\nPWD")
	c.hears("250 .*")
	c.hears(`257 "/" .*`)
	c.says("RNFR home\r\nRNTO ../../moved")
	c.hears("350 .*")
	c.hears("250 .*")
	if _, err := os.Stat(root + "/moved"); err != nil {
		t.Error(err)
	}
	if entries, err := os.ReadDir(outside); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}

// With the root "/", links are followed as everywhere, with the account's
// rights, which matter only as root.
func TestFTPRights(t *testing.T) {
	t.Parallel()
	needOtherUsers(t)
	folder := t.TempDir()
	for path := folder; path != os.TempDir(); path = filepath.Dir(path) {
		if err := os.Chmod(path, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	write(t, folder, "public", "public", 0o644)
	write(t, folder, "secret", "secret", 0o600)
	if err := os.Mkdir(folder+"/own", 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(folder+"/own", 65534, 65533); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(folder+"/public", folder+"/link"); err != nil {
		t.Fatal(err)
	}
	address, _ := startFTP(t, func(f *services.FTP) {
		f.Root = "/"
		f.Accounts[0].Home = folder
		f.Accounts[0].UID, f.Accounts[0].GID = 65534, 65533
	})
	curl := func(args ...string) *exec.Cmd {
		return exec.Command(real(t, "curl"), append([]string{"-sS", "--noproxy", "*", "-u", "brandon:abc123"}, args...)...)
	}
	url := "ftp://" + address
	if got := run(t, curl(url+"/link"), 0, ""); got != "public" {
		t.Errorf("got %q", got)
	}
	run(t, curl(url+"/secret"), 78, "550")
	file := write(t, t.TempDir(), "file", "text", 0o600)
	run(t, curl("-T", file, url+"/public"), 25, "550")
	run(t, curl("-T", file, url+"/new"), 25, "550")
	run(t, curl("-T", file, url+"/own/new"), 0, "")
	if got := run(t, exec.Command("stat", "-c", "%u:%g", folder+"/own/new"), 0, ""); got != "65534:65533\n" {
		t.Errorf("got %q", got)
	}
	if os.Geteuid() != 0 || os.Getegid() != 0 {
		t.Error("the server is no longer root")
	}
}

// Anonymous clients read what is public, and change nothing.
func TestFTPAnonymous(t *testing.T) {
	t.Parallel()
	public := t.TempDir()
	write(t, public, "readme", "hello\n", 0o644)
	address, _ := startFTP(t, func(f *services.FTP) { f.Public = public })
	curl := func(args ...string) *exec.Cmd {
		return exec.Command(real(t, "curl"), append([]string{"-sS", "--noproxy", "*"}, args...)...)
	}
	if got := run(t, curl("ftp://"+address+"/readme"), 0, ""); got != "hello\n" {
		t.Errorf("got %q", got)
	}
	run(t, curl("-T", public+"/readme", "ftp://"+address+"/copy"), 25, "550")
	c := dial(t, address)
	c.hears("220 .*")
	c.says("USER ftp\r\nPASS me@here")
	c.hearsUntil("230")
	for _, command := range []string{"DELE readme", "MKD x", "SITE CHMOD 777 readme", "RMD /", "APPE readme"} {
		c.says("%s", command)
		c.hears("[45].*")
	}
	if entries, err := os.ReadDir(public); err != nil || len(entries) != 1 {
		t.Error(entries, err)
	}
}

// Clients that stay, in the middle of a command or of a transfer, or that
// disconnect there, disturb neither the others nor the server's shutdown.
func TestFTPClientsStay(t *testing.T) {
	t.Parallel()
	stay(t)
	address, root := startFTP(t)
	write(t, root, "large", strings.Repeat("x", 20<<20), 0o644)
	if err := exec.Command("mkfifo", root+"/fifo").Run(); err != nil {
		t.Fatal(err)
	}
	login := func() *talker {
		c := dial(t, address)
		c.hears("220 .*")
		c.says("USER brandon\r\nPASS abc123")
		c.hearsUntil("230")
		return c
	}
	passive := func(c *talker) net.Conn {
		c.says("EPSV")
		var port int
		line, err := c.r.ReadString('\n')
		if err != nil {
			t.Fatal(err)
		}
		_, line, _ = strings.Cut(line, "(|||")
		if _, err := fmt.Sscan(strings.Replace(line, "|", " ", 1), &port); err != nil {
			t.Fatal(err)
		}
		return dial(t, fmt.Sprintf("127.0.0.1:%d", port))
	}
	login().says("half")
	io.WriteString(login(), "half")
	long := login()
	io.WriteString(long, strings.Repeat("x", 8<<10))
	for _, hangsUp := range []bool{true, false} {
		c := login()
		data := passive(c)
		c.says("RETR /large")
		c.hears("150 .*")
		if hangsUp {
			data.Close()
			c.hears("[45].*")
		}
		c = login()
		data = passive(c)
		c.says("STOR half")
		c.hears("150 .*")
		io.WriteString(data, "half")
		if hangsUp {
			c.Close()
		}
	}
	c := login()
	passive(c)
	c.says("RETR /fifo")
	c.hears("5.*")
	c.says("EPRT |1|127.0.0.2|9|")
	c.hears("5.*") // the server connects to the client only
	c.says("QUIT")
	c.hears("221 .*")
}
