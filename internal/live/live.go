// Package live runs the transcripts of the book for a reader who watches them in a
// browser, and who may type.
//
// Each open page has one WebSocket, and each WebSocket has one session at a time. A
// session is a private network with its own processes, a copy of the repository, and
// terminals. Its first process is a keeper: this program once more, which starts bash
// at each terminal and watches the sockets and the packets of the network. When the
// browser, the server or the terminal goes away, the keeper ends, and with it all
// that it has started.
//
//	browser --WebSocket-- Server --pipes-- keeper -- bash -- programs
//	                         |                |
//	                         +---terminals----+
//
// The commands come from the pages, and package transcript types them, as in the
// tests. The browser names a page and a block; it cannot name a command. What the
// reader types into a terminal goes there as it is.
//
// Where the system grants no private network, a session uses the system's own. Then
// there can be only one session at a time. Its lanes show only its own sockets, and
// not what clients and servers say.
package live

import (
	"errors"
	"fmt"
	"runtime"

	"fopnp/internal/netns"
)

// Main must be the first call of main, or of TestMain, in a program that has a
// [Server]. In a keeper it does not return.
func Main() {
	netns.Main()
	keeperMain()
}

// Supported returns nil if this system can run transcripts in a browser. Otherwise
// its error says why not, and wraps [errors.ErrUnsupported].
func Supported() error {
	if !keeperSupported {
		return fmt.Errorf("on %s there is no bash at a terminal that a browser could show: %w",
			runtime.GOOS, errors.ErrUnsupported)
	}
	return nil
}

// Limits of what one reader, or all of them, can use.
const (
	maxSessions  = 8       // at once, of all readers
	maxTerminals = 8       // of a session
	maxFrame     = 1 << 15 // bytes that a browser may send at once
	window       = 1 << 17 // bytes of a pane that a browser has not shown yet
)
