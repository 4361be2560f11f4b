//go:build !unix

package nettools

import "os"

func notifyResize(chan<- os.Signal) {}
