package lecture

import (
	"io"
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar returns a progress bar for a transfer of total bytes, or of -1 if the
// total is unknown. Do not count bytes that an earlier transfer has left: the
// bar would count them in this transfer's speed. The bar counts the bytes that
// are written to it. It appears on stderr if that is a terminal, and shows
// nothing otherwise. Close clears its line for what is printed next, whether
// the transfer is complete or not.
func Bar(total int64) io.WriteCloser {
	b := bar{progressbar.NewOptions64(total,
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())}
	b.shown.Add64(0) // it appears at once
	return b
}

// A bar never returns an error, because a fault of the display must not break
// the transfer.
type bar struct{ shown *progressbar.ProgressBar }

func (b bar) Write(data []byte) (int, error) {
	b.shown.Write(data)
	return len(data), nil
}

func (b bar) Close() error {
	b.shown.Finish()
	return nil
}
