package socketserver

// The combinations of a mix-in and a server that Python has, too. New makes
// one. On Windows, the forking servers and those on Unix sockets cannot listen.

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
