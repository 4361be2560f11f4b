package slides

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"fopnp/internal/serve/program"
)

var stdin = bufio.NewReader(os.Stdin)

// RawInput is Python 2's raw_input: it prints prompt, whether or not somebody
// sits at the terminal, and returns the line that is typed, less its end. The
// error is io.EOF if there is none, as after Ctrl-D; the line of the prompt is
// then ended, since nobody else has. If standard input cannot be read, the
// program ends with status 1.
func RawInput(prompt string) (string, error) {
	fmt.Print(prompt)
	line, err := stdin.ReadBytes('\n')
	if err != nil && err != io.EOF {
		program.Fail("read stdin", err)
	}
	if len(line) == 0 {
		fmt.Println()
		return "", io.EOF
	}
	return string(Chomp(line)), nil
}
