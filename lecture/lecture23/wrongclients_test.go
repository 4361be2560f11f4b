//go:build unix || windows

package lecture23_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"fopnp/internal/py/pyfmt"
)

// The checks of the web clients must reject a client that is correct but for one
// defect. This client is written independently of webclient. The test binary
// runs again as that client, with the defect in this variable.
const wrongVariable = "FOPNP_WRONG_CLIENT"

func init() {
	if defect, ok := os.LookupEnv(wrongVariable); ok {
		os.Exit(wrongMain(defect, os.Args[1], os.Args[2:]))
	}
}

// defects names, for each defect, the check that must find it.
var defects = map[string]string{
	"writes in place":            "cut short",
	"leaves the other file":      "cut short",
	"leaves an empty file":       "no old file, no page",
	"follows links":              "link",
	"follows links to nothing":   "link to nothing",
	"removes the old file":       "link, no page",
	"header in one piece":        "a byte at a time",
	"one spelling":               "small letters",
	"names by their end":         "other names",
	"needs a length":             "no length",
	"waits for the end":          "open connection",
	"waits for a first byte":     "open connection, empty page",
	"takes all that comes":       "more than its length",
	"a page may be cut short":    "cut short",
	"a page may be reset":        "reset, no length",
	"page of text":               "every byte",
	"saves any status":           "404",
	"saves any status of 200":    "206",
	"does not name the Location": "redirect",
	"negative is no length":      `length "-5"`,
	"number with a rest":         `length "5x"`,
	"wraps":                      "overflow",
	"the last length":            "two lengths",
	"the only length":            "the same length twice",
	"header without a limit":     "header without end",
	"header of 1024 bytes":       "longest header",
	"page without a limit":       "too long, no length",
	"limit is too small":         "the longest page",
	"believes in no limit":       "page without end",
	"shows escapes":              "escapes in the reason",
	"shows escapes in fields":    "escapes in the Location",
	"status 0":                   "404",
	"two lines":                  "404",
	"done in any case":           "404",
	"silence in the header":      "silence in the header",
	"silence in the page":        "silence in the page",
	"sends the fragment":         "query and fragment",
	"sends spaces":               "spaces",
	"no query":                   "no path, but a query",
	"no path":                    "no path",
	"no Host":                    "exact request",
	"HTTP/1.1":                   "exact request",
	"no header":                  "no header",
	"half a header":              "half a header",
	"nothing is a page":          "nothing",
	"chunks are the page":        "chunks",
	"prints the page":            "escapes in the reason",
}

func wrongClient(defect string, patience time.Duration) webClient {
	return webClient{name: "wrong", words: "[^\n]+", patience: patience, command: func(args ...string) *exec.Cmd {
		cmd := exec.Command(os.Args[0], args...)
		cmd.Env = append(os.Environ(), wrongVariable+"="+defect)
		return cmd
	}}
}

// Without a defect, the client passes all checks. With one, it fails the check
// that looks for it.
func TestWrongClients(t *testing.T) {
	t.Parallel()
	byName := map[string]check{}
	for _, check := range checks {
		byName[check.name] = check
		t.Run("no defect/"+check.name, func(t *testing.T) {
			t.Parallel()
			if err := check.run(t, wrongClient("", clientOf("").patience)); err != nil {
				t.Error(err)
			}
		})
	}
	for defect, name := range defects {
		t.Run(defect, func(t *testing.T) {
			t.Parallel()
			check, there := byName[name]
			if !there {
				t.Fatalf("there is no check %s", name)
			}
			err := check.run(t, wrongClient(defect, 2*time.Second))
			if err == nil {
				t.Errorf("%s accepts the client", name)
			}
			t.Log(err)
		})
	}
	for _, part := range slowParts {
		t.Run("limits the whole "+part.name, func(t *testing.T) {
			t.Parallel()
			if err := part.check(t, wrongClient("", clientOf("").patience)); err != nil {
				t.Error(err)
			}
			if err := part.check(t, wrongClient("limits the whole "+part.name, clientOf("").patience)); err == nil {
				t.Error("the check accepts the client")
			}
		})
	}
}

