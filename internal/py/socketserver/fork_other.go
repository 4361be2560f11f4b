//go:build !unix

package socketserver

const canFork = false

type child struct{}

func fork(string, *Request) (*child, error) { return nil, errNoFork }
func (*child) wait() error                  { return nil }
func isShortage(error) bool                 { return false }

var inherited struct {
	server string
	port   int
}

func handleInherited(Server) {}
