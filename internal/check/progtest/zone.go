package progtest

import (
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"
)

// StartInZone is MustStart with -p 0 for a program whose time zone is offset east
// of UTC. It needs no database of time zones. It skips the test on Windows, where
// programs do not look at TZ.
func StartInZone(t testing.TB, offset time.Duration, name string) *Server {
	t.Helper()
	if runtime.GOOS == "windows" {
		t.Skip("the time zone is not in the environment")
	}
	cmd := exec.Command(filepath.Join(Bin(), name), "-p", "0")
	cmd.Env = append(cmd.Environ(), zone(t, offset))
	server, err := Start(cmd)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { server.Kill() })
	return server
}

// zone returns the setting of TZ for a time zone.
//
// Source: RFC 9636
func zone(t testing.TB, offset time.Duration) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "zone")
	data := append([]byte("TZif"), make([]byte, 16)...)
	for _, count := range []uint32{0, 0, 0, 0, 1, 4} { // a local time type, 4 bytes of names
		data = binary.BigEndian.AppendUint32(data, count)
	}
	data = binary.BigEndian.AppendUint32(data, uint32(int32(offset/time.Second)))
	data = append(data, 0, 0, 'X', 'Y', 'Z', 0)
	if err := os.WriteFile(file, data, 0o666); err != nil {
		t.Fatal(err)
	}
	return "TZ=" + file
}
