package services

import (
	"bytes"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"slices"
	"strings"
	"time"

	"github.com/emersion/go-imap/v2"
	"github.com/emersion/go-imap/v2/imapserver"
	"github.com/emersion/go-imap/v2/imapserver/imapmemserver"
	"github.com/emersion/go-sasl"
	"github.com/emersion/go-smtp"

	"fopnp/internal/netlab/services/pop3"
)

// Limits of a client that sends mail.
const (
	maxRecipients = 50
	sendTime      = 5 * time.Minute // to send a line; RFC 5321 wants no less
)

// maxSections is how many parts of each message an IMAP client may fetch at once.
const maxSections = 16

// Mail says whose mail a mail server accepts, and where it keeps it.
type Mail struct {
	Host        string   // its own name
	Domains     []string // it takes mail for accounts at these names and at its own
	Accounts    []Account
	Folder      string // with one mailbox for each account, such as /var/mail
	Certificate tls.Certificate
}

// MailListeners are where a mail server listens. One that is nil is not served.
// On those whose names end in S, clients begin with TLS. On the others, they may
// upgrade to TLS.
type MailListeners struct {
	SMTP, POP3, POP3S, IMAP, IMAPS net.Listener
}

// ServeMail accepts mail over SMTP and serves it to its readers over POP3 and
// IMAP. If the caller closes one listener, ServeMail closes the others.
//
// The mailbox of each account is a maildir of its own in the folder. Other
// programs may read, add and delete messages there. IMAP has only the mailbox
// INBOX, and keeps flags only in memory.
func ServeMail(listeners MailListeners, m Mail) error {
	boxes := map[string]*maildir{}
	for i := range m.Accounts {
		box, err := newMaildir(m.Folder, &m.Accounts[i])
		if err != nil {
			return err
		}
		boxes[m.Accounts[i].Name] = box
	}
	s := &mailServer{Mail: m, boxes: boxes}
	secure := &tls.Config{Certificates: []tls.Certificate{m.Certificate}}
	smtpServer, imapServer := s.smtp(secure), s.imap(secure)
	pop3Server := &pop3.Server{Host: m.Host, TLS: secure, Login: s.openPOP3}
	servePOP3 := func(l net.Listener) error { return serveEach(l, pop3Server.ServeConn) }
	servePOP3S := func(l net.Listener) error { return servePOP3(tls.NewListener(l, secure)) }
	serveIMAP := func(l net.Listener) error { return imapServer.Serve(outboxes{l}) }
	serveIMAPS := func(l net.Listener) error { return imapServer.Serve(tls.NewListener(outboxes{l}, secure)) }

	var servers []func() error
	var open []net.Listener
	add := func(l net.Listener, serve func(net.Listener) error) {
		if l == nil {
			return
		}
		open = append(open, l)
		servers = append(servers, func() error {
			d := openDoor(l)
			defer d.wait()
			return serve(d)
		})
	}
	add(listeners.SMTP, smtpServer.Serve)
	add(listeners.POP3, servePOP3)
	add(listeners.POP3S, servePOP3S)
	add(listeners.IMAP, serveIMAP)
	add(listeners.IMAPS, serveIMAPS)
	if len(servers) == 0 {
		return errors.New("nowhere to listen")
	}
	return first(func() {
		for _, l := range open {
			l.Close()
		}
	}, servers...)
}

// A mailServer is what SMTP, POP3 and IMAP have in common.
type mailServer struct {
	Mail
	boxes map[string]*maildir // by the names of the accounts
}

// silent discards log lines about clients' errors.
var silent = log.New(io.Discard, "", 0)

// smtp returns the server that takes mail.
func (s *mailServer) smtp(secure *tls.Config) *smtp.Server {
	server := smtp.NewServer(smtp.BackendFunc(s.newSMTP))
	server.Domain = s.Host
	server.TLSConfig = secure
	server.AllowInsecureAuth = true
	server.MaxMessageBytes = maxMessage
	server.MaxRecipients = maxRecipients
	server.ReadTimeout = sendTime
	server.WriteTimeout = sendTime
	server.ErrorLog = silent
	return server
}

// imap returns the server for IMAP. Its listeners must be outboxes.
func (s *mailServer) imap(secure *tls.Config) *imapserver.Server {
	return imapserver.New(&imapserver.Options{
		NewSession: func(c *imapserver.Conn) (imapserver.Session, *imapserver.GreetingData, error) {
			return &imapSession{server: s, out: outboxOf(c.NetConn())}, nil, nil
		},
		Caps:         imap.CapSet{imap.CapIMAP4rev1: {}, imap.CapIMAP4rev2: {}},
		TLSConfig:    secure,
		InsecureAuth: true,
		Logger:       silent,
	})
}

// newSMTP greets a client that sends mail.
func (s *mailServer) newSMTP(c *smtp.Conn) (smtp.Session, error) {
	return &smtpSession{server: s, conn: c}, nil
}

// An smtpSession takes one message after the other from a client.
type smtpSession struct {
	server *mailServer
	conn   *smtp.Conn
	from   string
	to     []*maildir
}

