//go:build darwin || freebsd || netbsd

package basics

import "syscall"

func change(stat *syscall.Stat_t) int64 { return stat.Ctimespec.Nano() }
