//go:build !unix

package filetest

import "fopnp/internal/check/conform"

func (f *folder) makeSpecialFiles(*conform.Trial) []string { return nil }
