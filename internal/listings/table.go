package listings

import "regexp"

// All is the table: the shelves in the order of their texts, and on each shelf
// the listings in the order in which the text has them.
var All = []Listing{
	{Name: "tcp_sixteen", Shelf: "chapter03", Kind: Both, Network: "tcp", Port: 1060, AtOnce: 1, Faults: Stderr,
		Serve: []string{"server", "HOST", "-p", "PORT"}, Ask: []string{"client", "HOST", "-p", "PORT"}, Visit: sixteen},
	{Name: "tcp_deadlock", Shelf: "chapter03", Kind: Both, Network: "tcp", Port: 1060, AtOnce: 1,
		Serve: []string{"server", "HOST", "-p", "PORT"}, Ask: []string{"client", "HOST", "-p", "PORT"}, Visit: deadlock},

	{Name: "zen_utils", Shelf: "chapter07", Kind: Package},
	{Name: "client", Shelf: "chapter07", Kind: Client, Network: "tcp", Port: 1060},
	{Name: "srv_single", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, AtOnce: 1, Faults: Stdout, Visit: zen},
	{Name: "srv_threaded", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, AtOnce: 4, Faults: Stdout, Visit: zen},
	{Name: "srv_async", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, Faults: Stdout, Visit: zen},
	{Name: "srv_asyncio1", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, Faults: Stdout, Visit: zen},
	{Name: "srv_asyncio2", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, Faults: Stdout, Visit: zen},
	{Name: "srv_legacy1", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, Faults: Stdout, Visit: zen},
	{Name: "srv_legacy2", Shelf: "chapter07", Kind: Server, Network: "tcp", Port: 1060, Faults: Stderr, Visit: zen},
	{Name: "in_zen1", Shelf: "chapter07", Kind: Inetd, Network: "tcp"}, // inetd starts one for each client
	{Name: "in_zen2", Shelf: "chapter07", Kind: Inetd, Network: "tcp", AtOnce: 1},
	{Name: "timeline", Shelf: "chapter07", Kind: Tool},

	{Name: "udpserv1", Shelf: "lecture/slides", Kind: Server, Network: "udp", Port: 11111, Visit: mixedCase},
	{Name: "udpcli1", Shelf: "lecture/slides", Kind: Client, Network: "udp", Port: 11111},
	{Name: "creosote", Shelf: "lecture/slides", Kind: Both, Network: "udp", Port: 7739, Ready: waitingOnPort,
		Serve: []string{"-H", "HOST", "-p", "PORT"}, Ask: []string{"-H", "HOST", "-p", "PORT"}, Visit: spew},
	{Name: "timeserv", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 8888, AtOnce: 1, Visit: theTime},
	{Name: "timecli", Shelf: "lecture/slides", Kind: Client, Network: "tcp", Port: 8888},
	{Name: "tcpserv1", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 2345, AtOnce: 1, Faults: Stderr, Visit: upperBy("tcpcli1")},
	{Name: "tcpcli1", Shelf: "lecture/slides", Kind: Client, Network: "tcp", Port: 2345},
	{Name: "tsTservSS", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 21567, Ready: listeningOr(`waiting for connection\.\.\.`),
		AtOnce: 1, Faults: Stderr, Visit: stamped},
	{Name: "tsTclntSS", Shelf: "lecture/slides", Kind: Client, Network: "tcp", Port: 21567},
	{Name: "udps1", Shelf: "lecture/slides", Kind: Server, Network: "udp", Port: 2345, Visit: upperDatagram},
	{Name: "udpc1", Shelf: "lecture/slides", Kind: Client, Network: "udp", Port: 2345},
	{Name: "tcps1", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 2345, AtOnce: 1, Faults: Stderr, Visit: upperBy("tcpc1")},
	{Name: "tcpc1", Shelf: "lecture/slides", Kind: Client, Network: "tcp", Port: 2345},
	{Name: "SockServUDP", Shelf: "lecture/slides", Kind: Server, Network: "udp", Port: 2345, Visit: upperDatagram},
	{Name: "SockServTCP", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 2345, AtOnce: 1, Faults: Stderr, Visit: upperBy("tcpc1")},
	{Name: "SockServTCPThread", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 2345, Faults: Stderr, Visit: upperBy("tcpc1")},
	{Name: "SockServTCPFork", Shelf: "lecture/slides", Kind: Server, Network: "tcp", Port: 2345, AtOnce: 40, Faults: Stderr, Visit: upperBy("tcpc1")},

	{Name: "gettime", Shelf: "lecture/lecture23", Kind: Client, Network: "tcp", Port: 13},
	{Name: "daytime", Shelf: "lecture/lecture23", Kind: Server, Network: "tcp", Port: 13, Silent: true, Visit: theDate},
	{Name: "webclient", Shelf: "lecture/lecture23", Kind: Client, Network: "tcp", Ask: []string{"http://HOST:PORT/"}},
	{Name: "easywebclient", Shelf: "lecture/lecture23", Kind: Client, Network: "tcp", Ask: []string{"http://HOST:PORT/"}},
	{Name: "echoserver", Shelf: "lecture/lecture23", Kind: Server, Network: "tcp", Port: 9000, Ready: listeningOr(`Server is ready`),
		AtOnce: 1, Silent: true, Visit: session},
	{Name: "echoclient", Shelf: "lecture/lecture23", Kind: Client, Network: "tcp", Port: 9000},
	{Name: "webserver", Shelf: "lecture/lecture23", Kind: Server, Network: "tcp", Port: 8080, Ready: listeningOr(`Web server is ready`),
		Faults: Stderr, Visit: myData},
	{Name: "webclientFile", Shelf: "lecture/lecture23", Kind: Client, Network: "tcp", Port: 8080},

	{Name: "echo_server_uni", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn,
		AtOnce: 1, Faults: Stderr, Visit: echoed("hello world")},
	{Name: "echo_client_uni", Shelf: "lecture/tincanchat", Kind: Client, Network: "tcp", Port: 4040},
	{Name: "echo_server_multi", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn,
		Faults: Stderr, Visit: echoed(address + ": hello world")},
	{Name: "chat_server_multithread", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn, Faults: Stderr, Visit: quit},
	{Name: "chat_client_multithread", Shelf: "lecture/tincanchat", Kind: Client, Network: "tcp", Port: 4040},
	{Name: "chat_server_poll", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn, Faults: Stderr, Visit: quit},
	{Name: "chat_server_eventlet", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn, Faults: Stderr, Visit: quit},
	{Name: "chat_server_asyncio", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn, Faults: Stderr, Visit: quit},
	{Name: "chat_server_nats", Shelf: "lecture/tincanchat", Kind: Server, Network: "tcp", Port: 4040, Ready: listeningOn, Beside: "nats-server",
		Faults: Stderr, Visit: quit},
	{Name: "chat_timeline", Shelf: "lecture/tincanchat", Kind: Tool},

	{Name: "time_server", Shelf: "lecture/basics", Kind: Server, Network: "tcp", Port: 9999, AtOnce: 1, Visit: gotTime},
	{Name: "time_client", Shelf: "lecture/basics", Kind: Client, Network: "tcp", Port: 9999},
	{Name: "echo_server", Shelf: "lecture/basics", Kind: Server, Network: "tcp", Port: 12345, AtOnce: 1, ServesOne: true, Visit: received},
	{Name: "echo_client", Shelf: "lecture/basics", Kind: Client, Network: "tcp", Port: 12345},
	{Name: "file_server", Shelf: "lecture/basics", Kind: Server, Network: "tcp", Port: 60000, Ready: listeningOr(`Server listening\.\.\.\.`),
		Faults: Stderr, Visit: theFile},
	{Name: "file_client", Shelf: "lecture/basics", Kind: Client, Network: "tcp", Port: 60000},
	{Name: "chat_server", Shelf: "lecture/basics", Kind: Server, Network: "tcp", Port: 9009, Ready: chatStarted, Faults: Stderr, Visit: onlyMe},
	{Name: "chat_client", Shelf: "lecture/basics", Kind: Client, Network: "tcp", Ask: []string{"HOST", "PORT"}},

	{Name: "lecture23", Shelf: "lecture", Kind: Package},
	{Name: "tincanchat", Shelf: "lecture", Kind: Package},
	{Name: "basics", Shelf: "lecture", Kind: Package},
}

