// Webserver sends the files of a folder over HTTP, from a thread for each
// client: one connection carries one request, and the end of the connection is
// the end of the answer.
//
// Source: Lecture 23, Basic web server
//
// What to notice: HTTP is text. A request is a line, a header and an empty
// line, and so is the beginning of an answer. Content-Length counts bytes, not
// characters.
//
// What to try: write an index.html, and open http://localhost:8080/ in a
// browser. Ask by hand, with telnet: "GET /index.html HTTP/1.0" and an empty
// line. Ask for /../go.mod.
//
// What Go changes: os.Root opens the files, so no name leads out of the folder.
// The original has a TCPServer, which serves one client at a time. A browser
// opens connections that it does not use yet, and a single one of them would
// block the server. So this one has a ThreadingTCPServer.
package main

import (
	"fmt"

	"fopnp/internal/py/argparse"
	"fopnp/internal/py/pyfmt"
	"fopnp/internal/py/socket"
	"fopnp/internal/py/socketserver"
	"fopnp/internal/serve/folder"
	"fopnp/internal/serve/program"
	"fopnp/lecture"
	"fopnp/lecture/lecture23"
)

var root *folder.Folder

type WebHandler struct {
	socketserver.BaseRequestHandler
}

func (h *WebHandler) Handle() error {
	request, err := lecture23.ReadRequest(h.Connection)
	if err == nil {
		program.Println("requested file: ", pyfmt.Bare([]byte(request.Name)))
		err = h.sendFile(request)
	}
	if err = lecture23.Refuse(h.Connection, request, err); err != nil {
		lecture.Complain(h.ClientAddress, err)
	}
	return nil
}

func (h *WebHandler) sendFile(request lecture23.Request) error {
	if request.Method != "GET" && request.Method != "HEAD" {
		return lecture23.ErrMethod
	}
	file, size, err := request.Open(root)
	if err != nil {
		return err
	}
	defer file.Close()
	header := fmt.Appendf(nil, "HTTP/1.0 200 OK\r\n"+
		"Content-Type: %s\r\n"+
		"Content-Length: %d\r\n"+
		"\r\n", lecture23.ContentType(request.File()), size)
	if request.Method == "HEAD" {
		return h.Connection.SendAll(header)
	}
	if err := h.Connection.SendFile(header, file, size); err != nil {
		return err
	}
	program.Println("file was found and sent")
	return nil
}

func main() {
	parser := argparse.New("web server")
	folderName := parser.Path("root", "dir", ".",
		"the folder to serve (default '%(default)s')")
	address := lecture.ParseServerOptions(parser,
		socket.Address{Host: "localhost", Port: 8080})
	root = lecture.OpenFolder(*folderName)
	server, err := socketserver.New[
		socketserver.ThreadingTCPServer, WebHandler](address)
	if err != nil {
		program.Fail(fmt.Sprintf("listen at %v", address), err)
	}
	lecture.Announce(address, server.ServerAddress)
	program.Println("Web server is ready")
	server.ServeForever()
}
