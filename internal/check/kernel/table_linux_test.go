package kernel

import (
	"net"
	"slices"
	"testing"
	"time"
)

// A Table shows each step of a connection: it waits in the queue, the server
// accepts it, bytes arrive, the client closes it, and then the server closes it.
func TestTable(t *testing.T) {
	for _, address := range []string{"127.0.0.1:0", "[::1]:0"} {
		t.Run(address, func(t *testing.T) {
			listener, err := net.Listen("tcp", address)
			if err != nil {
				t.Skip(err)
			}
			defer listener.Close()
			table, err := OpenTable()
			if err != nil {
				t.Fatal(err)
			}
			defer table.Close()
			port := uint16(listener.Addr().(*net.TCPAddr).Port)
			listens := false
			find := func(client net.Conn) (found Socket) {
				sockets, err := table.Sockets(nil)
				if err != nil {
					t.Fatal(err)
				}
				listens = false
				for _, s := range sockets {
					if s.Port == port && s.Listens {
						listens = true
					} else if s.Port == port && int(s.Peer) == client.LocalAddr().(*net.TCPAddr).Port {
						found = s
					}
				}
				return found
			}
			until := func(what string, client net.Conn, isTrue func(Socket) bool) {
				t.Helper()
				for deadline := time.Now().Add(30 * time.Second); !isTrue(find(client)); {
					if time.Now().After(deadline) {
						t.Fatalf("not so: %s; it is %+v", what, find(client))
					}
				}
			}

			client, err := net.Dial("tcp", listener.Addr().String())
			if err != nil {
				t.Fatal(err)
			}
			defer client.Close()
			until("it is in the queue", client, func(s Socket) bool { return s.Port == port && s.Inode == 0 && !s.Closed })
			if !listens {
				t.Error("the listener is not in the table")
			}
			sockets, err := table.Listeners(nil)
			if err != nil || !slices.ContainsFunc(sockets, func(s Socket) bool { return s.Listens && s.Port == port }) ||
				slices.ContainsFunc(sockets, func(s Socket) bool { return !s.Listens }) {
				t.Errorf("the listeners are %+v (%v)", sockets, err)
			}
			client.Write([]byte("hello"))
			until("five bytes have arrived", client, func(s Socket) bool { return s.Unread == 5 && s.Owes })
			server, err := listener.Accept()
			if err != nil {
				t.Fatal(err)
			}
			defer server.Close()
			until("it is accepted", client, func(s Socket) bool { return s.Inode != 0 && s.Unread == 5 })
			client.(*net.TCPConn).CloseWrite()
			until("the end does not count", client, func(s Socket) bool { return s.EndReceived && s.Unread == 5 })
			server.Read(make([]byte, 5))
			until("all is read but the end", client, func(s Socket) bool { return s.EndReceived && s.Unread == 0 })
			server.Read(make([]byte, 1))
			until("the end is read, too", client, func(s Socket) bool { return s.EndReceived && s.Unread == 0 })
			server.Close()
			until("it is gone", client, func(s Socket) bool { return s == Socket{} })
		})
	}
}
