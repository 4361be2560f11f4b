package live

import (
	"bytes"
	"io"
	"os"
	"strconv"
	"time"

	"fopnp/internal/listings"
)

// follow shows a file while programs write it, until the session ends.
func (s *session) follow(p *pane) {
	tick := time.NewTicker(25 * time.Millisecond)
	defer tick.Stop()
	var offset int64
	known := paneChanges{Tell: "program", Pane: p.id}
	for n := 0; ; n++ {
		data, from := readOn(p.file, offset)
		shown := bytes.ReplaceAll(data, []byte("\n"), []byte("\r\n"))
		if from < offset { // the file was truncated
			const clearScreen = "\x1b[H\x1b[2J\x1b[3J"
			shown = append([]byte(clearScreen), shown...)
		}
		offset = from + int64(len(data))
		if len(shown) > 0 && s.viewer.show(p.id, shown) != nil {
			return
		}
		if n%8 == 0 {
			if now := s.program(p); now != known {
				known = now
				s.viewer.tell(now)
			}
		}
		select {
		case <-tick.C:
		case <-s.ctx.Done():
			return
		}
	}
}

// readOn returns up to 16 KiB of a file, from an offset on, or from its beginning if
// the file ends before the offset.
func readOn(path string, offset int64) (data []byte, from int64) {
	// Opening a pipe would wait for a writer.
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return nil, offset
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, offset
	}
	defer f.Close()
	if info.Size() < offset {
		offset = 0
	}
	data, _ = io.ReadAll(io.NewSectionReader(f, offset, 1<<14))
	return data, offset
}

// program returns whether the program of a log runs, and at which port it
// listens.
func (s *session) program(p *pane) paneChanges {
	s.mu.Lock()
	pid, name := p.pid, p.program
	s.mu.Unlock()
	change := paneChanges{Tell: "program", Pane: p.id, Runs: s.keeper.runs(pid)}
	if !change.Runs {
		return change
	}
	text, _ := readOn(p.file, 0)
	if port, ready := listings.Ready(name, string(text)); ready && port != "" {
		change.Port, _ = strconv.Atoi(port)
	} else if l, found := listings.Find(name); found && s.listens(l.Network, l.Port) {
		change.Port = l.Port
	}
	return change
}

// listens reports whether a server of this session listens at a port.
func (s *session) listens(network string, port int) bool {
	for _, socket := range s.keeper.listeners() {
		if int(socket.Port) == port && len(network) == 3 && socket.Network[:3] == network {
			return true
		}
	}
	return false
}
