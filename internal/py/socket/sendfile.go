package socket

import (
	"fmt"
	"io"
	"os"

	"fopnp/internal/serve/program"
)

const (
	// filePiece is how many bytes of a file SendFile sends before the peer's
	// timeout begins anew.
	filePiece = 256 << 10

	// smallFile is the size up to which SendFile sends header and file in one
	// write. For so few bytes, reading and writing costs less than sendfile(2).
	smallFile = 8 << 10
)

// SendFile sends header and then the next count bytes of file. If it can, the
// system copies a large file by itself, with sendfile(2), so the memory needed
// does not grow with the file. The peer's timeout begins anew for every 256 KiB
// (see SetTimeout). If the file has more than count bytes, the rest is not
// sent.
//
// An error says how many bytes of the file were sent, and why no more: for
// example, the file may have become shorter.
func (c *Conversation) SendFile(
	header []byte, file *os.File, count int64,
) error {
	if count <= smallFile {
		return c.sendSmallFile(header, file, int(count))
	}
	sent := int64(0)
	_, err := c.Write(header)
	for err == nil && sent < count {
		var n int64
		c.StartClock()
		c.writing.Store(true)
		n, err = io.CopyN(c.Conn, file, min(filePiece, count-sent))
		c.writing.Store(false)
		if sent += n; err != io.EOF { // the end of the file
			err = c.because(err)
		}
	}
	if err != nil {
		return fileError(err, sent, count)
	}
	return nil
}

func (c *Conversation) sendSmallFile(
	header []byte, file *os.File, count int,
) error {
	data := append(make([]byte, 0, len(header)+count), header...)
	n, err := io.ReadFull(file, data[len(header):cap(data)])
	if err == io.ErrUnexpectedEOF {
		err = io.EOF // the file has become shorter
	}
	sent, unsent := c.Write(data[:len(header)+n])
	if unsent != nil {
		err = unsent
	}
	if err != nil {
		return fileError(err, int64(max(0, sent-len(header))), int64(count))
	}
	return nil
}

// fileError returns the error for a file of which only sent of count bytes were
// sent, because of why.
func fileError(why error, sent, count int64) error {
	if why == io.EOF {
		return fmt.Errorf("the file ended after %d of %d bytes", sent, count)
	}
	return fmt.Errorf("%s after we sent %d of %d bytes",
		program.Why(why), sent, count)
}