// wrongMain is the main function of the client. It returns the status.
func wrongMain(defect, url string, args []string) int {
	w := &faulty{defect: defect, most: 100_000_000, file: args[1]}
	for i := 2; i < len(args); i += 2 {
		switch args[i] {
		case "-t":
			w.timeout, _ = time.ParseDuration(args[i+1])
		case "-m":
			w.most, _ = strconv.Atoi(args[i+1])
		}
	}
	err := w.download(url)
	if err == nil || defect == "done in any case" {
		fmt.Println("\ndone")
	}
	if err == nil {
		return 0
	}
	why := pyfmt.Bare([]byte(err.Error()))
	if strings.HasPrefix(defect, "shows escapes") {
		why = err.Error()
	}
	fmt.Fprintf(os.Stderr, "wrong: no page from '%s': %s\n", url, why)
	switch defect {
	case "two lines":
		fmt.Fprintln(os.Stderr, "wrong: and that is that")
	case "prints the page":
		fmt.Println(err.Error())
	case "status 0":
		return 0
	}
	return 1
}

type faulty struct {
	defect, file string
	timeout      time.Duration
	most         int
	conn         net.Conn
}

func (w *faulty) has(defect string) bool { return w.defect == defect }

func (w *faulty) recv(buffer []byte, stage string) (int, error) {
	switch {
	case w.has("silence in the " + stage):
		w.conn.SetReadDeadline(time.Time{})
	case w.timeout > 0 && !w.has("limits the whole "+stage):
		w.conn.SetReadDeadline(time.Now().Add(w.timeout))
	}
	return w.conn.Read(buffer)
}

func (w *faulty) request(server, target string) string {
	if fragment := strings.IndexByte(target, '#'); fragment >= 0 && !w.has("sends the fragment") {
		target = target[:fragment]
	}
	if !strings.HasPrefix(target, "/") && !w.has("no path") {
		target = "/" + target
	}
	if w.has("no query") {
		target, _, _ = strings.Cut(target, "?")
	}
	if !w.has("sends spaces") {
		target = strings.NewReplacer(" ", "%20", "\u00e9", "%C3%A9").Replace(target)
	}
	version, host := "1.0", "Host: "+server+"\r\n"
	if w.has("HTTP/1.1") {
		version = "1.1"
	}
	if w.has("no Host") {
		host = ""
	}
	return "GET " + target + " HTTP/" + version + "\r\n" + host + "\r\n"
}

func (w *faulty) download(url string) error {
	if w.has("removes the old file") {
		os.Remove(w.file)
	}
	server := strings.TrimPrefix(url, "http://")
	target := ""
	if end := strings.IndexAny(server, "/?#"); end >= 0 {
		server, target = server[:end], server[end:]
	}
	var err error
	if w.conn, err = net.Dial("tcp", server); err != nil {
		return err
	}
	if w.has("limits the whole header") {
		w.conn.SetReadDeadline(time.Now().Add(w.timeout))
	}
	io.WriteString(w.conn, w.request(server, target))
	limit := 64 << 10
	switch w.defect {
	case "header of 1024 bytes":
		limit = 1024
	case "header without a limit":
		limit = 1 << 40
	}
	var raw []byte
	sep := -1
	for buffer := make([]byte, 32<<10); sep < 0 && err == nil; {
		var n int
		n, err = w.recv(buffer, "header")
		raw = append(raw, buffer[:n]...)
		if sep = bytes.Index(raw, []byte("\r\n\r\n")); sep+4 > limit || sep < 0 && len(raw) >= limit {
			return errors.New("long header")
		}
		if w.has("header in one piece") && sep < 0 {
			return errors.New("half a header")
		}
		if len(raw) > 1<<20 {
			raw = raw[:1<<10] // the defect must not fill the memory
		}
	}
	switch {
	case len(raw) == 0 && w.has("nothing is a page") && err == io.EOF:
		return w.save(nil, 0)
	case sep < 0 && w.has("half a header"):
		return w.save(nil, 0)
	case !bytes.HasPrefix(raw, []byte("HTTP/")) && w.has("no header"):
		return w.save(raw, len(raw))
	case sep < 0:
		return fmt.Errorf("no header: %w", err)
	}
	length, err := w.parse(string(raw[:sep]))
	if err != nil {
		return err
	}
	return w.save(raw[sep+4:], length)
}

