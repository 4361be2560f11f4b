package webtest

import (
	"fmt"
	"strings"

	"fopnp/internal/check/conform"
	"fopnp/internal/py/pyfmt"
)

const (
	badRequest = "400 Bad Request"
	tooLarge   = "431 Request Header Fields Too Large"
)

var refusalChecks = []check{
	shared("405", otherMethods),
	unread("405/body", bodyUnread),
	shared("431/longest header", longestHeader),
	shared("431/one byte more", oneByteMore),
	shared("431/request line", longRequestLine),
	unread("431/1 MiB", mebibyte),
	bad("empty line", "an empty line in place of a request line", "\r\n", "\n", "\r\n\r\nGET /page.txt HTTP/1.0\r\n\r\n"),
	bad("no request line", "no request line in BYTES",
		"GET\r\n\r\n", "GET \r\n\r\n", " /page.txt HTTP/1.0\r\n\r\n", "GET  /page.txt HTTP/1.0\r\n\r\n",
		"GET\t/page.txt\tHTTP/1.0\r\n\r\n", everyByte[:11]+"\n"),
	bad("HTTP/0.9", "no HTTP/1.0 or HTTP/1.1 in BYTES",
		"GET /page.txt\r\n", "GET /page.txt\n", "GET / \r\n", "GET /nosuch\r\n", "get /\n"),
	bad("version", "no HTTP/1.0 or HTTP/1.1 in BYTES",
		"GET /page.txt HTTP/2.0\r\n", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "GET /page.txt HTTP/1.0 \r\n",
		"GET /page.txt http/1.0\r\n", "GET /page.txt HTTP/1.01\r\n", "GET /a b HTTP/1.0\r\n", "GET /page.txt HTTP/1\r\n",
		"\x16\x03\x01 a b\n"),
	bad("percent-encoding", "bad percent-encoding in BYTES",
		get10("/%"), get10("/%4"), get10("/%zz"), get10("/page.txt%"), get10("/%%"), get10("/%7gage.txt"), get10("/50%.txt")),
	bad("zero byte", "a zero byte in BYTES",
		get10("/%00"), get10("/page.txt%00"), get10("/page.txt%00.html"), get10("/%00/../secret.txt"), get10("/page\x00.txt")),
	bad("no Host", "HTTP/1.1 without Host",
		"GET /page.txt HTTP/1.1\r\n\r\n", "GET /page.txt HTTP/1.1\r\nHostess: a\r\nAccept: Host:\r\n\r\n",
		"GET http://localhost/page.txt HTTP/1.1\nHost\n\n"),
}

// halfChecks are about a header that ends in the middle.
var halfChecks = []check{
	shared("half a request/in the request line", endsAfter("GET /page.t")),
	shared("half a request/after the request line", endsAfter("GET /page.txt HTTP/1.0\r\n")),
	shared("half a request/in the header", endsAfter("GET /page.txt HTTP/1.1\r\nHost: a\r\nUser-Ag")),
	shared("half a request/before the empty line", endsAfter("GET /page.txt HTTP/1.1\r\nHost: a\r\n")),
	shared("half a request/long", endsAfter("GET /"+strings.Repeat("x", 4000)+" HTTP/1.0\r\n"+strings.Repeat("a: b\r\n", 1000))),
	{name: "half a request/silence", run: halfSilence, alone: true, args: []string{"-t", "0.3"}, tries: 3},
}

func get10(target string) string { return "GET " + target + " HTTP/1.0\r\n\r\n" }

// bad returns the check that each of the requests is bad for a reason. BYTES in
// the reason are the request line. The server refuses a bad request as soon as
// the fault arrives: the client neither sends more nor closes its side.
func bad(name, why string, requests ...string) check {
	return shared("400/"+name, beside(func(t *trial) {
		for _, request := range requests {
			c, _ := t.refuses(request, badRequest)
			line, _, _ := strings.Cut(request, "\n")
			c.ExpectEnding(strings.Replace(c.Error, "WHY", why, 1), "BYTES", quoted(strings.TrimSuffix(line, "\r")))
		}
	}))
}

// unread returns a check of a client that sends what the server does not want to
// read. The server reads it all the same, for a second, or the client would
// receive a reset. On a busy machine the client may not have sent it by then.
func unread(name string, run func(*trial)) check {
	return check{name: name, run: beside(run), alone: true, tries: 3}
}

// beside is conform.Beside.
func beside(fault func(*trial)) func(*trial) {
	return func(t *trial) {
		conform.Beside(func(*conform.Trial) { fault(t) })(t.Trial)
	}
}

// Any method but GET and HEAD is refused. The answer names these two.
func otherMethods(t *trial) {
	for _, method := range []string{"POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH", "get", "Head", "GETS", "\x80"} {
		request := method + " /page.txt HTTP/1.0\r\n\r\n"
		_, a := t.refuses(request, "405 Method Not Allowed")
		if a.header["Allow"] != "GET, HEAD" && !t.Failed() {
			t.Failf("the answer to %q is %q, without those methods that are allowed", request, a.head)
		}
	}
}

// A client that sends a body receives the answer, and no reset, although the
// server does not read the body.
func bodyUnread(t *trial) {
	const n = 500_000
	c, _ := t.refuses(fmt.Sprintf("POST /page.txt HTTP/1.0\r\nContent-Length: %d\r\n\r\n%s", n, strings.Repeat("x", n)),
		"405 Method Not Allowed")
	c.ExpectNoReset()
}

// headerOf returns a request with a header, n bytes in all.
func headerOf(n int) string {
	const begin, end = "GET /page.txt HTTP/1.0\r\nCookie: a\r\nX: ", "\r\n\r\n"
	return begin + strings.Repeat("x", n-len(begin)-len(end)) + end
}

// The request line and the header may have 16 KiB.
func longestHeader(t *trial) {
	t.isFile("the longest header", t.ask(headerOf(maxHeader)), page)
}

func oneByteMore(t *trial) { t.isTooLarge(headerOf(maxHeader + 1)) }

func longRequestLine(t *trial) {
	t.isTooLarge("GET /" + strings.Repeat("x", 20_000) + " HTTP/1.0\r\n\r\n")
}

func (t *trial) isTooLarge(request string) {
	c, _ := t.refuses(request, tooLarge)
	c.ExpectNoReset()
	c.ExpectEnding(c.Error)
}

// A client that sends a header of 1 MiB, and reads only then, receives the
// answer, and no reset.
func mebibyte(t *trial) {
	t.isTooLarge(headerOf(1 << 20))
}

// endsAfter returns the check of a client that closes its side in the middle of
// its request. The server refuses it, and the line quotes what had arrived.
func endsAfter(request string) func(*trial) {
	return beside(func(t *trial) {
		c := t.Connect()
		c.Send(request)
		c.CloseWrite()
		t.isRefusal(request, t.hear(c), badRequest)
		c.ExpectEnding(c.Half, "BYTES", quoted(request))
	})
}

// A client that falls silent in the middle of a request gets no answer.
func halfSilence(t *trial) {
	c := t.Connect()
	c.Send(c.Unfinished)
	c.ExpectEnd()
	c.ExpectEnding(c.Error, "WHY", "received "+quoted(c.Unfinished)+" then timed out")
}

// quoted returns text as the server quotes it.
func quoted(text string) string { return pyfmt.Bytes([]byte(text)) }
