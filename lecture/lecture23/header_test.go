package lecture23

import (
	"bufio"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"testing/iotest"
	"unicode"

	"fopnp/internal/py/socket"
)

const ok = "HTTP/1.0 200 OK"

// headers are beginnings of headers, right and wrong. The web clients' checks
// prove what becomes of each.
var headers = []string{
	"", "HTTP/", ok, "HTTP/1.1 200", ok + "\r\nContent-Length: 58", ok + "\r\ncontent-LENGTH:\t58 \r\nX: y",
	ok + "\nContent-Length: 58\nX: y", ok + "\r\nContent-Length: 58\r\nContent-Length: 59",
	ok + "\r\nContent-Length: 18446744073709551621", ok + "\r\nContent-Length: -1", ok + "\r\nContent-Length:",
	ok + "\r\nX: y\r\n Content-Length: 1", ok + "\r\n Content-Length: 1", ok + "\r\nTransfer-Encoding: chunked",
	"HTTP/1.0 302 Found\r\nLocation: /\x1b[2J\x00\xff", "HTTP/1.0 404 \x1b[2J", ok + "\r\nno field", ok + "\r\n: y",
	strings.Repeat("x", maxAnswerHeader), "Sat Apr  6 12:00:00 2013",
}

// FuzzParseHeader compares ParseHeader with net/http where both accept the
// header. An error of ParseHeader is one line, whatever it quotes.
func FuzzParseHeader(f *testing.F) {
	for _, header := range headers {
		f.Add([]byte(header))
	}
	f.Fuzz(func(t *testing.T, header []byte) {
		length, err := ParseHeader(header)
		if err != nil {
			isLine(t, Reason(err).Error())
			if len(Reason(err).Error()) > 4096 {
				t.Errorf("%v has %d bytes", err, len(err.Error()))
			}
			return
		}
		if length < -1 {
			t.Fatalf("%q: the length is %d", header, length)
		}
		answer := bufio.NewReader(strings.NewReader(string(header) + "\r\n\r\n"))
		response, err := http.ReadResponse(answer, nil)
		if err != nil || strings.Contains(string(header), "\n\n") || strings.Contains(string(header), "\n\r\n") {
			return // more strict, or the header has ended before
		}
		if response.StatusCode != 200 {
			t.Errorf("%q: the status is %d", header, response.StatusCode)
		}
		// Net/http knows no length if another field, such as "Content-Length ",
		// spoils it.
		if response.ContentLength >= 0 && response.ContentLength != length {
			t.Errorf("%q: the length is %d, want %d", header, length, response.ContentLength)
		}
	})
}

// isLine fails the test unless text is one line that a terminal can show.
func isLine(t *testing.T, text string) {
	t.Helper()
	for _, r := range text {
		if !unicode.IsPrint(r) {
			t.Errorf("%q has %q", text, r)
		}
	}
}

// FuzzReadAnswer checks that an answer means the same in whatever pieces it
// comes, and that a page is never longer than it may be.
func FuzzReadAnswer(f *testing.F) {
	for _, header := range headers {
		f.Add([]byte(header+"\r\n\r\nhello"), int64(100))
		f.Add([]byte(header), int64(3))
	}
	f.Fuzz(func(t *testing.T, answer []byte, most int64) {
		most &= 1<<20 - 1
		page, err := ReadAnswer(strings.NewReader(string(answer)), most)
		again, errAgain := ReadAnswer(iotest.OneByteReader(strings.NewReader(string(answer))), most)
		if string(page) != string(again) || (err == nil) != (errAgain == nil) ||
			err != nil && err.Error() != errAgain.Error() {
			t.Errorf("%q: %q, %v; byte by byte %q, %v", answer, page, err, again, errAgain)
		}
		if int64(len(page)) > most || err != nil && page != nil {
			t.Errorf("%q: a page of %d bytes, want at most %d (%v)", answer, len(page), most, err)
		}
		if !strings.HasSuffix(string(answer), string(page)) && err == nil && !strings.Contains(string(answer), string(page)) {
			t.Errorf("%q has no %q", answer, page)
		}
		if err != nil {
			isLine(t, Reason(err).Error())
		}
	})
}

// An answer with a header has a page of the length that the header gives.
func TestReadAnswer(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", 100)
	for _, test := range []struct{ answer, page, why string }{
		{ok + "\r\n\r\nhello", "hello", ""},
		{ok + "\r\nContent-Length: 5\r\n\r\nhello, world", "hello", ""},
		{ok + "\r\nContent-Length: 100\r\n\r\n" + long, long, ""},
		{"hello", "hello", ""},
		{"hell", "hell", ""},
		{"HTTP", "HTTP", ""},
		{long, long, ""},
		{ok + "\r\nContent-Length: 101\r\n\r\n" + long + "x", "", "the page has more than 100 bytes"},
		{ok + "\r\nContent-Length: 18446744073709551621\r\n\r\nhello", "", "the page has more than 100 bytes"},
		{ok + "\r\n\r\n" + long + "x", "", "the page has more than 100 bytes"},
		{long + "x", "", "the page has more than 100 bytes"},
		{"", "", "socket closed"},
		{"HTTP/", "", "no header: received b'HTTP/' then socket closed"},
		{ok + "\r\nContent-Length: 6\r\n\r\nhello", "", "received 5 of 6 bytes then socket closed"},
		{ok + "\r\n" + strings.Repeat("X: y\r\n", maxAnswerHeader), "", "the header is longer than 65536 bytes"},
		{ok + strings.Repeat("x", maxAnswerHeader), "", "the header is longer than 65536 bytes"},
		{"HTTP/1.0 404 Not Found\r\n\r\nhello", "", "404 Not Found"},
	} {
		page, err := ReadAnswer(strings.NewReader(test.answer), 100)
		if string(page) != test.page || (err == nil) != (test.why == "") || err != nil && Reason(err).Error() != test.why {
			t.Errorf("%.60q: %q, %v, want %q, %s", test.answer, page, err, test.page, test.why)
		}
	}
}