// parse returns the length that a header gives, or -1.
func (w *faulty) parse(header string) (int, error) {
	lines := strings.Split(header, "\r\n")
	status := strings.SplitN(lines[0]+"  ", " ", 3)
	if !strings.HasPrefix(lines[0], "HTTP/") || len(status[1]) != 3 {
		return 0, errors.New("no header")
	}
	length, lengths, location, chunks := -1, 0, "", false
	for _, line := range lines[1:] {
		if strings.HasPrefix(line, " ") {
			continue
		}
		name, value, isField := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		if w.has("one spelling") && name != "Content-Length" {
			name = "another"
		}
		name = strings.ToLower(name)
		if w.has("names by their end") && strings.HasSuffix(name, "content-length") {
			name = "content-length"
		}
		switch {
		case !isField || strings.HasSuffix(name, " "):
			return 0, errors.New("bad line")
		case name == "location":
			location = value
		case name == "transfer-encoding":
			chunks = !w.has("chunks are the page")
		case name == "content-length":
			n, err := w.number(value)
			if lengths++; err != nil && strings.HasPrefix(status[1], "200") {
				return 0, err
			}
			if lengths > 1 && (n != length && !w.has("the last length") || w.has("the only length")) {
				return 0, errors.New("two lengths")
			}
			length = n
		}
	}
	isOK := status[1] == "200" || w.has("saves any status") || w.has("saves any status of 200") && status[1][0] == '2'
	switch {
	case !isOK && location != "" && w.has("shows escapes in fields"):
		return 0, errors.New(status[1] + location)
	case !isOK && location != "" && w.has("does not name the Location"):
		return 0, errors.New("")
	case !isOK:
		return 0, errors.New(strings.Join(status[1:], " ") + location)
	case chunks:
		return 0, errors.New("chunks")
	case length > w.most && !w.has("page without a limit"):
		return 0, errors.New("too long")
	case length < 0 && w.has("needs a length"):
		return 0, nil
	}
	return length, nil
}

func (w *faulty) number(text string) (int, error) {
	digits := strings.TrimLeft(text, "0123456789")
	switch {
	case w.has("negative is no length") && strings.HasPrefix(text, "-"):
		return -1, nil
	case w.has("number with a rest"):
		text = strings.TrimSuffix(text, digits)
	case digits != "" || text == "":
		return 0, errors.New("no number")
	case w.has("wraps") && len(text) > 19:
		var n uint64
		for _, digit := range text {
			n = n*10 + uint64(digit-'0')
		}
		return int(n), nil
	}
	return strconv.Atoi(text)
}

// save saves the page that begins with content.
func (w *faulty) save(content []byte, length int) (err error) {
	file, name := w.file, w.file+".part"
	if there, err := filepath.EvalSymlinks(file); err == nil && w.has("follows links") {
		file, name = there, there+".part"
	} else if to, err := os.Readlink(file); err == nil && w.has("follows links to nothing") {
		file = filepath.Join(filepath.Dir(file), to)
		name = file + ".part"
	}
	if w.has("writes in place") || w.has("leaves an empty file") {
		name = file
	}
	out, err := os.Create(name)
	if err != nil {
		return err
	}
	defer func() {
		out.Close()
		if err == nil {
			err = os.Rename(name, file)
		} else if name != file && !w.has("leaves the other file") {
			os.Remove(name)
		}
	}()
	buffer, read := make([]byte, 32<<10), 0
	if w.has("waits for a first byte") && len(content) == 0 {
		n, _ := w.recv(buffer, "page")
		content = bytes.Clone(buffer[:n])
	}
	for {
		if length >= 0 && !w.has("takes all that comes") {
			content = content[:min(len(content), length-read)]
		}
		read += len(content)
		if w.has("page of text") {
			content = bytes.ToValidUTF8(content, []byte("?"))
		}
		out.Write(content)
		switch {
		case read > w.most && !w.has("page without a limit") && !w.has("believes in no limit"),
			read == w.most && w.has("limit is too small"):
			return errors.New("too long")
		case read > 1<<20:
			out.Seek(0, io.SeekStart) // the defect must not fill the disk
		}
		if length >= 0 && read >= length && !w.has("waits for the end") && !w.has("takes all that comes") {
			return nil
		}
		n, errRead := w.recv(buffer, "page")
		content = buffer[:n]
		switch {
		case n > 0:
		case errRead == io.EOF && (length < 0 || read >= length || w.has("a page may be cut short")):
			return nil
		case w.has("a page may be reset"):
			return nil
		default:
			return errRead
		}
	}
}
