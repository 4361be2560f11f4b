//go:build unix || windows

package lecture23

import "syscall"

// The terminal of a program may go before its page has come.
func init() { endings = append(endings, syscall.SIGHUP) }
