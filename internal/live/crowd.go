package live

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"fopnp/internal/check/transcript"
	"fopnp/internal/listings"
)

// crowdSize is how many clients connect at once.
const crowdSize = 6

// crowd starts six clients of the running server at once, at a terminal of their
// own. The next crowd uses the same terminal. The table of listings says which
// client belongs to the server, and what it sends.
func (s *session) crowd() error {
	if s.host != "" {
		return errors.New("the six clients cannot reach the playground")
	}
	server, port, found := s.server()
	if !found {
		return errors.New("the six clients find no server that they know; run a block that starts one")
	}
	for name, text := range server.Visit.Files {
		if err := s.writeFile(name, text); err != nil {
			return err
		}
	}
	script, err := crowdScript(server, port)
	if err != nil {
		return err
	}
	p, err := s.crowdPane("six clients of " + server.Name)
	if err != nil {
		return err
	}
	_, err = p.tap.Write([]byte(script + "\r"))
	return err
}

// crowdPane returns the terminal of the six clients, with a new title.
func (s *session) crowdPane(title string) (*pane, error) {
	s.mu.Lock()
	p := s.crowds
	again := p != nil && s.panes[p.id] == p
	s.mu.Unlock()
	if again {
		s.viewer.tell(paneOpens{"pane", p.id, p.kind, title})
		return p, nil
	}
	p, err := s.terminal(title)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	s.crowds = p
	s.mu.Unlock()
	p.tap.SetReadDeadline(time.Now().Add(keeperPatience))
	p.tap.Read(make([]byte, 1024)) // wait for the prompt: what is typed before it would appear twice
	return p, nil
}

// server returns the server that was started last in this session and still
// listens, and its port.
func (s *session) server() (server listings.Listing, port int, found bool) {
	s.mu.Lock()
	var logs []*pane
	for _, p := range s.panes {
		if p.kind == logPane {
			logs = append(logs, p)
		}
	}
	s.mu.Unlock()
	slices.SortFunc(logs, func(p, q *pane) int { return q.id - p.id })
	for _, p := range logs {
		if now := s.program(p); now.Port != 0 {
			if l, known := listings.Find(p.program); known && l.Visit.Client != "" {
				return l, now.Port, true
			}
		}
	}
	// Perhaps the reader has started it at a terminal.
	programs := s.keeper.programs()
	for _, l := range listings.All {
		if l.Visit.Client != "" && programs[l.Name] && s.listens(l.Network, l.Port) {
			return l, l.Port, true
		}
	}
	return server, 0, false
}

// crowdScript returns the command that starts the clients of a server and waits for
// them.
func crowdScript(server listings.Listing, port int) (string, error) {
	client, found := listings.Find(server.Visit.Client)
	if !found {
		return "", fmt.Errorf("the client %s is not a listing", server.Visit.Client)
	}
	words := append([]string{"go", "run", "./" + client.Folder()},
		client.AskArgs("localhost", strconv.Itoa(port), server.Visit.Words...)...)
	for i, word := range words {
		words[i] = quoteIfNeeded(word)
	}
	command := strings.Join(words, " ")
	switch visit := server.Visit; {
	case visit.Says != "":
		// Two seconds are enough for the other clients to connect and speak.
		command = "(" + typing(visit.Says) + "; sleep 2; " + typing(visit.Typed) + ") | " + command
	case visit.Typed != "":
		command = typing(visit.Typed) + " | " + command
	}
	return fmt.Sprintf("(for i in {1..%d}; do %s & done; wait)", crowdSize, command), nil
}

// typing returns the command that prints text.
func typing(text string) string { return "printf %b " + quoteIfNeeded(escape(text)) }

// escape returns text for printf's %b.
func escape(text string) string {
	return strings.NewReplacer(`\`, `\\`, "\n", `\n`, "\t", `\t`, "\x00", `\0000`).Replace(text)
}

// quoteIfNeeded returns s as one word for the shell.
func quoteIfNeeded(s string) string {
	const plain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789./-_:=,@%+"
	if s != "" && strings.Trim(s, plain) == "" {
		return s
	}
	return transcript.Quote(s)
}