// FuzzParseURL checks that a page has a path that a request line can hold, and
// that the server and the path together are a URL of the same page.
func FuzzParseURL(f *testing.F) {
	for _, text := range []string{
		"http://domain.name/page/to/download", "http://[::1]:8080", "http://[fe80::1%25eth0]/", "HTTP://h:/a b?c d#e",
		"http://h/%2e%2e%2f?%zz", "http://h//etc/passwd", "http://h/\x00", "http://u:p@h/", "http://h:65536/", "localhost:8080/x", "http://",
		"http://h?q", "http://h#f", "http://h/\xff?\xff", "http://%25", "http://a%25b/",
	} {
		f.Add(text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		u, err := ParseURL(text, "http")
		if err != nil {
			isLine(t, Reason(err).Error())
			return
		}
		list, server, page, address := SplitURL(u, text)
		if !strings.HasPrefix(page, "/") || strings.ContainsFunc(page, func(r rune) bool { return r <= ' ' || r > '~' }) {
			t.Errorf("%q: the path is %q", text, page)
		}
		if strings.ContainsAny(server, " \r\n\t\x00/?#@%") || server == "" {
			t.Errorf("%q: the server is %q", text, server)
		}
		if address.Host == "" || address.Port < 0 || address.Port > 65535 {
			t.Errorf("%q: the address is %v", text, address)
		}
		isLine(t, list)
		again, err := url.Parse("http://" + server + page)
		if err != nil || again.Fragment != "" || again.RequestURI() != page {
			t.Errorf("%q: %q on %q is another page (%v)", text, page, server, err)
		}
	})
}

// A URL has a server, a path and an address. A host of webclientFile has a
// server and an address.
func TestSplit(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		text, server, page string
		address            socket.Address
	}{
		{"http://h", "h", "/", socket.Address{Host: "h", Port: 80}},
		{"http://h:8080/a/b#c", "h:8080", "/a/b", socket.Address{Host: "h", Port: 8080}},
		{"HTTP://h:/?a b", "h", "/?a%20b", socket.Address{Host: "h", Port: 80}},
		{"http://[::1]/", "[::1]", "/", socket.Address{Host: "::1", Port: 80}},
		{"http://[fe80::1%25lo]:8080/", "[fe80::1]:8080", "/", socket.Address{Host: "fe80::1%lo", Port: 8080}},
		{"http://[fe80::1%25lo]/", "[fe80::1]", "/", socket.Address{Host: "fe80::1%lo", Port: 80}},
	} {
		u, err := ParseURL(test.text, "http")
		if err != nil {
			t.Errorf("%s: %v", test.text, err)
			continue
		}
		if _, server, page, address := SplitURL(u, test.text); server != test.server || page != test.page || address != test.address {
			t.Errorf("%s: %s, %s, %v, want %s, %s, %v", test.text, server, page, address, test.server, test.page, test.address)
		}
	}
	for _, test := range []struct {
		word, server string
		address      socket.Address
	}{
		{"h", "h:8080", socket.Address{Host: "h", Port: 8080}},
		{"h:81", "h:81", socket.Address{Host: "h", Port: 81}},
		{"127.0.0.1", "127.0.0.1:8080", socket.Address{Host: "127.0.0.1", Port: 8080}},
		{"::1", "[::1]:8080", socket.Address{Host: "::1", Port: 8080}},
		{"[::1]", "[::1]:8080", socket.Address{Host: "::1", Port: 8080}},
		{"[fe80::1%lo]:81", "[fe80::1]:81", socket.Address{Host: "fe80::1%lo", Port: 81}},
	} {
		server, address, err := ParseHost(test.word, 8080)
		if err != nil || server != test.server || address != test.address {
			t.Errorf("%s: %s, %v, %v, want %s, %v", test.word, server, address, err, test.server, test.address)
		}
	}
}

// A URL with one slash has no host, and neither has a word for webclientFile
// that begins with its port. A word without a scheme is no URL.
func TestNoHost(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http:/localhost/x": "no host", "HTTP:localhost": "no host", "http://": "no host", "http:///x": "no host",
		"": "no scheme, such as http://", "localhost:8080/x": "no scheme, such as http://",
	} {
		if _, err := ParseURL(text, "http"); err == nil || err.Error() != want {
			t.Errorf("URL %q: got %v, want %s", text, err, want)
		}
	}
	for _, word := range []string{"", ":8081", "[]", "[]:8081"} {
		if _, _, err := ParseHost(word, 8080); err == nil || err.Error() != "no host" {
			t.Errorf("host %q: got %v", word, err)
		}
	}
}
