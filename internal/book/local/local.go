// Package local decides which requests the servers of the book may answer. They
// listen on 127.0.0.1, but that alone keeps no site out: the owner of a domain can
// point it here (DNS rebinding), and then a browser treats the book as part of that
// site. Such a request has the site's name in Host.
package local

import (
	"net"
	"net/http"
	"strconv"
)

// Refuses returns why a server at a port of 127.0.0.1 refuses a request, with an HTTP
// status, or 0. Host must be 127.0.0.1 or localhost and the port, to the letter.
func Refuses(r *http.Request, port int) (status int, why string) {
	for _, name := range []string{"127.0.0.1", "localhost"} {
		if r.Host == net.JoinHostPort(name, strconv.Itoa(port)) {
			return 0, ""
		}
	}
	return http.StatusMisdirectedRequest, "this book is at 127.0.0.1 and localhost only"
}
