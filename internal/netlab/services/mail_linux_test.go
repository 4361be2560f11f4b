package services_test

import (
	"bufio"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/smtp"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
	"fopnp/internal/netlab/services"
	"fopnp/internal/serve/child"
)

// A mailServer is a mail server at ports of loopback.
type mailServer struct {
	services.Mail
	smtp, pop3, pop3s, imap, imaps string // addresses
}

// startMail starts a mail server for brandon and root. Both accounts have this
// process's user and group.
func startMail(t testing.TB) *mailServer {
	t.Helper()
	s := &mailServer{Mail: services.Mail{
		Host: "mail.example.com", Domains: []string{"example.com"},
		Folder: t.TempDir(), Certificate: certificate(t),
	}}
	for _, name := range []string{"brandon", "root"} {
		s.Accounts = append(s.Accounts, services.Account{Name: name,
			UID: uint32(os.Geteuid()), GID: uint32(os.Getegid())})
	}
	l := services.MailListeners{SMTP: listen(t), POP3: listen(t), POP3S: listen(t), IMAP: listen(t), IMAPS: listen(t)}
	s.smtp, s.pop3, s.pop3s = l.SMTP.Addr().String(), l.POP3.Addr().String(), l.POP3S.Addr().String()
	s.imap, s.imaps = l.IMAP.Addr().String(), l.IMAPS.Addr().String()
	serving(t, func() error { return services.ServeMail(l, s.Mail) }, func() { l.SMTP.Close() })
	return s
}

// files returns what the files of a mailbox hold, without the lines that the
// server adds.
func (s *mailServer) files(t testing.TB, account string) (texts []string) {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(s.Folder, account, "*", "*"))
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		texts = append(texts, received.ReplaceAllString(string(text), ""))
	}
	return texts
}

var received = regexp.MustCompile(`^Return-Path: <[^>\n]*>\nReceived: from \S+ \(\[127.0.0.1\]\) by mail.example.com with ESMTPS?;\n\t[^\n]+\n`)

// send sends a message from a@b, without TLS.
func send(address, to, text string) error {
	c, err := smtp.Dial(address)
	if err != nil {
		return err
	}
	defer c.Close()
	if err := errors.Join(c.Hello("localhost"), c.Mail("a@b")); err != nil {
		return err
	}
	if err := c.Rcpt(to); err != nil {
		return err
	}
	w, err := c.Data()
	if err != nil {
		return err
	}
	io.WriteString(w, text)
	return w.Close()
}

// A talker is a client that sends lines and reads the answers.
type talker struct {
	t testing.TB
	net.Conn
	r *bufio.Reader
}

// staying holds, for each test that has called stay, its connections.
var staying sync.Map

// stay makes the clients of a test stay until its services have stopped. Call it
// first.
func stay(t testing.TB) {
	list := new([]net.Conn)
	staying.Store(t, list)
	t.Cleanup(func() { // runs last
		for _, conn := range *list {
			conn.Close()
		}
		staying.Delete(t)
	})
}

func talk(t testing.TB, conn net.Conn, err error) *talker {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	if list, ok := staying.Load(t); ok {
		list := list.(*[]net.Conn)
		*list = append(*list, conn)
	} else {
		t.Cleanup(func() { conn.Close() })
	}
	conn.SetDeadline(time.Now().Add(child.Patience))
	return &talker{t, conn, bufio.NewReader(conn)}
}

// dial connects to a server.
func dial(t testing.TB, address string) *talker {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	return talk(t, conn, err)
}

// hears reads one line, which must match a pattern.
func (c *talker) hears(pattern string) {
	c.t.Helper()
	line, err := c.r.ReadString('\n')
	if err != nil || !regexp.MustCompile("^"+pattern+"\r\n$").MatchString(line) {
		c.t.Fatalf("got %q, %v, want %q", line, err, pattern)
	}
}

// hearsUntil reads lines until one matches a pattern, and returns all.
func (c *talker) hearsUntil(pattern string) string {
	c.t.Helper()
	var text strings.Builder
	for end := regexp.MustCompile("^" + pattern); ; {
		line, err := c.r.ReadString('\n')
		if text.WriteString(line); err != nil {
			c.t.Fatalf("got %q, %v, want %q", text.String(), err, pattern)
		} else if end.MatchString(line) {
			return text.String()
		}
	}
}

