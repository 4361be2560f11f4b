//go:build dragonfly || linux || openbsd

package basics

import "syscall"

func change(stat *syscall.Stat_t) int64 { return stat.Ctim.Nano() }