var waitingOnPort = regexp.MustCompile(`(?m)^waiting on port: (\d+)\r?\n`)
var listeningOn = regexp.MustCompile(`(?m)^Listening on \('[^']+', (\d+)(?:, \d+, \d+)?\)\r?\n`)
var chatStarted = regexp.MustCompile(`(?m)^Chat server started on port (\d+)\r?\n`)

const (
	address = `\('[^']+', \d+(?:, \d+, \d+)?\)`
	ctime   = `\w{3} \w{3} [ 1-3]\d \d\d:\d\d:\d\d \d{4}`
)

var (
	zen = Visit{Client: "client", Prints: []string{
		`b'Beautiful is better than\?' b'Ugly\.'`,
		`b'Explicit is better than\?' b'Implicit\.'`,
		`b'Simple is better than\?' b'Complex\.'`,
	}}
	sixteen = Visit{Client: "tcp_sixteen", Prints: []string{
		`Client has been assigned socket name ` + address,
		`The server said b'Farewell, client'`,
	}}
	deadlock = Visit{Client: "tcp_deadlock", Prints: []string{
		`Sending 16 bytes of data, in chunks of 16 bytes`,
		`\r  16 bytes sent ?`,
		`Receiving all the data the server sends back`,
		`  The first data received says b'CAPITALIZE THIS!'`,
		`\r  16 bytes received ?`,
	}}
	mixedCase = Visit{Client: "udpcli1", Prints: []string{
		`using ` + address,
		`received MIXEDCASESTRING from ` + address,
	}}
	spew = Visit{Client: "creosote", Words: []string{"Just", "one", "wafer-thin", "mint"}, AtServer: true,
		Prints: []string{`Just one wafer-thin mint`}}
	theTime = Visit{Client: "timecli", Prints: []string{`The time is ` + ctime}}
	theDate = Visit{Client: "gettime", Prints: []string{`Date \(YY-MM-DD\) is \d\d-\d\d-\d\d, time is \d\d:\d\d:\d\d \(UTC\)`}}
	gotTime = Visit{Client: "time_client", Prints: []string{`The time got from the server is ` + ctime}}
	stamped = Visit{Client: "tsTclntSS", Typed: "hello\n\n", Prints: []string{`> \[` + ctime + `\] hello`, `> `}}
	session = Visit{Client: "echoclient", Prints: []string{
		`>>> from socket import socket`,
		`>>> echo = socket\(\)`,
		`>>> echo\.connect\( ` + address + ` \)`,
		`>>> message = "Hello, how are you\?"`,
		`>>> echo\.send\(message\.encode\(\)\)`, `19`,
		`>>> echo\.recv\(1024\)`, `b'Hello, how are you\?'`,
		`>>> echo\.send\(message\.encode\(\)\)`, `19`,
		`>>> echo\.recv\(1024\)`, `b''`,
	}}
	myData = Visit{Client: "webclientFile", Files: map[string]string{"myData.txt": "I like to go to movie theater from time to time.\nNatalia\n"},
		Prints: []string{`localhost:`, `I like to go to movie theater from time to time\.`, `Natalia`}}
	received = Visit{Client: "echo_client", Prints: []string{`\('Received', "'Hello, world'"\)`}}
	onlyMe   = Visit{Client: "chat_client", Typed: "hello\n", Says: "good morning\n", Prints: []string{
		`Connected to remote host\. You can start sending messages`,
		`\[Me\] \[Me\] `,
	}}

	quit = Visit{Client: "chat_client_multithread", Typed: "q\n", Says: "good morning\n", Prints: []string{
		`Connected to [\w.:]+:\d+`,
		`Type messages, enter to send\. 'q' to quit`,
		`Connection to server closed`,
	}}

	theFile = Visit{Client: "file_client", Files: map[string]string{"mytext.txt": "Hello, world\n"}, Prints: []string{
		`file opened`, `receiving data\.\.\.`, `Successfully get the file`, `connection closed`,
	}}

	upperDatagram = Visit{Client: "udpc1", Typed: "hello\n", Prints: []string{`Send: Recv: HELLO`}}
)

// upperBy returns a visit to the upper-case service over TCP, by one of its
// clients.
func upperBy(client string) Visit {
	return Visit{Client: client, Typed: "hello\n\n", Prints: []string{`Send: HELLO`, `Send: `}}
}

// echoed returns a visit to an echo server that sends back echo for "hello
// world".
func echoed(echo string) Visit {
	connection := func(more ...string) []string {
		return append(append([]string{``, `Connected to [\w.:]+:\d+`, `Type message, enter to send, 'q' to quit`},
			more...), `Closed connection to server`, ``)
	}
	return Visit{Client: "echo_client_uni", Typed: "hello world\nq\n", Prints: append(
		connection(`Sent message: hello world`, `Received echo: `+echo), connection()...)}
}
