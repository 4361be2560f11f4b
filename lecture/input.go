package lecture

import (
	"bufio"
	"fmt"
	"io"
	"os"

	"fopnp/internal/serve/program"
)

var stdin = bufio.NewReader(os.Stdin)

// Input is Python's input without a prompt. It returns the next line of the
// input without its end. At the end of the input, such as after Ctrl-D, the
// error is io.EOF. If the input cannot be read, the program ends with status 1.
func Input() (string, error) {
	line, err := stdin.ReadBytes('\n')
	if err != nil && err != io.EOF {
		program.Fail("read stdin", err)
	}
	if len(line) == 0 {
		return "", io.EOF
	}
	return string(Chomp(line)), nil
}

// RawInput is Python 2's raw_input. It prints prompt, even if the input is not
// a terminal, and returns what Input returns. At the end of the input, RawInput
// also ends the line of the prompt, because the user typed no line end.
func RawInput(prompt string) (string, error) {
	fmt.Print(prompt)
	line, err := Input()
	if err == io.EOF {
		fmt.Println()
	}
	return line, err
}
