package webtest

import (
	"strconv"
	"strings"
	"time"

	"fopnp/internal/check/conform"
)

var answerChecks = []check{
	shared("GET", get),
	shared("HEAD", head),
	shared("HEAD/not there", headNotThere),
	shared("HTTP/1.1", http11),
	shared("header", header),
	shared("length in bytes", lengthInBytes),
	shared("every byte", everyByteArrives),
	shared("types", contentTypes),
	shared("index", indexes),
	shared("empty file", emptyFile),
	shared("range", ranges),
	shared("request a byte at a time", requestByteAtATime),
	shared("request in two segments", requestInTwo),
	shared("several requests", severalRequests),
}

// types are the types of files by extension.
var types = map[string]string{
	".html": "text/html", ".txt": "text/plain", ".css": "text/css", ".js": "text/javascript", ".json": "application/json",
	".png": "image/png", ".jpg": "image/jpeg", ".gif": "image/gif", ".svg": "image/svg+xml", ".pdf": "application/pdf",
	".HTML": "text/html", ".Txt": "text/plain", ".cSS": "text/css", ".JS": "text/javascript", ".Json": "application/json",
	".PNG": "image/png", ".jpG": "image/jpeg", ".GIF": "image/gif", ".Svg": "image/svg+xml", ".PDF": "application/pdf",
	".bin": anyBytes, ".zip": anyBytes, ".htmlx": anyBytes, ".gz": anyBytes, ".html.gz": anyBytes, ".gz.html": "text/html",
	"": anyBytes, "html": anyBytes, ".": anyBytes, ".html~": anyBytes,
}

const anyBytes = "application/octet-stream"

// ask sends a request and receives the answer.
func (t *trial) ask(request string) answer {
	c := t.Connect()
	c.Send(request)
	return t.hear(c)
}

// hear receives an answer and the end of the connection.
func (t *trial) hear(c *conform.Client) answer {
	text, err := c.Rest()
	if t.Failed() {
		return answer{}
	}
	if err != nil {
		t.Failf("received %.300q, then: %w", text, err)
		return answer{}
	}
	a, err := parse(text)
	if err != nil {
		t.Fail(err)
	}
	return a
}

// get asks for a target, such as "/page.txt".
func (t *trial) get(target string) answer { return t.ask("GET " + target + " HTTP/1.0\r\n\r\n") }

// sends fails the trial unless the answer to target is a file with this text.
func (t *trial) sends(target, text string) answer {
	a := t.get(target)
	t.isFile(target, a, text)
	return a
}

func (t *trial) isFile(target string, a answer, text string) {
	length, err := strconv.Atoi(a.header["Content-Length"])
	if !t.Failed() && (a.status != "200 OK" || a.body != text || length != len(text) || err != nil || len(a.header) != 2) {
		t.Failf("the answer to %.300q is %.300q with %.300q, want the file %.300q", target, a.head, a.body, text)
	}
}

// refuses fails the trial unless a request is answered with a status and its
// text. It returns the client.
func (t *trial) refuses(request, status string) (*conform.Client, answer) {
	c := t.Connect()
	c.Send(request)
	a := t.hear(c)
	t.isRefusal(request, a, status)
	return c, a
}

func (t *trial) isRefusal(request string, a answer, status string) {
	body := status + "\n"
	if !t.Failed() && (a.status != status || a.body != body ||
		a.header["Content-Type"] != "text/plain" || a.header["Content-Length"] != strconv.Itoa(len(body))) {
		t.Failf("the answer to %.300q is %.300q with %.300q, want %s", request, a.head, a.body, status)
	}
}

// missing fails the trial unless the server says that target is not there.
func (t *trial) missing(target string) {
	t.refuses("GET "+target+" HTTP/1.0\r\n\r\n", "404 Not Found")
}

// An answer is a line, a header and the file.
func get(t *trial) {
	a := t.sends("/page.txt", page)
	const want = "HTTP/1.0 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: 5"
	if a.head != want {
		t.Failf("the answer begins with %q, want %q", a.head, want)
	}
	t.sends("/sub/deep.txt", deep)
	t.sends("/sub/deeper/deep.txt", deep)
}

// The answer to HEAD is that to GET without the file.
func head(t *trial) {
	for _, target := range []string{"/page.txt", "/", "/everybyte.bin", "/empty.txt"} {
		a := t.ask("HEAD " + target + " HTTP/1.0\r\n\r\n")
		if want := t.get(target); a.head != want.head || a.body != "" {
			t.Failf("to HEAD %s it answers %q with %q, to GET %q", target, a.head, a.body, want.head)
		}
	}
}