func (c *talker) says(format string, a ...any) { fmt.Fprintf(c, format+"\r\n", a...) }

// A message that arrives over SMTP is in a file, and clients get it over POP3
// and IMAP, with TLS or without.
func TestMailRoundTrip(t *testing.T) {
	t.Parallel()
	s := startMail(t)
	folder := t.TempDir()
	ca := caFile(t)
	curl := func(args ...string) *exec.Cmd {
		return exec.Command(real(t, "curl"), append([]string{"-sS", "--noproxy", "*", "--cacert", ca}, args...)...)
	}
	const text = "From: a@example.com\nSubject: hello\n\nhi\n.dot\n"
	file := write(t, folder, "letter", text, 0o600)
	run(t, curl("smtp://"+s.smtp, "--mail-from", "a@example.com", "--mail-rcpt", "brandon@example.com",
		"--mail-rcpt", "root@mail.example.com", "--mail-rcpt", "BRANDON@Example.COM", "--crlf", "-T", file), 0, "")
	run(t, curl("smtp://"+s.smtp, "--ssl-reqd", "--mail-from", "", "--mail-rcpt", "brandon@example.com", "--crlf", "-T", file), 0, "")
	if got, want := s.files(t, "brandon"), []string{text, text}; !slices.Equal(got, want) {
		t.Errorf("brandon's files: %q", got)
	}
	if got, want := s.files(t, "root"), []string{text}; !slices.Equal(got, want) {
		t.Errorf("root's files: %q", got)
	}
	const user = "brandon:" + services.Password
	want := strings.ReplaceAll(text, "\n", "\r\n")
	for name, args := range map[string][]string{
		"POP3":          {"pop3://" + s.pop3 + "/2"},
		"POP3 with TLS": {"--ssl-reqd", "pop3://" + s.pop3 + "/2"},
		"POP3S":         {"pop3s://" + s.pop3s + "/2"},
		"IMAP":          {"imap://" + s.imap + "/INBOX;MAILINDEX=2"},
		"IMAP with TLS": {"--ssl-reqd", "imap://" + s.imap + "/INBOX;MAILINDEX=2"},
		"IMAPS":         {"imaps://" + s.imaps + "/INBOX;UID=2"},
	} {
		got := run(t, curl(append(args, "-u", user)...), 0, "")
		if !strings.HasSuffix(got, "\r\n"+want) {
			t.Errorf("%s: got %q", name, got)
		}
	}
	for _, url := range []string{"pop3://" + s.pop3, "imap://" + s.imap} {
		run(t, curl("-u", "brandon:wrong", url), 67, "denied")
		run(t, curl("-u", "eve:abc123", url), 67, "denied")
	}
	run(t, exec.Command("curl", "-sS", "-u", user, "pop3s://"+s.pop3s), 60, "certificate")
	got := run(t, curl("-u", user, "imap://"+s.imap+"/INBOX?SUBJECT%20hello"), 0, "")
	if got != "* SEARCH 1 2\r\n" {
		t.Errorf("search: %q", got)
	}
}

