//go:build unix

package lecture23_test

import (
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"fopnp/internal/check/progtest"
	"fopnp/internal/listings"
)

// site makes a folder with pages, for a real web server.
func site(t testing.TB) (folder string) {
	t.Helper()
	folder = t.TempDir()
	for name, text := range map[string]string{
		"index.html":        "<p>hello</p>\n",
		"myData.txt":        "I like to go to movie theater from time to time.\n\nNatalia\n",
		"every byte.png":    everyByte,
		"empty.txt":         "",
		"folder/index.html": "<p>a folder</p>\n",
	} {
		file := filepath.Join(folder, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return folder
}

// A realServer is a running web server that serves a site.
type realServer struct {
	url      string // without the last slash
	notFound string // the status line of a page that is not there
	moved    string // the reason that a client gives for /folder, with URL for url
	stays    bool   // it does not redirect /folder
}

// startNginx starts Debian's nginx. It inherits the listener, as it does when a
// new nginx takes over from an old one, so there is no port to be guessed and
// nothing to wait for. If we are root, its worker stays root, because no
// other user may look into the folder of a test.
func startNginx(t testing.TB, folder string) realServer {
	t.Helper()
	nginx, err := exec.LookPath("nginx")
	if err != nil {
		if nginx, err = exec.LookPath("/usr/sbin/nginx"); err != nil {
			t.Skip("there is no nginx")
		}
	}
	listener, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	file, err := listener.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	prefix := t.TempDir()
	conf := filepath.Join(prefix, "nginx.conf")
	text := fmt.Sprintf(`
daemon off;
user root;
worker_processes 1;
pid nginx.pid;
error_log stderr;
events {}
http {
	types { text/html html; text/plain txt; image/png png; }
	access_log off;
	client_body_temp_path body;
	proxy_temp_path proxy;
	fastcgi_temp_path fastcgi;
	uwsgi_temp_path uwsgi;
	scgi_temp_path scgi;
	server {
		listen %v;
		root %q;
	}
}
`, listener.Addr(), folder)
	if err := os.WriteFile(conf, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(nginx, "-p", prefix, "-c", conf)
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.ExtraFiles = []*os.File{file}
	stop(t, cmd)
	return realServer{url: "http://" + listener.Addr().String(), notFound: "404 Not Found",
		moved: "301 Moved Permanently (Location: 'URL/folder/')"}
}

// startPython starts Python's own web server, which says at which port it
// listens.
func startPython(t testing.TB, folder string) realServer {
	t.Helper()
	python, err := exec.LookPath("python3")
	if err != nil {
		t.Skip("there is no python3")
	}
	cmd := exec.Command(python, "-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--directory", folder)
	server := stop(t, cmd)
	match, err := server.WaitFor(regexp.MustCompile(`Serving HTTP on .* port (\d+) `))
	if err != nil {
		t.Skipf("python3 has no http.server: %v", err)
	}
	return realServer{url: "http://127.0.0.1:" + match[1], notFound: "404 File not found",
		moved: "301 Moved Permanently (Location: '/folder/')"}
}

// startWebserver starts our own.
func startWebserver(t testing.TB, folder string) realServer {
	t.Helper()
	if _, found := listings.Find("webserver"); !found {
		t.Skip("there is no webserver")
	}
	server := progtest.MustStart(t, "webserver", "127.0.0.1", "-p", "0", "-root", folder)
	t.Cleanup(func() {
		if err := server.Stop(syscall.SIGTERM); err != nil {
			t.Error(err)
		}
	})
	return realServer{url: "http://127.0.0.1:" + server.Port, notFound: "404 Not Found", moved: "404 Not Found", stays: true}
}

// stop starts a server, and stops it when the test ends.
func stop(t testing.TB, cmd *exec.Cmd) *progtest.Server {
	t.Helper()
	server, err := progtest.Launch(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		server.Signal(syscall.SIGTERM)
		server.Wait() // a signal may be how it ends
		if t.Failed() {
			t.Logf("%s printed:\n%s", server.Name(), server.Output())
		}
	})
	return server
}

// The clients download from the web servers that people use.
func TestRealServers(t *testing.T) {
	t.Parallel()
	for name, start := range map[string]func(testing.TB, string) realServer{
		"nginx": startNginx, "http.server": startPython, "webserver": startWebserver,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			folder := site(t)
			server := start(t, folder)
			for _, test := range []struct{ path, file, web, easy string }{
				{path: "/", file: "index.html"},
				{path: "", file: "index.html"},
				{path: "/myData.txt#Natalia", file: "myData.txt"},
				{path: "/every%20byte.png", file: "every byte.png"},
				{path: "/every byte.png?a b", file: "every byte.png"},
				{path: "/empty.txt", file: "empty.txt"},
				{path: "/folder/", file: "folder/index.html"},
				{path: "/folder", file: "folder/index.html", web: server.moved},
				{path: "/nosuch", web: server.notFound, easy: server.notFound},
			} {
				for _, client := range webClients {
					url, file := server.url+test.path, oldPage(t)
					out, err := client.command(url, "-o", file).CombinedOutput()
					reason := test.web
					if client.easy && !(server.stays && test.web == server.moved) {
						reason = test.easy
					}
					if reason == "" {
						want, errRead := os.ReadFile(filepath.Join(folder, test.file))
						got, errGot := os.ReadFile(file)
						if err != nil || string(got) != string(want) || errRead != nil || errGot != nil {
							t.Errorf("%s %s: %d bytes, want %d (%v)\n%s", client.name, url, len(got), len(want), err, out)
						}
						continue
					}
					line := client.name + ": no page from '" + url + "': " + strings.ReplaceAll(reason, "URL", server.url) + "\n"
					if err == nil || !strings.HasSuffix("\n"+string(out), "\n"+line) {
						t.Errorf("%s %s: %v\n%s, want %s", client.name, url, err, out, line)
					}
					isOld(t, file)
				}
			}
			hosts := []string{strings.TrimPrefix(server.url, "http://")}
			hosts = append(hosts, strings.ReplaceAll(hosts[0], "127.0.0.1", "localhost"))
			data := "I like to go to movie theater from time to time.\n\nNatalia\n"
			progtest.Perform(t, "", "webclientFile", hosts...).Prints(t, hosts[0]+":\n"+data+hosts[1]+":\n"+data, "")
		})
	}
}

