// Webclient downloads a page by hand: it connects to the server, sends a
// request, reads until it has the header, and then reads as many bytes as the
// header says.
//
// Source: Lecture 23, 16.2 Writing a Basic Client (webclient.py)
//
// What to notice: TCP does not know where the header ends, or the page. The
// header ends at the first empty line. The page ends after Content-Length bytes
// or, if the header has no such line, when the server hangs up.
//
// What to try: compare with easywebclient, where a library does all of this and
// follows redirects, too.
//
// What Go changes: the original reads the header with one recv and hopes that
// this is all of it. It finds the length only in the line "Content-Length:", in
// exactly this spelling, and decodes the page as UTF-8. If the server hangs up
// too soon, it loops for ever. It sends no Host, so it gets the wrong page from
// a server that has several names, and it saves a 404 as an empty page. This
// one keeps the old file until the new one is whole.
package main

import (
	"bytes"
	"fmt"
	"io"

	"fopnp/internal/py/socket"
	"fopnp/lecture"
	"fopnp/lecture/lecture23"
)

func main() {
	download := lecture23.ParseDownload(
		"download a web page over a socket", "download.html")
	URLlist, server, page, address := download.SplitURL()
	fmt.Println("\nThe processed information:")
	fmt.Println("URL into list:", URLlist)
	fmt.Println("server name:", server)
	fmt.Println("page path:", page)

	// connecting and retrieving the page
	connection := lecture.Connect(address, download.Timeout)
	fmt.Println("connected successfully...")
	request := "GET " + page + " HTTP/1.0\r\nHost: " + server + "\r\n\r\n"
	download.Check(connection.SendAll([]byte(request)))
	fmt.Println("request sent successfully...")

	var raw []byte
	sep := -1 // where the empty line begins
	buffer := make([]byte, 64<<10)
	for sep < 0 {
		n, err := recv(connection, buffer)
		download.Check(lecture23.NoHeader(raw, err))
		raw = append(raw, buffer[:n]...)
		sep = bytes.Index(raw, []byte("\r\n\r\n"))
	}
	fmt.Println("End of the header: ", sep)
	header, content := raw[:sep], raw[sep+4:]
	length, err := lecture23.ParseHeader(header)
	download.Check(err)
	fmt.Println("Length of the content is ", max(length, 0))

	outputFile := download.Create(length)
	_, err = outputFile.Write(content) // came with the header
	download.Check(err)
	contentRead := int64(len(content))
	for length < 0 || contentRead < length { // still more...
		n, err := recv(connection, buffer)
		if err == io.EOF {
			break // Save knows whether this is the end of the page
		}
		download.Check(err)
		_, err = outputFile.Write(buffer[:n])
		download.Check(err)
		contentRead += int64(n)
	}
	download.Check(outputFile.Save())
	connection.Close()
	fmt.Println("done")
}

// recv receives what the server sends next. The server may take its time, as
// long as it is not silent.
func recv(connection *socket.Conversation, buffer []byte) (int, error) {
	connection.StartClock()
	return connection.Read(buffer)
}
