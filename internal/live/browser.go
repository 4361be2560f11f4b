package live

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"sync"

	"github.com/coder/websocket"

	"fopnp/internal/check/weave"
)

// A browser is the other end of a WebSocket. It is the viewer of its sessions.
type browser struct {
	server *Server
	conn   *websocket.Conn
	ctx    context.Context
	cancel context.CancelFunc

	mu      sync.Mutex
	panes   int           // how many have been opened
	flows   map[int]*flow // by pane
	session *session      // nil if none runs
	turn    sync.Mutex    // held while a request starts, fills or ends a session
}

// A flow counts the output that is on its way to a pane.
type flow struct {
	unseen int           // bytes that were sent and that the browser has not shown yet
	room   chan struct{} // closed when unseen gets smaller
}

// serve answers the browser's requests until it leaves.
func (b *browser) serve() {
	var requests sync.WaitGroup
	defer func() {
		b.cancel() // wakes everything that waits for the browser
		b.setSession(nil)
		requests.Wait()
		b.setSession(nil) // a request may have started one meanwhile
	}()
	waiting := make(chan struct{}, 4) // requests that run or wait for their turn
	for {
		kind, text, err := b.conn.Read(b.ctx)
		var r request
		if err != nil || kind != websocket.MessageText || json.Unmarshal(text, &r) != nil {
			return
		}
		switch r.Do {
		case "keys":
			if s := b.current(); s != nil {
				s.keys(r.Pane, r.Keys)
			}
		case "size":
			if s := b.current(); s != nil {
				s.resize(r.Pane, r.Columns, r.Rows)
			}
		case "shown":
			b.shown(r.Pane, r.Bytes)
		default:
			select {
			case waiting <- struct{}{}:
				requests.Go(func() {
					b.carryOut(r)
					<-waiting
				})
			default:
				b.note("Too many requests are waiting. Try again when a block has ended.")
				b.refuse(r)
			}
		}
	}
}

// carryOut carries out a request that may take long.
func (b *browser) carryOut(r request) {
	b.turn.Lock()
	defer b.turn.Unlock()
	defer b.refuse(r) // it has ended, in any case
	page := b.server.config.Page(r.Page)
	switch {
	case r.Do == "run" && (page == nil || r.Block < 0 || r.Block >= len(page.Blocks) || page.Blocks[r.Block].Transcript == nil):
		b.note("There is no such block; reload the page.")
		return
	case r.Do != "run" && r.Do != "crowd" && r.Do != "terminal":
		return
	}
	s, err := b.sessionFor(r, page)
	if err == nil {
		switch r.Do {
		case "run":
			s.run(page, r.Block)
		case "crowd":
			err = s.crowd()
		case "terminal":
			_, err = s.terminal("terminal")
		}
	}
	if err != nil && b.ctx.Err() == nil {
		b.note(sentence(err))
	}
}

// refuse tells the browser that a request to run a block is over. It ignores
// other requests.
func (b *browser) refuse(r request) {
	if r.Do == "run" {
		b.tell(blockEnds{"ended", r.Page, r.Block})
	}
}

// sessionFor returns the session in which a request can be carried out: the one that
// runs, or a new one.
func (b *browser) sessionFor(r request, page *weave.Page) (*session, error) {
	s := b.current()
	if s != nil && (r.Do != "run" || s.runsBlock(page, r.Block)) {
		return s, nil
	}
	b.setSession(nil)
	config, err := b.server.transcripts(b.ctx)
	if err != nil {
		return nil, err
	}
	host := ""
	if r.Do == "run" {
		host = page.Blocks[r.Block].Transcript.Host
	}
	b.tell(sessionBegins{"session", b.server.networkNote(host)})
	if host != "" {
		if err := noPlayground(); err != nil {
			return nil, err
		}
	}
	s = newSession(b.ctx, config, host, b, b.newPane)
	b.setSession(s) // the reader can type as soon as there is a pane
	if err := s.start(b.server.shared()); err != nil {
		b.setSession(nil)
		return nil, err
	}
	return s, nil
}

// setSession ends the current session and makes s the current one.
func (b *browser) setSession(s *session) {
	b.mu.Lock()
	old := b.session
	b.session = s
	for _, f := range b.flows {
		close(f.room) // or show would wait until the browser leaves
	}
	b.flows = map[int]*flow{}
	b.mu.Unlock()
	if old != nil {
		old.close()
	}
}

// current returns the session that runs, or nil.
func (b *browser) current() *session {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.session
}

func (b *browser) newPane() int {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.panes++
	return b.panes
}

func (b *browser) note(note string) { b.tell(noteComes{"note", note}) }

// tell sends a message. It ignores an error, because the connection is then
// broken, and serve ends.
func (b *browser) tell(message any) {
	text, err := json.Marshal(message)
	if err == nil {
		b.conn.Write(b.ctx, websocket.MessageText, text)
	}
}

// show sends a pane's output as soon as the browser has shown enough of the earlier
// output. So a program that floods its terminal runs no faster than the browser can
// draw.
func (b *browser) show(pane int, data []byte) error {
	b.mu.Lock()
	f := b.flows[pane]
	if f == nil {
		f = &flow{room: make(chan struct{})}
		b.flows[pane] = f
	}
	for f.unseen > window {
		room := f.room
		b.mu.Unlock()
		select {
		case <-room:
		case <-b.ctx.Done():
			return b.ctx.Err()
		}
		b.mu.Lock()
		if b.flows[pane] != f {
			b.mu.Unlock()
			return errors.New("the session has ended")
		}
	}
	f.unseen += len(data)
	b.mu.Unlock()
	frame := append(binary.BigEndian.AppendUint16(nil, uint16(pane)), data...)
	return b.conn.Write(b.ctx, websocket.MessageBinary, frame)
}

// shown notes that the browser has shown some bytes of a pane.
func (b *browser) shown(pane, bytes int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if f := b.flows[pane]; f != nil && bytes > 0 {
		f.unseen = max(0, f.unseen-bytes)
		close(f.room)
		f.room = make(chan struct{})
	}
}