func (s *smtpSession) Reset()        { s.from, s.to = "", nil }
func (s *smtpSession) Logout() error { return nil }

func (s *smtpSession) AuthMechanisms() []string { return []string{sasl.Plain} }

// Auth lets a client log in, although it need not.
func (s *smtpSession) Auth(string) (sasl.Server, error) {
	return sasl.NewPlainServer(func(_, user, password string) error {
		if logIn(s.server.Accounts, user, password) == nil {
			return smtp.ErrAuthFailed
		}
		return nil
	}), nil
}

func (s *smtpSession) Mail(from string, _ *smtp.MailOptions) error {
	s.from = from
	return nil
}

func (s *smtpSession) Rcpt(to string, _ *smtp.RcptOptions) error {
	user, domain, _ := strings.Cut(to, "@")
	if !s.server.takes(domain) {
		return &smtp.SMTPError{Code: 554, EnhancedCode: smtp.EnhancedCode{5, 7, 1},
			Message: "<" + to + ">: relay access denied"}
	}
	box := s.server.boxes[strings.ToLower(user)]
	if box == nil {
		return &smtp.SMTPError{Code: 550, EnhancedCode: smtp.EnhancedCode{5, 1, 1},
			Message: "<" + to + ">: no such user here"}
	}
	if !slices.Contains(s.to, box) {
		s.to = append(s.to, box)
	}
	return nil
}

// takes reports whether the server takes mail for a domain.
func (s *mailServer) takes(domain string) bool {
	for _, name := range append(s.Domains, s.Host) {
		if strings.EqualFold(domain, name) {
			return true
		}
	}
	return false
}

// Data stores a message after two lines of ours, which say where failures would
// be reported and where the message came from.
func (s *smtpSession) Data(r io.Reader) error {
	body, err := io.ReadAll(r) // which is an error if the message is too long
	if err != nil {
		return err
	}
	var text bytes.Buffer
	from, _, err := net.SplitHostPort(s.conn.Conn().RemoteAddr().String())
	if err != nil {
		return err
	}
	protocol := "ESMTP"
	if _, ok := s.conn.TLSConnectionState(); ok {
		protocol = "ESMTPS"
	}
	fmt.Fprintf(&text, "Return-Path: <%s>\r\nReceived: from %s ([%s]) by %s with %s;\r\n\t%s\r\n",
		s.from, s.conn.Hostname(), from, s.server.Host, protocol, time.Now().Format(time.RFC1123Z))
	text.Write(body)
	for _, box := range s.to {
		if err := box.deliver(text.Bytes()); errors.Is(err, errFull) {
			return &smtp.SMTPError{Code: 452, EnhancedCode: smtp.EnhancedCode{4, 2, 2}, Message: "mailbox full"}
		} else if err != nil {
			return &smtp.SMTPError{Code: 451, EnhancedCode: smtp.EnhancedCode{4, 3, 0}, Message: "cannot write to the mailbox"}
		}
	}
	return nil
}

// openPOP3 opens a mailbox for a POP3 client, unless another POP3 client has it
// open.
func (s *mailServer) openPOP3(user, password string) (pop3.Maildrop, error) {
	if logIn(s.Accounts, user, password) == nil {
		return nil, errors.New("wrong user or password")
	}
	box := s.boxes[user]
	box.mu.Lock()
	defer box.mu.Unlock()
	if box.popping {
		return nil, pop3.ErrInUse
	}
	root, err := box.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	letters, err := box.letters(root)
	if err != nil {
		return nil, err
	}
	drop := &maildrop{box: box}
	for _, l := range letters {
		text, err := box.read(root, l)
		if err != nil {
			continue // deleted just now, or not ours to read
		}
		drop.letters = append(drop.letters, l)
		drop.messages = append(drop.messages, pop3.Message{ID: l.id(), Size: len(text)})
	}
	box.popping = true
	return drop, nil
}

// A maildrop is a mailbox as a POP3 client sees it.
type maildrop struct {
	box      *maildir
	letters  []letter
	messages []pop3.Message
}

func (m *maildrop) Messages() []pop3.Message { return m.messages }

func (m *maildrop) Read(index int) ([]byte, error) {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	root, err := m.box.open()
	if err != nil {
		return nil, err
	}
	defer root.Close()
	return m.box.read(root, m.letters[index])
}

func (m *maildrop) Delete(indexes map[int]bool) error {
	names := map[string]bool{}
	for i := range indexes {
		names[m.letters[i].name()] = true
	}
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	return m.box.remove(names)
}

func (m *maildrop) Close() {
	m.box.mu.Lock()
	defer m.box.mu.Unlock()
	m.box.popping = false
}

// An imapSession is a session of the library's server in memory, with messages that
// are those of the maildir. The library writes answers while it holds the mailbox's
// lock, so they go to an outbox. Otherwise, a client that does not read would stop
// the others.
type imapSession struct {
	*imapmemserver.UserSession // nil until the client has logged in
	server                     *mailServer
	out                        *outbox
	box                        *maildir
}