// Every other answer to HEAD, too, is that to GET without the body.
func headNotThere(t *trial) {
	for request, status := range map[string]string{
		" /nosuch HTTP/1.0\r\n\r\n": "404 Not Found",
		" / HTTP/1.1\r\n\r\n":       badRequest,
		" /%zz HTTP/1.0\r\n\r\n":    badRequest,
	} {
		a := t.ask("HEAD" + request)
		if want := t.ask("GET" + request); a.head != want.head || a.body != "" || a.status != status {
			t.Failf("to HEAD %q it answers %q with %q, to GET %q", request, a.head, a.body, want.head)
		}
	}
}

// A request in HTTP/1.1 is answered in HTTP/1.0. It must have a Host field, in
// capitals or small letters.
func http11(t *trial) {
	for _, host := range []string{"Host: localhost", "host:localhost", "HOST: a", "hOsT:", "Accept: */*\r\nHost: a\r\nAccept: */*"} {
		t.isFile(host, t.ask("GET /page.txt HTTP/1.1\r\n"+host+"\r\n\r\n"), page)
	}
}

// The other lines of the header do not matter, nor how they end.
func header(t *trial) {
	for _, request := range []string{
		"GET /page.txt HTTP/1.0\n\n",
		"GET /page.txt HTTP/1.0\r\n\n",
		"GET /page.txt HTTP/1.0\r\nUser-Agent: x\r\n\r\n",
		"GET /page.txt HTTP/1.0\r\nUser-Agent: x\r\n folded\r\n\r\n",
		"GET /page.txt HTTP/1.0\r\nno colon\r\n: no name\r\n\x80\xff\r\n\r\n",
		"GET /page.txt HTTP/1.0\r\nContent-Length: 5\r\n\r\nhello",
		"GET /page.txt HTTP/1.0\r\n" + strings.Repeat("Cookie: crumbs\r\n", 500) + "\r\n",
	} {
		t.isFile(request, t.ask(request), page)
	}
}

// The length counts bytes, not characters.
func lengthInBytes(t *trial) { t.sends("/characters.txt", "Grüße, 世界\n") }

func everyByteArrives(t *trial) { t.sends("/everybyte.bin", everyByte) }

// The extension determines the type, in capitals or small letters.
func contentTypes(t *trial) {
	for extension, want := range types {
		a := t.sends("/type"+extension, page)
		if got, _, _ := strings.Cut(a.header["Content-Type"], ";"); got != want {
			t.Failf("the type of type%s is %q, want %q", extension, got, want)
		}
	}
}

// A folder's file is its index.html.
func indexes(t *trial) {
	for _, target := range []string{"/", "/sub/", "/?x", "/sub/?x=/"} {
		if a := t.sends(target, index); !t.Failed() && !strings.HasPrefix(a.header["Content-Type"], "text/html") {
			t.Failf("the type of %s is %s", target, a.header["Content-Type"])
		}
	}
}

// A file without bytes is a file. It is found, and sent.
func emptyFile(t *trial) {
	t.sends("/empty.txt", "")
	t.WaitFor(`(?m)^requested file:  empty\.txt\nfile was found and sent\n`)
}

// A client that asks for a part gets the whole.
func ranges(t *trial) {
	t.isFile("a range", t.ask("GET /everybyte.bin HTTP/1.0\r\nRange: bytes=100-\r\n\r\n"), everyByte)
}

// A request is a request, however it arrives.
func requestByteAtATime(t *trial) {
	c := t.Connect()
	tick := time.NewTicker(time.Millisecond) // so the server receives most bytes one by one
	defer tick.Stop()
	request := "GET /sub/deep.txt?q HTTP/1.1\r\nhost: a\r\n\r\n"
	for _, b := range []byte(request) {
		c.Send(string([]byte{b}))
		<-tick.C
	}
	t.isFile(request, t.hear(c), deep)
}

func requestInTwo(t *trial) {
	request := "GET /sub/deep.txt?q HTTP/1.1\r\nhost: a\r\n\r\n"
	tick := time.NewTicker(time.Millisecond)
	defer tick.Stop()
	for i := 1; i < len(request); i++ {
		c := t.Connect()
		c.Send(request[:i])
		<-tick.C
		c.Send(request[i:])
		t.isFile(request, t.hear(c), deep)
	}
}

// A connection has one request. Other requests that arrive with it get no
// answer, and do not disturb the answer to the first.
func severalRequests(t *trial) {
	a := t.ask("GET /sub/deep.txt HTTP/1.1\r\nHost: a\r\nConnection: keep-alive\r\n\r\n" +
		strings.Repeat("GET /page.txt HTTP/1.1\r\nHost: a\r\n\r\n", 100))
	t.isFile("a hundred requests", a, deep)
	if a.header["Connection"] != "" && a.header["Connection"] != "close" {
		t.Failf("it answers with Connection: %s", a.header["Connection"])
	}
}