// Easywebclient speaks HTTPS. It trusts the authorities that the system trusts,
// which SSL_CERT_FILE replaces, and no others. It goes from http to https and
// back if a server says so.
func TestHTTPS(t *testing.T) {
	if runtime.GOOS == "darwin" || runtime.GOOS == "ios" {
		t.Skip("its authorities are in a keychain")
	}
	t.Parallel()
	var plain, secure *httptest.Server
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/to/https":
			http.Redirect(w, r, secure.URL+"/page", http.StatusFound)
		case "/to/http":
			http.Redirect(w, r, plain.URL+"/page", http.StatusFound)
		default:
			fmt.Fprint(w, "hello by ", r.Proto, r.URL.Path)
		}
	})
	plain, secure = httptest.NewServer(handler), httptest.NewUnstartedServer(handler)
	secure.Config.ErrorLog = log.New(io.Discard, "", 0) // of certificates that the client refuses
	secure.StartTLS()
	defer plain.Close()
	defer secure.Close()
	authority := filepath.Join(t.TempDir(), "authority.pem")
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	if err := os.WriteFile(authority, block, 0o666); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ url, authority, page, reason string }{
		{secure.URL + "/page", authority, "hello by HTTP/1.1/page", ""},
		{plain.URL + "/to/https", authority, "hello by HTTP/1.1/page", ""},
		{secure.URL + "/to/http", authority, "hello by HTTP/1.1/page", ""},
		{secure.URL + "/page", "/dev/null", "", "certificate signed by unknown authority"},
		{plain.URL + "/to/https", "/dev/null", "", "certificate signed by unknown authority"},
		{strings.Replace(secure.URL, "127.0.0.1", "localhost", 1), authority, "", "certificate is valid for .*, not localhost"},
		{strings.Replace(plain.URL, "http:", "https:", 1), authority, "", "first record does not look like a TLS handshake|.*HTTP response to HTTPS client"},
	} {
		file := oldPage(t)
		cmd := clientOf("easywebclient").command(test.url, "-o", file)
		cmd.Env = append(os.Environ(), "SSL_CERT_FILE="+test.authority, "SSL_CERT_DIR="+t.TempDir())
		out, err := cmd.CombinedOutput()
		if test.reason != "" {
			line := "^easywebclient: no page from '" + regexp.QuoteMeta(test.url) + "': [^\n]*(?:" + test.reason + ")\n$"
			if err == nil || !regexp.MustCompile(line).Match(out) {
				t.Errorf("%s: %v, %q, want %s", test.url, err, out, line)
			}
			isOld(t, file)
			continue
		}
		if got, errRead := os.ReadFile(file); err != nil || string(out) != "done\n" || string(got) != test.page {
			t.Errorf("%s: %v, %q, the file has %q (%v)", test.url, err, out, got, errRead)
		}
	}
}
