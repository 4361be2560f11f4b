package socketserver

// The combinations of a mix-in and a server that Python has, too. See New for
// how to make one. On Windows neither the forking ones nor those on Unix sockets
// can listen.

type (
	ThreadingTCPServer struct {
		ThreadingMixIn
		TCPServer
	}

	ThreadingUDPServer struct {
		ThreadingMixIn
		UDPServer
	}

	ThreadingUnixStreamServer struct {
		ThreadingMixIn
		UnixStreamServer
	}

	ThreadingUnixDatagramServer struct {
		ThreadingMixIn
		UnixDatagramServer
	}

	ForkingTCPServer struct {
		ForkingMixIn
		TCPServer
	}

	ForkingUDPServer struct {
		ForkingMixIn
		UDPServer
	}

	ForkingUnixStreamServer struct {
		ForkingMixIn
		UnixStreamServer
	}

	ForkingUnixDatagramServer struct {
		ForkingMixIn
		UnixDatagramServer
	}
)
