package socket

import (
	"bytes"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// connected returns both ends of a TCP connection. Ours is the accepted end.
func connected(t *testing.T) (ours *Conversation, theirs *net.TCPConn) {
	t.Helper()
	listener, err := Listen(Address{Host: "127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	peer, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { peer.Close() })
	peer.SetDeadline(time.Now().Add(30 * time.Second))
	if ours, err = listener.Accept(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { ours.Close() })
	return ours, peer.(*net.TCPConn)
}

// fileOf returns an open file with n random bytes, and the bytes.
func fileOf(t *testing.T, n int) (*os.File, []byte) {
	t.Helper()
	data := make([]byte, n)
	rand.NewChaCha8([32]byte{byte(n)}).Read(data)
	name := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(name, data, 0o666); err != nil {
		t.Fatal(err)
	}
	file, err := os.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { file.Close() })
	return file, data
}

// The header and the file arrive, whatever the size of the file, and no more of
// it than was asked for.
func TestSendFile(t *testing.T) {
	for _, n := range []int{0, 1, smallFile, smallFile + 1, filePiece, filePiece + 1, 3*filePiece + 17} {
		for _, extra := range []int{0, 1000} {
			file, data := fileOf(t, n+extra)
			ours, theirs := connected(t)
			sent := make(chan error)
			go func() {
				err := ours.SendFile([]byte("header\n"), file, int64(n))
				ours.Close()
				sent <- err
			}()
			got, err := io.ReadAll(theirs)
			theirs.Close()
			if want := append([]byte("header\n"), data[:n]...); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%d of %d bytes: %d arrived, or wrong ones, and %v", n, n+extra, len(got), err)
			}
			if err := <-sent; err != nil {
				t.Errorf("%d of %d bytes: %v", n, n+extra, err)
			}
		}
	}
}

// If a file has become shorter, the bytes that it still has arrive, and the
// error says how many they are.
func TestSendShorterFile(t *testing.T) {
	for n, want := range map[int]string{
		0:             "the file ended after 0 of 100 bytes",
		7:             "the file ended after 7 of 100 bytes",
		filePiece + 1: "the file ended after 262145 of 1000000 bytes",
	} {
		announced := int64(100)
		if n > 100 {
			announced = 1_000_000
		}
		file, data := fileOf(t, n)
		ours, theirs := connected(t)
		sent := make(chan error)
		go func() {
			err := ours.SendFile(nil, file, announced)
			ours.Close()
			sent <- err
		}()
		got, err := io.ReadAll(theirs)
		theirs.Close()
		if err != nil || !bytes.Equal(got, data) {
			t.Errorf("%d of %d bytes arrived, or wrong ones, and %v", len(got), n, err)
		}
		if err := <-sent; err == nil || err.Error() != want {
			t.Errorf("the error is %v, want %s", err, want)
		}
	}
}

// The peer's timeout begins anew for each piece.
func TestSendFileStartsClock(t *testing.T) {
	file, data := fileOf(t, 2*filePiece)
	ours, theirs := net.Pipe()
	defer theirs.Close()
	c := Converse(ours)
	defer c.Close()
	c.SetTimeout(time.Hour)
	sent := make(chan error)
	go func() { sent <- c.SendFile(nil, file, int64(len(data))) }()
	if _, err := io.ReadFull(theirs, make([]byte, filePiece-1)); err != nil {
		t.Fatal(err)
	}
	over := conversations.now.Load() - 1
	c.until.Store(over)
	if _, err := io.ReadFull(theirs, make([]byte, 2)); err != nil {
		t.Fatal(err)
	}
	if c.until.Load() == over {
		t.Error("the second piece has begun, and the clock was not started")
	}
	io.ReadFull(theirs, make([]byte, filePiece-1))
	if err := <-sent; err != nil {
		t.Error(err)
	}
}

// A peer that takes nothing has only as long as its timeout.
func TestSendFileToSilentPeer(t *testing.T) {
	file, data := fileOf(t, 16<<20)
	ours, theirs := connected(t)
	theirs.SetReadBuffer(4 << 10)
	ours.SetTimeout(100 * time.Millisecond)
	err := ours.SendFile(nil, file, int64(len(data)))
	if err == nil || !strings.HasPrefix(err.Error(), "timed out after we sent ") {
		t.Errorf("the peer takes nothing, and the error is %v", err)
	}
}
