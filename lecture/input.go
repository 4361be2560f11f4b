package lecture

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"fopnp/internal/serve/program"
)

var stdin = bufio.NewReader(os.Stdin)

// RawInput is Python 2's raw_input. It prints prompt, even if the input is not
// a terminal, and returns the next line of the input without its end. At the
// end of the input, such as after Ctrl-D, the error is io.EOF. RawInput then
// also ends the line of the prompt, because the user typed no line end. If the
// input cannot be read, the program ends with status 1.
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
