//go:build unix

package program

import (
	"fmt"
	"os"
	"os/exec"
	"regexp"
	"syscall"
	"testing"
	"time"

	"fopnp/internal/check/progtest"
)

// If this variable is set, the test binary is the program that the test starts.
const isProgram = "PROGRAM_TEST_PROGRAM"

// A program whose main function never returns exits with status 0 within a
// second of the signal. On a busy machine, the test may notice that late, so one
// run in time is enough: a program that takes too long does so every time.
func TestStopInTime(t *testing.T) {
	if os.Getenv(isProgram) != "" {
		StopOnSignal()
		fmt.Println("ready")
		select {}
	}
	t.Parallel()
	const bound = 1500 * time.Millisecond
	for giveUp := time.Now().Add(progtest.Patience); ; {
		cmd := exec.Command(os.Args[0], "-test.run=^TestStopInTime$")
		cmd.Env = append(os.Environ(), isProgram+"=1", "GORACE=atexit_sleep_ms=0")
		program, err := progtest.Launch(cmd)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := program.WaitFor(regexp.MustCompile("ready\n")); err != nil {
			program.Kill()
			t.Fatal(err)
		}
		signalled := time.Now()
		if err := program.Stop(syscall.SIGTERM); err != nil {
			t.Fatal(err)
		}
		took := time.Since(signalled)
		if took < bound {
			return
		}
		if time.Now().After(giveUp) {
			t.Fatalf("the program took %v to stop", took)
		}
	}
}
