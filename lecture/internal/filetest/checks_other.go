//go:build !linux

package filetest

import "fopnp/internal/check/conform"

func (f *folder) linuxChecks() []conform.Check { return nil }
