//go:build !linux

package live

import "fopnp/internal/netns"

// listeners returns nil: we cannot tell whose sockets the system has.
func (k *keeper) listeners() []netns.Socket { return nil }

// programs returns nil: we cannot tell which programs run.
func (k *keeper) programs() map[string]bool { return nil }
