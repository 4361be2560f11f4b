//go:build unix

package lecture23_test

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"image/png"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// webPage is a page with a stylesheet, a script and a picture. It shows whether
// all of them have arrived.
var webPage = map[string]string{
	"index.html": `<!DOCTYPE html>
<title>Lecture 23</title>
<link rel="stylesheet" href="style/page.css?v=1">
<h1>Basic web server</h1>
<p>世界 <a href="myData.txt">my data</a></p>
<img id="picture" src="picture%20one.png" alt="a picture">
<p id="result">nothing has arrived</p>
<script src="page.js"></script>
`,
	"style/page.css": "body { font-family: sans-serif }\nh1 { color: rgb(1, 102, 153) }\n",
	"page.js": `window.onload = () => {
	const picture = document.getElementById("picture")
	const style = getComputedStyle(document.querySelector("h1"))
	document.getElementById("result").textContent =
		picture.naturalWidth + " by " + picture.naturalHeight + ", " + style.color
}
`,
	"myData.txt":    "I like to go to movie theater from time to time.\nNatalia\n",
	"../secret.txt": "secret\n",
}

// serveWebPage starts webserver in a folder with webPage, and returns its URL.
func serveWebPage(t *testing.T) (server *progtest.Server, url string) {
	t.Helper()
	root := filepath.Join(t.TempDir(), "www")
	picture := image.NewRGBA(image.Rect(0, 0, 320, 200))
	draw.Draw(picture, picture.Bounds(), image.NewUniform(color.RGBA{250, 200, 60, 255}), image.Point{}, draw.Src)
	var encoded bytes.Buffer
	if err := png.Encode(&encoded, picture); err != nil {
		t.Fatal(err)
	}
	write := func(name, text string) {
		path := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	for name, text := range webPage {
		write(name, text)
	}
	write("picture one.png", encoded.String())
	server = progtest.MustStart(t, "webserver", "127.0.0.1", "-p", "0", "-root", root)
	return server, "http://127.0.0.1:" + server.Port
}

// browse runs a program that is not ours, with its own home directory, and
// returns what it prints. The test is skipped if the program is missing.
func browse(t *testing.T, name string, args ...string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		t.Skip(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*progtest.Patience) // browsers are slow to start
	defer cancel()
	home := t.TempDir()
	cmd := exec.CommandContext(ctx, path, args...)
	cmd.Dir = home
	cmd.Env = append(os.Environ(), "HOME="+home, "XDG_CONFIG_HOME="+home, "XDG_CACHE_HOME="+home, "no_proxy=*", "NO_PROXY=*", "LC_ALL=C.UTF-8")
	// A browser is many processes.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %q: %v\n%s%s", name, args, err, out, &stderr)
	}
	return string(out)
}

// stopped stops the server and returns what it has printed. It fails the test
// if the server has complained about a client.
func stopped(t *testing.T, server *progtest.Server) string {
	t.Helper()
	if err := server.Stop(syscall.SIGTERM); err != nil {
		t.Error(err)
	}
	if strings.Contains(server.Output(), "webserver: ") {
		t.Errorf("it complains:\n%s", server.Output())
	}
	return server.Output()
}

func TestCurl(t *testing.T) {
	t.Parallel()
	server, url := serveWebPage(t)
	myData := webPage["myData.txt"]
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"-i", url + "/myData.txt"},
			"HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 57\r\n\r\n" + myData},
		{[]string{"-0", "-i", url + "/myData.txt"},
			"HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 57\r\n\r\n" + myData},
		{[]string{"-I", url + "/myData.txt"},
			"HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 57\r\n\r\n"},
		// In one run, curl tries to use one connection for all.
		{[]string{url + "/myData.txt", url + "/style/page.css?x", url + "/"},
			myData + webPage["style/page.css"] + webPage["index.html"]},
		{[]string{"-i", "--path-as-is", url + "/../secret.txt"},
			"HTTP/1.0 404 Not Found\r\nContent-Type: text/plain\r\nContent-Length: 14\r\n\r\n404 Not Found\n"},
		{[]string{"--path-as-is", url + "/style/../../secret.txt"}, "404 Not Found\n"},
		{[]string{url + "/%2e%2e%2fsecret.txt"}, "404 Not Found\n"},
		{[]string{"-r", "2-5", "-w", "%{http_code}", url + "/myData.txt"}, myData + "200"},
		{[]string{"-d", "x=y", "-w", "%{http_code} %header{allow}", url + "/myData.txt"},
			"405 Method Not Allowed\n405 GET, HEAD"},
		{[]string{"-T", "/dev/null", url + "/new.txt"}, "405 Method Not Allowed\n"},
		{[]string{"-w", "%{http_code} %{content_type} %{size_download}", "-o", os.DevNull, url + "/style/page.css"},
			fmt.Sprint("200 text/css; charset=utf-8 ", len(webPage["style/page.css"]))},
	} {
		if got := browse(t, "curl", append([]string{"-q", "-s", "-S"}, test.args...)...); got != test.want {
			t.Errorf("curl %q: %q, want %q", test.args, got, test.want)
		}
	}
	stopped(t, server)
}

// A header that is too large is answered, and curl shows the answer.
func TestCurlLargeHeader(t *testing.T) {
	t.Parallel()
	_, url := serveWebPage(t)
	if got := browse(t, "curl", "-q", "-s", "-S", "-H", "X: "+strings.Repeat("x", 100_000), url); got != "431 Request Header Fields Too Large\n" {
		t.Errorf("curl with a large header: %q", got)
	}
}

func TestW3m(t *testing.T) {
	t.Parallel()
	server, url := serveWebPage(t)
	const want = "Basic web server\n\n世界 my data\n\na picture\n\nnothing has arrived\n"
	got := browse(t, "w3m", "-dump", "-O", "UTF-8", url+"/")
	if strings.Join(strings.Fields(got), " ") != strings.Join(strings.Fields(want), " ") {
		t.Errorf("the page is shown as\n%s\nwant\n%s", got, want)
	}
	if got := browse(t, "w3m", "-dump", url+"/myData.txt"); strings.TrimSpace(got) != strings.TrimSpace(webPage["myData.txt"]) {
		t.Errorf("the text is shown as\n%s", got)
	}
	stopped(t, server)
}

// In a browser, the picture has its size, the stylesheet is applied, and the
// script has run.
func TestChromium(t *testing.T) {
	t.Parallel()
	server, url := serveWebPage(t)
	dom := browse(t, "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
		"--no-proxy-server", "--user-data-dir="+t.TempDir(), "--dump-dom", url+"/")
	if want := `<p id="result">320 by 200, rgb(1, 102, 153)</p>`; !strings.Contains(dom, want) {
		t.Errorf("the page has become\n%s\nwant\n%s", dom, want)
	}
	log := stopped(t, server)
	for _, name := range []string{"", "style/page.css", "picture one.png", "page.js"} {
		if !strings.Contains(log, "requested file:  "+name+"\n") {
			t.Errorf("it did not ask for %q:\n%s", name, log)
		}
	}
	if n := strings.Count(log, "file was found and sent\n"); n < 4 {
		t.Errorf("%d files were sent:\n%s", n, log)
	}
}