// A client that does not read its answers does not stop other clients from reading
// the same mailbox, or mail from arriving.
func TestMailSlowClient(t *testing.T) {
	t.Parallel()
	for _, secure := range []bool{false, true} {
		s := startMail(t)
		login := func() *talker {
			c := dial(t, s.imap)
			if secure {
				conn, err := tls.Dial("tcp", s.imaps, &tls.Config{InsecureSkipVerify: true})
				c = talk(t, conn, err)
			}
			c.hears(`\* OK .*`)
			c.says("a LOGIN brandon %s", services.Password)
			c.hears("a OK .*")
			c.says("b SELECT INBOX")
			c.hearsUntil("b OK ")
			return c
		}
		// Three of these are more than the kernel's buffers of a connection hold.
		long := "Subject: long\r\n\r\n" + strings.Repeat(strings.Repeat("x", 998)+"\r\n", 8<<10)
		for range 3 {
			if err := send(s.smtp, "brandon@example.com", long); err != nil {
				t.Fatal(err)
			}
		}
		slow := login()
		slow.says("c FETCH 1:* BODY[]\r\nd LIST \"\" *")
		slow.hears(`\* 1 FETCH .*`) // and nothing more
		quick := login()
		quick.says("c FETCH 1:* RFC822.SIZE")
		quick.hearsUntil("c OK ")
		if err := send(s.smtp, "brandon@example.com", "Subject: short\r\n\r\nshort\r\n"); err != nil {
			t.Fatal(err)
		}
		quick.says("d NOOP")
		if got := quick.hearsUntil("d OK "); !strings.Contains(got, "* 4 EXISTS") {
			t.Errorf("after a message has come: %s", got)
		}
		quick.says("e FETCH 4 BODY[TEXT]")
		if got := quick.hearsUntil("e OK "); !strings.Contains(got, "\r\nshort\r\n") {
			t.Errorf("the message: %s", got)
		}
		quick.says(`f LIST "" *`)
		quick.hearsUntil("f OK ")
		// The slow client reads on, and gets all.
		if got := slow.hearsUntil("d OK "); strings.Count(got, "x\r\n") != 3*8<<10 {
			t.Errorf("the slow client got %d bytes: %.200s", len(got), got)
		}
		slow.says("e FETCH 1 (" + strings.TrimSuffix(strings.Repeat("BODY.PEEK[] ", 17), " ") + ")")
		slow.hears(`e NO \[LIMIT\] more than 16 parts of each message`)
	}
}

// The server accepts mail only for its own accounts, and only complete messages
// of limited size and line length.
func TestMailRefuses(t *testing.T) {
	t.Parallel()
	s := startMail(t)
	for to, want := range map[string]string{
		"brandon@gmail.com":        `554 "5.7.1 <brandon@gmail.com>: relay access denied"`,
		"brandon@evil.example.com": `554 "5.7.1 <brandon@evil.example.com>: relay access denied"`,
		"eve@example.com":          `550 "5.1.1 <eve@example.com>: no such user here"`,
		"../root@example.com":      `550 "5.1.1 <../root@example.com>: no such user here"`,
	} {
		err := send(s.smtp, to, "text")
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v", to, err)
		}
	}
	c := dial(t, s.smtp)
	c.hears("220 mail.example.com .*")
	c.says("HELO x")
	c.hears("250 .*")
	c.says("DATA")
	c.hears("502 .*")
	c.says("MAIL FROM:<a@b> SIZE=99999999")
	c.hears("552 .*")
	c.says("MAIL FROM:<a@b>")
	c.hears("250 .*")
	c.says("RCPT TO:<brandon@example.com>")
	c.hears("250 .*")
	c.says("DATA")
	c.hears("354 .*")
	line := strings.Repeat("x", 998) + "\r\n"
	for range 11 << 10 {
		io.WriteString(c, line)
	}
	c.says(".")
	c.hears("552 .*")
	c.says("MAIL FROM:<%s>", strings.Repeat("x", 3000))
	c.hears("500 .*")
	half := dial(t, s.smtp)
	half.hears("220 .*")
	half.says("HELO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<brandon@example.com>\r\nDATA\r\nhalf a letter")
	half.hearsUntil("354")
	half.Close()
	login := dial(t, s.smtp)
	login.hears("220 .*")
	login.says("EHLO x")
	if got := login.hearsUntil("250 "); !strings.Contains(got, "STARTTLS") || !strings.Contains(got, "AUTH PLAIN") || !strings.Contains(got, "SIZE 10485760") {
		t.Errorf("EHLO: %s", got)
	}
	login.says("AUTH PLAIN AGJyYW5kb24Ad3Jvbmc=")
	login.hears("535 .*")
	login.says("AUTH PLAIN AGJyYW5kb24AYWJjMTIz")
	login.hears("235 .*")
	if got := s.files(t, "brandon"); len(got) > 0 {
		t.Errorf("brandon has %.100q", got)
	}
}

