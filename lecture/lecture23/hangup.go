//go:build unix || windows

package lecture23

import "syscall"

// A program may lose its terminal before its page has arrived.
func init() { endings = append(endings, syscall.SIGHUP) }
