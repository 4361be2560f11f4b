package chapter07

import (
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"runtime"
	"strconv"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"fopnp/chapter07/internal/zenbench"
	"fopnp/chapter07/internal/zenload"
	"fopnp/chapter07/zen_utils"
)

// The chapter says what srv_single and srv_threaded would cost if they waited
// in another way. We measured these variants to find out. The test binary runs
// as a variant if its name is one of zenbench.Variants. Variants log nothing,
// have no limits and do not stop cleanly.
//
//	single_blocking, threaded_blocking   read from a blocking descriptor with
//	                                     package os: the thread waits, and Go's
//	                                     scheduler knows that
//	single_raw                           does the same, but the scheduler does
//	                                     not know

// variant serves until it is killed if this program has a variant's name.
// Otherwise it returns.
func variant() {
	name := filepath.Base(os.Args[0])
	workers, ok := map[string]int{"single_blocking": 1, "threaded_blocking": 4, "single_raw": 1}[name]
	if !ok {
		return
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Printf("Listening at ('127.0.0.1', %d)\n", listener.Addr().(*net.TCPAddr).Port)
	receive := (*os.File).Read
	if name == "single_raw" {
		receive = readRaw
	}
	for range workers - 1 {
		go acceptForever(listener, receive)
	}
	acceptForever(listener, receive)
}

func acceptForever(listener net.Listener, receive func(*os.File, []byte) (int, error)) {
	for {
		conn, err := listener.Accept()
		if err != nil {
			panic(err)
		}
		sock, err := conn.(*net.TCPConn).File()
		conn.Close()
		if err != nil {
			panic(err)
		}
		sock.Fd() // makes it blocking
		converse(sock, receive)
		sock.Close()
	}
}

// collect is the question that makes a variant collect its garbage. The answer
// is a number: how many µs that took.
const collect = "Collect?"

func converse(sock *os.File, receive func(*os.File, []byte) (int, error)) {
	buffer := make([]byte, 512)
	for {
		n, err := receive(sock, buffer)
		if n == 0 || err != nil {
			return
		}
		answer := zen_utils.GetAnswer(buffer[:n])
		if string(buffer[:n]) == collect {
			began := time.Now()
			go func() {
				runtime.GC()
				fmt.Fprintf(sock, "%d.", time.Since(began).Microseconds())
			}()
			continue
		}
		if _, err := sock.WriteString(answer); err != nil {
			return
		}
	}
}

// readRaw waits in a system call that Go's scheduler does not know about.
func readRaw(sock *os.File, buffer []byte) (int, error) {
	for {
		n, _, errno := unix.RawSyscall(unix.SYS_READ, sock.Fd(),
			uintptr(unsafe.Pointer(unsafe.SliceData(buffer))), uintptr(len(buffer)))
		switch errno {
		case 0:
			return int(n), nil
		case unix.EINTR:
		default:
			return 0, errno
		}
	}
}

// pause makes a variant collect its garbage while its client is silent for a
// second, and returns how long that took, in µs.
func pause(bin, name string) (sample zenbench.Sample, err error) {
	sample = zenbench.Sample{Workload: "collect", Clients: 1, Server: name, Values: map[string]float64{}}
	port, stop, err := zenload.Run(bin, name)
	if err != nil {
		return sample, err
	}
	defer stop()
	conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
	if err != nil {
		return sample, err
	}
	defer conn.Close()
	if _, err := io.WriteString(conn, collect); err != nil {
		return sample, err
	}
	<-time.After(time.Second) // the silence that is measured
	conn.SetReadDeadline(time.Now().Add(10 * time.Second))
	number := regexp.MustCompile(`(\d+)\.`)
	heard := make([]byte, 64)
	for {
		// A collection stops the world more than once, so one question may
		// not be enough to end it.
		if _, err := io.WriteString(conn, "Simple is better than?"); err != nil {
			return sample, err
		}
		n, err := conn.Read(heard)
		if err != nil {
			return sample, err
		}
		if found := number.FindSubmatch(heard[:n]); found != nil {
			sample.Values[zenbench.Pause], err = strconv.ParseFloat(string(found[1]), 64)
			return sample, err
		}
	}
}
