//go:build unix

package live

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"github.com/coder/websocket"
)

// knock asks for a WebSocket and returns the status of the answer.
func (b *book) knock(t *testing.T, host string, header http.Header, protocols ...string) (status int, answer *http.Response) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	conn, r, err := websocket.Dial(ctx, b.http.URL, &websocket.DialOptions{
		Host: host, HTTPHeader: header, Subprotocols: protocols,
	})
	if err == nil {
		conn.CloseNow()
	}
	if r == nil {
		t.Fatal(err)
	}
	return r.StatusCode, r
}

// Each row is an attack on a reader whose book is open: a page of another site, a
// program that guesses, a user of this machine. Only the book's own pages get in. Package
// local has a table of what Host may be.
func TestDoor(t *testing.T) {
	b := open(t, true)
	_, port, err := net.SplitHostPort(b.address)
	if err != nil {
		t.Fatal(err)
	}
	own, token := b.http.URL, tokenPrefix+b.Token()
	from := func(origins ...string) http.Header { return http.Header{"Origin": origins} }
	almost := tokenPrefix + b.Token()[:len(b.Token())-1] + "0" // 0 is not in the base-32 alphabet
	for _, attack := range []struct {
		what      string
		host      string
		header    http.Header
		protocols []string
		want      int
	}{
		{"none: the reader", b.address, from(own), []string{protocol, token}, 101},
		{"none: the reader, by the other name", "localhost:" + port, from("http://localhost:" + port), []string{protocol, token}, 101},
		{"none: the token comes first", b.address, from(own), []string{token, protocol}, 101},

		{"DNS rebinding: another site's name points here", "evil.example:" + port, from("http://evil.example:" + port), []string{protocol, token}, 421},

		{"a WebSocket from another site", b.address, from("https://evil.example"), []string{protocol, token}, 403},
		{"from another server of this machine", b.address, from("http://127.0.0.1:1"), []string{protocol, token}, 403},
		{"from a file, or a frame without rights", b.address, from("null"), []string{protocol, token}, 403},
		{"without Origin, as programs do", b.address, from(), []string{protocol, token}, 403},
		{"with an empty Origin", b.address, from(""), []string{protocol, token}, 403},
		{"with two", b.address, from(own, "https://evil.example"), []string{protocol, token}, 403},
		{"by HTTPS", b.address, from("https://" + b.address), []string{protocol, token}, 403},
		{"by one name from the other", b.address, from("http://localhost:" + port), []string{protocol, token}, 403},
		{"from a name that only begins as ours", b.address, from(own + ".evil.example"), []string{protocol, token}, 403},

		{"no token", b.address, from(own), []string{protocol}, 401},
		{"an empty token", b.address, from(own), []string{protocol, tokenPrefix}, 401},
		{"a guess", b.address, from(own), []string{protocol, tokenPrefix + "AAAAAAAAAAAAAAAAAAAAAAAAAA"}, 401},
		{"a good guess", b.address, from(own), []string{protocol, almost}, 401},
		{"its beginning", b.address, from(own), []string{protocol, token[:len(token)-1]}, 401},
		{"more than it", b.address, from(own), []string{protocol, token + "A"}, 401},
		{"in small letters", b.address, from(own), []string{protocol, strings.ToLower(token)}, 401},
		{"a token without its name", b.address, from(own), []string{protocol, b.Token()}, 401},
		{"in a cookie", b.address, http.Header{"Origin": {own}, "Cookie": {"token=" + b.Token()}}, []string{protocol}, 401},
		{"in Authorization", b.address, http.Header{"Origin": {own}, "Authorization": {"Bearer " + b.Token()}}, []string{protocol}, 401},
		{"from Referer", b.address, http.Header{"Origin": {own}, "Referer": {own + "/#token=" + b.Token()}}, []string{protocol}, 401},
	} {
		got, answer := b.knock(t, attack.host, attack.header, attack.protocols...)
		if got != attack.want {
			t.Errorf("%s: status %d, want %d", attack.what, got, attack.want)
		}
		// The server does not reveal the token. It sets no cookie, because
		// servers at other ports would get it, too.
		said := fmt.Sprint(answer.Header)
		if got != 101 {
			text, err := io.ReadAll(answer.Body)
			if err != nil || len(text) == 0 {
				t.Errorf("%s: the server does not say why (%v)", attack.what, err)
			}
			said += string(text)
		}
		if strings.Contains(said, b.Token()) || answer.Header.Get("Set-Cookie") != "" || answer.Header.Get("Access-Control-Allow-Origin") != "" {
			t.Errorf("%s: the answer reveals too much: %s", attack.what, said)
		}
	}
}

