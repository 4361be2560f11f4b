package lecture

import (
	"os"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"
)

// Bar returns a progress bar for a transfer of total bytes, of which done are
// there already. A total of -1 is unknown. The bar counts the bytes that are
// written to it. It stands on stderr, if that is a terminal, and otherwise it
// shows nothing. Call Clear when the transfer ends, in whatever way: this frees
// the line for what is printed next.
func Bar(total, done int64) *progressbar.ProgressBar {
	bar := progressbar.NewOptions64(total,
		progressbar.OptionSetVisibility(term.IsTerminal(int(os.Stderr.Fd()))),
		progressbar.OptionSetWriter(os.Stderr),
		progressbar.OptionShowBytes(true),
		progressbar.OptionShowCount(),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionClearOnFinish())
	bar.Add64(done)
	return bar
}