func (s *imapSession) Login(user, password string) error {
	if logIn(s.server.Accounts, user, password) == nil {
		return imapserver.ErrAuthFailed
	}
	s.box = s.server.boxes[user]
	s.UserSession = imapmemserver.NewUserSession(s.box.inbox)
	return nil
}

// look reads the maildir.
func (s *imapSession) look() error {
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	return s.box.look()
}

func (s *imapSession) Select(name string, options *imap.SelectOptions) (*imap.SelectData, error) {
	if err := s.look(); err != nil {
		return nil, err
	}
	return s.UserSession.Select(name, options)
}

func (s *imapSession) Status(name string, options *imap.StatusOptions) (*imap.StatusData, error) {
	if err := s.look(); err != nil {
		return nil, err
	}
	return s.UserSession.Status(name, options)
}

// Poll is called after every command.
func (s *imapSession) Poll(w *imapserver.UpdateWriter, allowExpunge bool) error {
	if s.box == nil {
		return nil
	}
	if err := s.look(); err != nil {
		return err
	}
	return s.UserSession.Poll(w, allowExpunge)
}

// Idle tells the client at once what our servers change. The library's own Idle
// misses changes just before it begins to wait.
func (s *imapSession) Idle(w *imapserver.UpdateWriter, stop <-chan struct{}) error {
	for {
		s.box.mu.Lock()
		changed := s.box.changed
		s.box.mu.Unlock()
		if err := errors.Join(s.UserSession.Poll(w, true), s.out.sent()); err != nil {
			return err
		}
		select {
		case <-changed:
		case <-stop:
			return nil
		}
	}
}

// AppendLimit is the longest message, in bytes, that a client may append.
func (s *imapSession) AppendLimit() uint32 { return maxMessage }

func (s *imapSession) Append(name string, r imap.LiteralReader, options *imap.AppendOptions) (*imap.AppendData, error) {
	text, err := io.ReadAll(r)
	if err != nil {
		return nil, err
	}
	if name != "INBOX" { // an error, for the client to see
		return s.UserSession.Append(name, literal(text), options)
	}
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	file, err := s.box.write(text)
	if errors.Is(err, errFull) {
		return nil, &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeOverQuota, Text: err.Error()}
	} else if err != nil {
		return nil, err
	}
	data, err := s.UserSession.Append(name, literal(text), options)
	if err == nil {
		s.box.uids[file] = data.UID
		s.box.change()
	}
	return data, err
}

// Fetch sends texts one message at a time, or the outbox could fill with a whole
// mailbox.
func (s *imapSession) Fetch(w *imapserver.FetchWriter, which imap.NumSet, options *imap.FetchOptions) error {
	switch sections := len(options.BodySection) + len(options.BinarySection); {
	case sections == 0:
		return s.UserSession.Fetch(w, which, options)
	case sections > maxSections:
		return &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeLimit,
			Text: fmt.Sprintf("more than %d parts of each message", maxSections)}
	}
	criteria := &imap.SearchCriteria{}
	switch which := which.(type) {
	case imap.SeqSet:
		criteria.SeqNum = []imap.SeqSet{which}
	case imap.UIDSet:
		criteria.UID = []imap.UIDSet{which}
	}
	found, err := s.UserSession.Search(imapserver.NumKindUID, criteria, &imap.SearchOptions{})
	if err != nil {
		return err
	}
	uids, _ := found.All.(imap.UIDSet).Nums() // all are known
	for _, uid := range uids {
		if err := errors.Join(s.UserSession.Fetch(w, imap.UIDSetNum(uid), options), s.out.sent()); err != nil {
			return err
		}
	}
	return nil
}

func (s *imapSession) Store(w *imapserver.FetchWriter, which imap.NumSet, flags *imap.StoreFlags, options *imap.StoreOptions) error {
	err := s.UserSession.Store(w, which, flags, options)
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	s.box.change()
	return err
}

// Expunge deletes the files of the messages that have the flag \Deleted.
func (s *imapSession) Expunge(_ *imapserver.ExpungeWriter, among *imap.UIDSet) error {
	s.box.mu.Lock()
	defer s.box.mu.Unlock()
	flagged := &imap.SearchCriteria{Flag: []imap.Flag{imap.FlagDeleted}}
	found, err := s.UserSession.Search(imapserver.NumKindUID, flagged, &imap.SearchOptions{})
	if err != nil {
		return err
	}
	names := map[string]bool{}
	for name, uid := range s.box.uids {
		if found.All.(imap.UIDSet).Contains(uid) && (among == nil || among.Contains(uid)) {
			names[name] = true
		}
	}
	return s.box.remove(names)
}

// errOnlyInbox is the answer to clients that want more mailboxes.
var errOnlyInbox = &imap.Error{Type: imap.StatusResponseTypeNo, Code: imap.ResponseCodeCannot, Text: "there is only INBOX"}

func (s *imapSession) Create(string, *imap.CreateOptions) error         { return errOnlyInbox }
func (s *imapSession) Delete(string) error                              { return errOnlyInbox }
func (s *imapSession) Rename(string, string, *imap.RenameOptions) error { return errOnlyInbox }
