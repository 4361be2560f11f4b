package lecture23

import (
	"io"
	"os"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Progress returns a writer that shows on stderr how many bytes of a page were
// written to it, if stderr is a terminal. The length of the page is -1 if it is
// not known. Close ends the line of the terminal.
func Progress(length int64) io.WriteCloser {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return hidden{io.Discard}
	}
	return &bar{progressbar.DefaultBytes(length), length}
}

type hidden struct{ io.Writer }

func (hidden) Close() error { return nil }

// A bar is a progress bar. Its own faults harm no download, so it never returns
// an error.
type bar struct {
	shown  *progressbar.ProgressBar
	length int64
}

func (b *bar) Write(data []byte) (int, error) {
	b.shown.Write(data)
	return len(data), nil
}

func (b *bar) Close() error {
	switch {
	case b.shown.IsFinished():
	case b.length < 0:
		b.shown.Finish() // and show how long the page was
	default:
		b.shown.Exit() // the page was cut short
	}
	return nil
}