// A browser names a page and a block of it. It cannot name a command, a file or
// another page.
func TestRequests(t *testing.T) {
	b := open(t, true)
	c := b.visit(t)
	prose := 0
	for b.pages[readme].Blocks[prose].Transcript != nil {
		prose++
	}
	for i, r := range []request{
		{Do: "run", Page: "../README.md", Block: 0},
		{Do: "run", Page: "/etc/passwd", Block: 0},
		{Do: "run", Page: "go.mod", Block: 0},
		{Do: "run", Page: "", Block: 0},
		{Do: "run", Page: readme, Block: -1},
		{Do: "run", Page: readme, Block: 1 << 30},
		{Do: "run", Page: readme, Block: prose}, // not a transcript
	} {
		c.send(r)
		c.until("it is refused", func() bool { return len(c.ended) == i+1 && len(c.notes) == i+1 })
	}
	// An unknown request does nothing. Neither does a request for a pane that
	// does not exist.
	for _, r := range []request{
		{Do: "exec", Keys: "id"}, {Do: "keys", Pane: 1, Keys: "id\r"}, {Do: "keys", Pane: -1},
		{Do: "size", Pane: 1, Columns: -1, Rows: 1 << 20}, {Do: "shown", Pane: 1, Bytes: 1 << 30},
	} {
		c.send(r)
	}
	c.run(readme, -1)
	if len(c.screens) != 0 || c.sessions != 0 {
		t.Errorf("%d sessions and %d panes came of it", c.sessions, len(c.screens))
	}
}

// The server limits what a browser may send, and how many browsers there can
// be.
func TestBounds(t *testing.T) {
	b := open(t, true)
	for _, attack := range []struct {
		what string
		kind websocket.MessageType
		text string
	}{
		{"a frame that is too long", websocket.MessageText, `{"do":"keys","keys":"` + strings.Repeat("x", maxFrame) + `"}`},
		{"no JSON", websocket.MessageText, "exec id"},
		{"bytes", websocket.MessageBinary, `{"do":"terminal"}`},
	} {
		c := b.visit(t)
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		c.conn.Write(ctx, attack.kind, []byte(attack.text)) // the server may close the connection at once
		c.until(attack.what+" ends the connection", func() bool { return c.err != nil || len(c.panes) > 0 })
		if c.err == nil {
			t.Errorf("%s: the server goes on", attack.what)
		}
	}

	b.empty(t)
	var readers []*client
	for range maxSessions {
		readers = append(readers, b.visit(t))
	}
	header := http.Header{"Origin": {b.http.URL}}
	if got, _ := b.knock(t, b.address, header, protocol, tokenPrefix+b.Token()); got != http.StatusServiceUnavailable {
		t.Errorf("one more reader gets status %d", got)
	}
	readers[0].conn.CloseNow()
	readers[0].until("it has left", func() bool { return readers[0].err != nil })
	for got := 0; got != 101; {
		got, _ = b.knock(t, b.address, header, protocol, tokenPrefix+b.Token())
	}

	c := readers[1]
	for n := 1; n < maxTerminals; n++ { // the first pane is the shell
		c.send(request{Do: "terminal"})
		c.until("there is one more", func() bool { return len(c.panes) > n })
	}
	c.send(request{Do: "terminal"})
	c.until("there is a note", func() bool { return len(c.notes) == 1 })
	if len(c.panes) != maxTerminals {
		t.Errorf("there are %d panes, and the reader is told %q", len(c.panes), c.notes)
	}
}