// Two IMAP clients see new mail. They also see when one of them, a POP3 client
// or the shell deletes it.
func TestMailIsOne(t *testing.T) {
	t.Parallel()
	s := startMail(t)
	login := func() *talker {
		c := dial(t, s.imap)
		c.hears(`\* OK .*`)
		c.says("1 LOGIN brandon abc123")
		c.hearsUntil("1 OK")
		c.says("2 SELECT INBOX")
		c.hearsUntil("2 OK")
		return c
	}
	receive := func(text string) {
		if err := send(s.smtp, "brandon@example.com", "Subject: "+text+"\r\n\r\n"+text+"\r\n"); err != nil {
			t.Fatal(err)
		}
	}
	a, b := login(), login()
	a.says("3 IDLE")
	a.hears(`\+ .*`)
	for i := range 4 {
		receive(fmt.Sprint("letter ", i))
		a.hearsUntil(fmt.Sprintf(`\* %d EXISTS`, i+1))
	}
	a.says("DONE")
	a.hearsUntil("3 OK")
	b.says("3 NOOP")
	if got := b.hearsUntil("3 OK"); !strings.Contains(got, "* 4 EXISTS\r\n") {
		t.Errorf("NOOP: %q", got)
	}
	a.says(`4 STORE 1 +FLAGS.SILENT (\Deleted)`)
	a.hearsUntil("4 OK")
	a.says("5 EXPUNGE")
	if got := a.hearsUntil("5 OK"); !strings.Contains(got, "* 1 EXPUNGE\r\n") {
		t.Errorf("EXPUNGE: %q", got)
	}
	b.says("4 NOOP")
	if got := b.hearsUntil("4 OK"); !strings.Contains(got, "* 1 EXPUNGE\r\n") {
		t.Errorf("NOOP: %q", got)
	}
	p := dial(t, s.pop3)
	p.says("USER brandon\r\nPASS abc123\r\nDELE 1\r\nQUIT")
	p.hearsUntil(`\+OK bye`)
	b.says("5 NOOP")
	if got := b.hearsUntil("5 OK"); !strings.Contains(got, "* 1 EXPUNGE\r\n") {
		t.Errorf("NOOP: %q", got)
	}
	paths, err := filepath.Glob(filepath.Join(s.Folder, "brandon/new/*"))
	if err != nil || len(paths) != 2 {
		t.Fatal(paths, err)
	}
	// what a mail program does after showing a message, and what the shell can
	// do
	if err := os.Rename(paths[0], filepath.Join(s.Folder, "brandon/cur", filepath.Base(paths[0])+":2,S")); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(paths[1]); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(s.Folder, "brandon/new"), "by hand", "Subject: by hand\n\nhi\n", 0o600)
	b.says("6 NOOP")
	if got := b.hearsUntil("6 OK"); !strings.Contains(got, "EXPUNGE\r\n") || !strings.Contains(got, "EXISTS\r\n") {
		t.Errorf("NOOP: %q", got)
	}
	b.says("7 UID FETCH 1:* (BODY.PEEK[TEXT])")
	if got := b.hearsUntil("7 OK"); strings.Count(got, "* ") != 2 || !strings.Contains(got, "UID 3 BODY[TEXT] {10}\r\nletter 2\r\n") || !strings.Contains(got, "UID 5 BODY[TEXT] {4}\r\nhi\r\n") {
		t.Errorf("FETCH: %q", got)
	}
	p = dial(t, s.pop3)
	p.says("USER brandon\r\nPASS abc123\r\nUIDL")
	p.hearsUntil(`\+OK 2 messages`)
	p.hearsUntil(`\+OK 2 messages`)
	if got := p.hearsUntil(`\.`); regexp.MustCompile(`(?m)^\d \S{1,70}\r$`).FindAllString(got, -1) == nil || strings.Contains(got, "by hand") {
		t.Errorf("UIDL: %q", got)
	}
	other := dial(t, s.pop3)
	other.says("USER brandon\r\nPASS abc123")
	other.hearsUntil(`-ERR \[IN-USE\]`)
	p.Close()
	progtest.Until(t, "the mailbox is free", func() bool {
		other.says("PASS abc123")
		line, err := other.r.ReadString('\n')
		return err != nil || strings.HasPrefix(line, "+OK")
	})
}

