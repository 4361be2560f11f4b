// Easywebclient downloads a page with the HTTP library: one call connects to
// the server, sends the request, reads the header and follows redirects.
//
// Source: Lecture 23, 16.2 Writing a Basic Client (easywebclient.py)
//
// What to notice: the library decides when the page is whole, and it decodes
// what webclient refuses, a page that comes in chunks. With https, it checks
// the server's certificate. What is left of webclient is what to do with the
// page.
//
// What to try: start "python3 -m http.server" in this repository, and get
// http://localhost:8000/lecture with both clients. A folder's URL ends in a
// slash, so the server redirects, and only this client follows.
//
// What Go changes: the original keeps the whole page in memory, and decodes it
// as UTF-8, so it cannot download a picture. This one copies the page to the
// file as it comes, byte for byte, and shows its progress at a terminal.
package main

import (
	"errors"
	"fmt"
	"io"
	"net/http"

	"fopnp/lecture"
	"fopnp/lecture/lecture23"
)

func main() {
	download := lecture23.ParseDownload(
		"download a web page with the HTTP library", "download2.html")
	url := download.ParseURL("http", "https")

	// connecting and retrieving the page
	connection := lecture23.NewClient(download.Timeout)
	response, err := connection.Get(url.String())
	download.Check(err)
	if response.StatusCode != http.StatusOK {
		download.Fail(errors.New(response.Status))
	}
	length := response.ContentLength

	outputFile := download.Create(length)
	bar := lecture.Bar(length)
	_, err = io.Copy(io.MultiWriter(outputFile, bar), response.Body)
	bar.Close()
	download.Check(err)
	download.Check(outputFile.Save())
	response.Body.Close()
	fmt.Println("done")
}
