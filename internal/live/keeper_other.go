//go:build !unix

package live

import (
	"errors"
	"os"
	"os/exec"
)

const keeperSupported = false

func keeperMain() {}

func self() string { return "" }

func startShared(*exec.Cmd) error { return errors.ErrUnsupported }

func (k *keeperState) start(order) (int, error) { return 0, errors.ErrUnsupported }

func signalGroup(int, int) {}

func processRuns(int) bool { return false }

func openTerminal() (ours, theirs *os.File, err error) { return nil, nil, errors.ErrUnsupported }

func setSize(*os.File, int, int) error { return errors.ErrUnsupported }
