// Srv_legacy1 answers Zen questions with the socketserver module: a handler
// class, a server class, and a mix-in that gives each conversation a goroutine.
//
// Source:
// https://github.com/brandon-rhodes/fopnp/blob/m/py3/chapter07/srv_legacy1.py
//
// What to notice: the program says what it is, not what it does. The framework
// does the rest.
//
// What to try: take ThreadingMixIn out of ZenServer. The server becomes
// srv_single.
//
// What Go changes: this is how Go programs serve, with or without a framework.
// Ten thousand waiting goroutines are no burden. The original's ten thousand
// threads would be.
package main

import (
	"fmt"

	"fopnp/chapter07/zen_utils"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/program"
)

type ZenHandler struct {
	socketserver.BaseRequestHandler
}

func (h *ZenHandler) Handle() error {
	zen_utils.HandleConversation(h.Connection, h.ClientAddress)
	return nil
}

type ZenServer struct {
	socketserver.ThreadingMixIn
	socketserver.TCPServer
}

func main() {
	address := zen_utils.ParseCommandLine(`legacy "SocketServer" server`)
	server, err := socketserver.New[ZenServer, ZenHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	if address.Port == 0 { // clients could not find it otherwise
		program.Printf("Listening at %v\n", server.ServerAddress)
	}
	server.ServeForever()
}
