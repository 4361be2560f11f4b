// Package timeline is shared by programs that draw a chart, in the terminal, of
// what happens between a server and its clients: a line for each client, and time
// from left to right.
package timeline

import (
	"bytes"
	"cmp"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"fopnp/internal/serve/child"
)

// Extend appends marks to a line until it has the given length.
func Extend(line []byte, length int, mark byte) []byte {
	for len(line) < length {
		line = append(line, mark)
	}
	return line
}

// Scale returns the line below the chart, up to the column end: a 0, and then the
// label that text returns for each multiple of every.
func Scale(end, every int, text func(column int) string) string {
	scale := "0"
	for at := every; at <= end; at += every {
		scale += strings.Repeat(" ", max(1, at-len(scale))) + text(at)
	}
	return scale
}

// Milliseconds returns d in ms, rounded to a multiple of unit.
func Milliseconds(d, unit time.Duration) float64 {
	return float64(d.Round(unit)) / float64(time.Millisecond)
}

// Start starts the server whose listing is in a folder, such as
// chapter07/srv_single, and returns the port of 127.0.0.1 where it listens. The
// server writes its errors to stderr. It ends with this program, except on
// systems where the caller has to call Kill: see child.Start.
func Start(
	folder string, stderr io.Writer, options ...string,
) (process *child.Process, port string, err error) {
	scratch, err := os.MkdirTemp("", "timeline")
	if err != nil {
		return nil, "", err
	}
	defer os.RemoveAll(scratch) // even if the server runs from there
	path, err := find(folder, scratch)
	if err != nil {
		return nil, "", err
	}
	cmd := exec.Command(path, append([]string{"127.0.0.1", "-p", "0"}, options...)...)
	cmd.Stderr = stderr
	if process, err = child.Start(cmd); err != nil {
		return nil, "", err
	}
	if port, err = process.Ready(); err != nil {
		process.Kill()
	}
	return process, port, err
}

// find returns the path of a listing's program. If it is not in the same folder
// as this program, find builds it in scratch.
func find(folder, scratch string) (string, error) {
	name := filepath.Base(folder)
	if runtime.GOOS == "windows" {
		name += ".exe"
	}
	if self, err := os.Executable(); err == nil {
		beside := filepath.Join(filepath.Dir(self), name)
		if _, err := os.Stat(beside); err == nil {
			return beside, nil
		}
	}
	built := filepath.Join(scratch, name)
	build := exec.Command("go", "build", "-o", built, "fopnp/"+folder)
	if said, err := build.CombinedOutput(); err != nil {
		why := cmp.Or(string(bytes.TrimSpace(said)), err.Error())
		return "", fmt.Errorf("go build: %s", why)
	}
	return built, nil
}
