// Package filetest is the conformance suite of file servers: what package
// conform needs to know about the protocol, and the checks that only this
// protocol has.
package filetest

import (
	"crypto/sha256"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

const (
	name    = "mytext.txt"
	text    = "Hello, world\n"
	secret  = "nothing of this may leave\n"
	request = "0 " + name + "\n"
)

// Run puts a file server through all checks that there are.
func Run(t *testing.T, program string) {
	f := newFolder(t)
	conform.Run(t, f.server(program, progtest.Bin()), slices.Concat(conform.Checks, f.checks()))
}

// server returns the row of a file server. Its program is in the folder bin.
func (f *folder) server(program, bin string) conform.Server {
	return conform.Server{
		Name: program,
		Lines: conform.Lines{
			Accepted: "Got connection from ADDR",
			Half:     program + ": client ADDR: received BYTES then socket closed",
			Error:    program + ": client ADDR: WHY",
			Others:   []string{`Server listening\.\.\.\.`, `\('Server received', ['"].*['"]\)`, "Done sending"},
		},
		Protocol: conform.Protocol{
			Exchange:   conform.Exchange{Ask: request, Hear: conform.Answer(answer(text, 0))},
			Unfinished: "0 my",
			Once:       true,
		},
		Quiet: true,
		Command: func(args ...string) *exec.Cmd {
			return exec.Command(filepath.Join(bin, program), append(args, "-root", f.dir)...)
		},
	}
}

// answer returns what a server sends of a file from an offset on.
func answer(data string, offset int) string {
	return header(data) + data[offset:]
}

func header(data string) string {
	return fmt.Sprintf("%d %x\n", len(data), sha256.Sum256([]byte(data)))
}

// A folder holds the files that a server sends. Beside the folder is a file
// that the server must not send.
type folder struct{ dir, secret string }

func newFolder(t *testing.T) *folder {
	t.Helper()
	parent := t.TempDir()
	f := &folder{filepath.Join(parent, "served"), filepath.Join(parent, "secret")}
	for path, data := range map[string]string{
		f.secret:                          secret,
		f.at(name):                        text,
		f.at("empty"):                     "",
		f.at("a name with blanks "):       text,
		f.at("Übergröße"):                 text,
		f.at("folder/inner/file"):         text,
		f.at("..file"):                    text,
		filepath.Join(parent, "out/file"): secret,
	} {
		if err := os.MkdirAll(filepath.Dir(path), 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(data), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	return f
}

// at returns the path of a file that the server knows by name.
func (f *folder) at(name string) string { return filepath.Join(f.dir, name) }

// write writes a file.
func (f *folder) write(t *conform.Trial, name, data string) {
	if err := os.WriteFile(f.at(name), []byte(data), 0o666); err != nil {
		t.Fail(err)
	}
}

// truncate makes a file as long as size, and creates it if need be.
func (f *folder) truncate(t *conform.Trial, name string, size int64) {
	file, err := os.OpenFile(f.at(name), os.O_WRONLY|os.O_CREATE, 0o666)
	if err == nil {
		err = file.Truncate(size)
		file.Close()
	}
	if err != nil {
		t.Fail(err)
	}
}

// gets lets a new client ask for data from an offset on.
func gets(t *conform.Trial, name, data string, offset int) {
	c := t.Connect()
	c.Send(fmt.Sprintf("%d %s\n", offset, name))
	c.Expect(answer(data, offset))
	c.Leave()
}

// refused lets a new client send a line, to which the server must reply with
// the reason why it sends no file.
func refused(t *conform.Trial, line string) {
	c := t.Connect()
	c.Send(line)
	reply, err := c.Rest()
	why, isError := strings.CutPrefix(reply, "error: ")
	why, isLine := strings.CutSuffix(why, "\n")
	if !t.Failed() && (err != nil || !isError || !isLine || why == "" || strings.ContainsFunc(why, isControl)) {
		t.Failf("to %q the server replies %.200q (%v), want an error", line, reply, err)
	}
	c.Close()
	c.ExpectEnding(t.Error)
}

func isControl(r rune) bool { return r < ' ' || r == 0x7f || 0x80 <= r && r < 0xa0 }
