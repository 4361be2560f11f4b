package pyfmt_test

import (
	"bufio"
	"fmt"
	"io"
	"math/rand/v2"
	"net/netip"
	"os"
	"os/exec"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"fopnp/internal/check/progtest"
	"fopnp/internal/py/pyfmt"
)

// helper is the program that Python runs. Its first line of output names the C
// library. Then it reads lines of a kind and a value in hex, and answers each
// with one line: the repr of the bytes, of the str or of the IPv6 address.
// Before the repr of a str comes a dot for each character that this Python's
// Unicode knows, and a question mark for each of the others.
const helper = `
import platform, socket, sys, unicodedata

def answer(kind, data):
    if kind == 'bytes':
        return repr(data)
    if kind == 'str':
        text = data.decode('utf-8', 'surrogateescape')
        unknown = [unicodedata.category(c) == 'Cn' for c in text]
        return ''.join('.?'[u] for u in unknown) + ' ' + repr(text)
    if kind == 'inet6':
        host = socket.inet_ntop(socket.AF_INET6, data)
        return repr((host, 1060, 0, 0))

sys.stdout.reconfigure(encoding='utf-8', newline='\n')
print(platform.libc_ver()[0], flush=True)
for line in sys.stdin:
    kind, _, data = line.strip().partition(' ')
    print(answer(kind, bytes.fromhex(data)), flush=True)
`

// python is a Python process that runs helper.
type python struct {
	in   io.Writer
	out  *bufio.Reader
	libc string
}

// startPython starts a Python that runs helper until the test ends. It returns
// nil if there is no python3.
func startPython(tb testing.TB) *python {
	tb.Helper()
	if exec.Command("python3", "-c", "pass").Run() != nil {
		return nil // not installed, or a stub that offers to install it
	}
	cmd := exec.Command("python3", "-I", "-c", helper)
	cmd.Stderr = os.Stderr
	in, err := cmd.StdinPipe()
	if err != nil {
		tb.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		tb.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		in.Close() // ends the helper's loop, and with it the helper
		if err := cmd.Wait(); err != nil {
			tb.Errorf("python3: %v", err)
		}
	})
	p := &python{in: in, out: bufio.NewReader(out)}
	p.libc = p.readLine(tb)
	return p
}

// ask sends one line to the helper and returns its answer.
func (p *python) ask(tb testing.TB, kind string, data []byte) string {
	tb.Helper()
	if _, err := fmt.Fprintf(p.in, "%s %x\n", kind, data); err != nil {
		tb.Fatalf("write to python3: %v", err)
	}
	return p.readLine(tb)
}

func (p *python) readLine(tb testing.TB) string {
	tb.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		tb.Fatalf("read from python3: %v", err)
	}
	return strings.TrimSuffix(line, "\n")
}

// checkBytes compares Bytes with Python.
func (p *python) checkBytes(tb testing.TB, b []byte) {
	tb.Helper()
	got, want := pyfmt.Bytes(b), p.ask(tb, "bytes", b)
	if got != want {
		tb.Errorf("Bytes(%q) = %s, but Python prints %s", b, got, want)
	}
}

// checkStr compares Str with Python. It returns false if it cannot, because
// only one of the two versions of Unicode knows some character of s.
func (p *python) checkStr(tb testing.TB, s string) bool {
	tb.Helper()
	known, want, _ := strings.Cut(p.ask(tb, "str", []byte(s)), " ")
	if known != knownHere(s) {
		return false
	}
	if got := pyfmt.Str(s); got != want {
		tb.Errorf("Str(%q) = %s, but Python prints %s", s, got, want)
	}
	return true
}

// knownHere returns the dots and question marks according to Go's version of
// Unicode.
func knownHere(s string) string {
	return strings.Map(func(r rune) rune {
		if unicode.Is(unicode.Cn, r) {
			return '?'
		}
		return '.' // also for each byte that is not UTF-8, as in Python
	}, s)
}

// TestAgainstPython compares the results with what Python itself prints.
func TestAgainstPython(t *testing.T) {
	py := startPython(t)
	if py == nil {
		t.Skip("python3 does not run here, so there is nothing to compare with")
	}
	random := rand.New(rand.NewPCG(7, 1060))

	t.Run("samples", func(t *testing.T) {
		for _, s := range samples {
			py.checkBytes(t, []byte(s))
			py.checkStr(t, s)
		}
	})

	// There are so few different pieces that quotes often meet, and that UTF-8
	// sequences are often cut short, or completed by chance.
	t.Run("random texts", func(t *testing.T) {
		pieces := []string{
			`'`, `"`, `\`, "\t", "\n", "\r", "\x00", "\x1b", "\x7f", " ", "x",
			"é", "\u00a0", "\u00ad", "\u0301", "禅", "\u2028", "\ufffd",
			"\ufffe", "😀", "\U000e0001", "\U0010ffff",
			"\x80", "\xbf", "\xc3", "\xe2", "\xe2\x82", "\xed\xa0\x80", "\xf0",
			"\xf0\x9f", "\xff",
		}
		for range 4000 {
			var s string
			for range random.IntN(8) {
				s += pieces[random.IntN(len(pieces))]
			}
			py.checkBytes(t, []byte(s))
			py.checkStr(t, s)
		}
	})

	t.Run("random bytes", func(t *testing.T) {
		for range 4000 {
			b := make([]byte, random.IntN(12))
			for i := range b {
				b[i] = byte(random.Uint32())
			}
			py.checkBytes(t, b)
			py.checkStr(t, string(b))
		}
	})

	// The rows are short, because a character that only one side knows keeps
	// its whole row from being compared.
	t.Run("code points", func(t *testing.T) {
		const row = 128
		step := rune(row)
		if progtest.Race {
			step *= 17 // one row in 17 is enough, because nothing here can race
		}
		compared, skipped := 0, 0
		for first := rune(0); first <= unicode.MaxRune; first += step {
			var s strings.Builder
			for r := first; r < first+row; r++ {
				if utf8.ValidRune(r) {
					s.WriteRune(r)
				}
			}
			if py.checkStr(t, s.String()) {
				compared++
			} else {
				skipped++
			}
		}
		if skipped > compared/10 {
			t.Errorf("compared %d rows but skipped %d", compared, skipped)
		}
		t.Logf("compared %d rows of %d code points and skipped %d, "+
			"in which only Python or only Unicode %s knows some character",
			compared, row, skipped, unicode.Version)
	})

	// Every way to place zeros among the eight groups, with several values in
	// the other groups.
	t.Run("IPv6", func(t *testing.T) {
		if py.libc != "glibc" {
			t.Skipf("python3 uses the inet_ntop of %q, not of glibc", py.libc)
		}
		for zeros := range 1 << 8 {
			for range 24 {
				var ip [16]byte
				for i := range 8 {
					if zeros>>i&1 == 1 {
						continue
					}
					groups := []uint32{1, 0xff, 0x100, 0xffff, random.Uint32()}
					group := groups[random.IntN(len(groups))]
					ip[2*i], ip[2*i+1] = byte(group>>8), byte(group)
				}
				addr := netip.AddrFrom16(ip)
				if addr.Is4In6() {
					continue // we print the IPv4 pair on purpose
				}
				got := pyfmt.AddrPort(netip.AddrPortFrom(addr, 1060))
				if want := py.ask(t, "inet6", ip[:]); got != want {
					t.Errorf("AddrPort of %x = %s, but Python prints %s",
						ip, got, want)
				}
			}
		}
	})
}
