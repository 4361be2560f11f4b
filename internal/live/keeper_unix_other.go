//go:build unix && !linux

package live

import (
	"os"

	"fopnp/internal/netns"
)

// self is the path of this program.
func self() string {
	path, err := os.Executable()
	if err != nil {
		return os.Args[0]
	}
	return path
}

// adopt does nothing: this system has no process that takes the children of others.
func adopt() {}

// end ends the programs that were started, and they end theirs.
func (k *keeping) end() { k.hangUp() }

// watch does nothing: this system does not tell who waits in a server's queue.
func watch(*keeping) {}

// listeners returns nil: we cannot tell whose sockets the system has.
func (k *keeper) listeners() []netns.Socket { return nil }
