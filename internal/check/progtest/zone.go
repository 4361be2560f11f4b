package progtest

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Zone returns the setting of TZ that gives a program the time zone offset east
// of UTC. It needs no database of time zones. On Windows, programs do not look
// at TZ.
//
// Source: RFC 9636
func Zone(t testing.TB, offset time.Duration) string {
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