// IMAP clients can write to INBOX, have no other mailbox, and cannot break the
// server.
func TestMailIMAP(t *testing.T) {
	t.Parallel()
	s := startMail(t)
	conn, err := tls.Dial("tcp", s.imaps, trusting())
	c := talk(t, conn, err)
	c.hears(`\* OK .*`)
	c.says("0 SELECT INBOX")
	c.hears("0 (NO|BAD) .*")
	c.says("1 LOGIN brandon abc1234")
	c.hears("1 NO .*")
	c.says("2 LOGIN brandon abc123")
	c.hearsUntil("2 OK")
	c.says(`3 APPEND INBOX (\Seen) {16}`)
	c.hears(`\+ .*`)
	c.says("Subject: x\r\n\r\nhi")
	c.hearsUntil("3 OK")
	if got := s.files(t, "brandon"); !slices.Equal(got, []string{"Subject: x\n\nhi"}) {
		t.Errorf("files: %q", got)
	}
	c.says("4 STATUS INBOX (MESSAGES UNSEEN)")
	if got := c.hearsUntil("4 OK"); !strings.Contains(got, "MESSAGES 1") || !strings.Contains(got, "UNSEEN 0") {
		t.Errorf("STATUS: %q", got)
	}
	for i, command := range []string{"CREATE Trash", "DELETE INBOX", "RENAME INBOX Trash", "SELECT Trash", "APPEND INBOX {99999999}", "NONSENSE", "FETCH 1 FLAGS"} {
		c.says("x%d %s", i, command)
		c.hearsUntil(fmt.Sprintf("x%d (NO|BAD)", i))
	}
	c.says("5 SELECT INBOX")
	c.hearsUntil("5 OK")
	c.says("6 COPY 1 Trash")
	c.hearsUntil("6 NO")
	c.says("7 FETCH 1 (FLAGS ENVELOPE BODYSTRUCTURE RFC822.SIZE)")
	if got := c.hearsUntil("7 OK"); !strings.Contains(strings.ToLower(got), `\seen`) || !strings.Contains(got, "RFC822.SIZE 16") {
		t.Errorf("FETCH: %q", got)
	}
}

// A client that stays, disconnects in the middle, or sends no line end disturbs
// neither other clients nor the server's shutdown.
func TestMailClientsStay(t *testing.T) {
	t.Parallel()
	stay(t)
	s := startMail(t)
	for _, address := range []string{s.smtp, s.pop3, s.pop3s, s.imap, s.imaps} {
		for _, text := range []string{"", "half", strings.Repeat("x", 100<<10)} {
			c := dial(t, address)
			io.WriteString(c, text)
			if text == "half" {
				c.Close()
			}
		}
	}
	if err := send(s.smtp, "brandon@example.com", "hi\r\n"); err != nil {
		t.Error(err)
	}
}

// The mailbox belongs to the account, which cannot use the server to write or
// read elsewhere.
func TestMailRights(t *testing.T) {
	t.Parallel()
	needOtherUsers(t)
	l := services.MailListeners{SMTP: listen(t), POP3: listen(t)}
	m := services.Mail{Host: "mail.example.com", Folder: t.TempDir(), Certificate: certificate(t),
		Accounts: []services.Account{{Name: "brandon", UID: 65534, GID: 65533}}}
	serving(t, func() error { return services.ServeMail(l, m) }, func() { l.POP3.Close() })
	receive := func() error { return send(l.SMTP.Addr().String(), "brandon@mail.example.com", "hi\r\n") }
	if err := receive(); err != nil {
		t.Fatal(err)
	}
	box := filepath.Join(m.Folder, "brandon")
	stat := run(t, exec.Command("sh", "-c", `stat -c "%u:%g %a" "$1" "$1"/new "$1"/new/*`, "sh", box), 0, "")
	if want := "65534:65533 700\n65534:65533 700\n65534:65533 600\n"; stat != want {
		t.Errorf("got %q", stat)
	}
	secret := write(t, t.TempDir(), "secret", "Subject: secret\n\n", 0o600)
	if err := os.Symlink(secret, filepath.Join(box, "new/link")); err != nil {
		t.Fatal(err)
	}
	p := dial(t, l.POP3.Addr().String())
	p.says("USER brandon\r\nPASS abc123")
	p.hearsUntil(`\+OK 1 messages`)
	p.Close()
	if err := os.RemoveAll(filepath.Join(box, "tmp")); err != nil {
		t.Fatal(err)
	}
	elsewhere := t.TempDir()
	if err := os.Symlink(elsewhere, filepath.Join(box, "tmp")); err != nil {
		t.Fatal(err)
	}
	if err := receive(); err == nil || !strings.HasPrefix(err.Error(), "451 ") {
		t.Errorf("got %v", err)
	}
	if entries, err := os.ReadDir(elsewhere); err != nil || len(entries) > 0 {
		t.Error(entries, err)
	}
}
