package services_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strings"
	"testing"

	"fopnp/internal/netlab/services"
	"fopnp/internal/serve/child"
)

// certificate returns a certificate for "localhost" and 127.0.0.1.
func certificate(t testing.TB) tls.Certificate {
	t.Helper()
	c, err := identity.Certificate("localhost", "127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// trusting returns the settings of a client that trusts the playground's
// certificates.
func trusting() *tls.Config {
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(identity.CAPEM())
	return &tls.Config{RootCAs: trusted, ServerName: "localhost"}
}

// caFile returns the path of a file with the playground's authority.
func caFile(t testing.TB) string {
	return write(t, t.TempDir(), "ca.pem", string(identity.CAPEM()), 0o644)
}

// startWeb serves a site and returns the addresses of its servers.
func startWeb(t testing.TB) (plain, secure string) {
	t.Helper()
	p, s := listen(t), listen(t)
	site := services.Site{Name: "www & co", Certificate: certificate(t)}
	serving(t, func() error { return services.ServeWeb(p, s, site) }, func() { p.Close() })
	return p.Addr().String(), s.Addr().String()
}

// Both servers tell a client from which address it came. Over TLS, they speak
// HTTP/2.
func TestWebAddress(t *testing.T) {
	t.Parallel()
	plain, secure := startWeb(t)
	for url, want := range map[string]struct{ scheme, protocol string }{
		"http://" + plain:   {"HTTP", "HTTP/1.1"},
		"https://" + secure: {"HTTPS", "HTTP/2.0"},
	} {
		var from, to string
		client := &http.Client{Timeout: child.Patience, Transport: &http.Transport{
			TLSClientConfig:   trusting(),
			ForceAttemptHTTP2: true, // else not with our own DialContext
			DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
				conn, err := new(net.Dialer).DialContext(ctx, network, address)
				if err == nil {
					from, to = conn.LocalAddr().String(), address
				}
				return conn, err
			},
		}}
		defer client.CloseIdleConnections()
		response, err := client.Get(url)
		if err != nil {
			t.Fatal(err)
		}
		page, err := io.ReadAll(response.Body)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.Proto != want.protocol {
			t.Errorf("%s speaks %s", url, response.Proto)
		}
		came := fmt.Sprintf("<p>Your request came over %s from %s to %s.</p>\n", want.scheme, from, to)
		if !strings.Contains(string(page), came) || !strings.Contains(string(page), "<h1>www &amp; co</h1>") {
			t.Errorf("got %s", page)
		}
	}
}

// A real client trusts the certificate if it knows the playground's authority,
// and no other.
func TestWebCurl(t *testing.T) {
	t.Parallel()
	plain, secure := startWeb(t)
	curl := func(args ...string) *exec.Cmd {
		return exec.Command(real(t, "curl"), append([]string{"-sS", "--noproxy", "*"}, args...)...)
	}
	if got := run(t, curl("--cacert", caFile(t), "https://"+secure+"/get?x=1"), 0, ""); !strings.Contains(got, `"x": [`) {
		t.Errorf("got %s", got)
	}
	run(t, curl("https://"+secure), 60, "certificate")
	if got := run(t, curl("http://"+plain+"/ip"), 0, ""); !strings.Contains(got, `"127.0.0.1`) {
		t.Errorf("got %s", got)
	}
	if got := run(t, curl("-o", "/dev/null", "-w", "%{http_code}", "http://"+plain+"/nowhere"), 0, ""); got != "404" {
		t.Errorf("got %s", got)
	}
	if got := run(t, curl("-X", "POST", "-o", "/dev/null", "-w", "%{http_code}", "http://"+plain+"/"), 0, ""); got == "200" {
		t.Errorf("POST /: %s", got)
	}
}

// Half a request, a header or a body without end, plain text where TLS is due,
// and clients that stay: none disturbs the other clients, or the server's
// shutdown.
func TestWebFaults(t *testing.T) {
	t.Parallel()
	stay(t)
	plain, secure := startWeb(t)
	dial := func(address, text string) net.Conn {
		conn := dial(t, address)
		io.WriteString(conn, text)
		return conn
	}
	dial(plain, "GET / HTT")
	dial(secure, "")
	dial(plain, "GET /drip?duration=10&numbytes=10 HTTP/1.1\r\nHost: x\r\n\r\n")
	for address, requests := range map[string][]string{
		plain: {
			"GET / HTTP/1.1\r\nHost: x\r\nX: " + strings.Repeat("x", 100<<10) + "\r\n\r\n",
			"POST /post HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n" + strings.Repeat("x", 2<<20),
			"nonsense\r\n\r\n",
		},
		secure: {"GET / HTTP/1.1\r\nHost: x\r\n\r\n"},
	} {
		for _, request := range requests {
			answer, err := http.ReadResponse(bufio.NewReader(dial(address, request)), nil)
			if err == nil && (answer.StatusCode < 400 || answer.StatusCode > 499) {
				t.Errorf("%.30q: %s", request, answer.Status)
			}
			if err == nil {
				answer.Body.Close()
			}
		}
	}
	answer, err := http.ReadResponse(bufio.NewReader(dial(plain, "GET / HTTP/1.0\r\n\r\n")), nil)
	if err != nil || answer.StatusCode != 200 {
		t.Error(answer, err)
	}
}
