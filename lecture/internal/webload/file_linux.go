package webload

import (
	"crypto/sha256"
	"encoding/hex"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// A File is what clients ask for.
type File struct {
	Name string
	Size int64

	text   []byte // of a small file; nil: the file is large, and all zeros
	length string // Size in decimal
	sum    string // the SHA-256, in hexadecimal
}

// largeFile is the least size of a large file.
const largeFile = 64 << 10

// NewFile makes a file in a folder. A large one takes no room on the disk.
// Afterwards, all of it is in the system's page cache, if that has room.
func NewFile(folder, name string, size int64) (*File, error) {
	f := &File{Name: name, Size: size, length: strconv.FormatInt(size, 10)}
	file, err := os.Create(filepath.Join(folder, name))
	if err != nil {
		return nil, err
	}
	defer file.Close()
	if size < largeFile {
		const line = "Beautiful is better than ugly.\n"
		text := strings.Repeat(line, int(size)/len(line)+1)
		f.text = []byte(text[:size])
		_, err = file.Write(f.text)
	} else {
		err = file.Truncate(size)
	}
	if err != nil {
		return nil, err
	}
	hash := sha256.New()
	content := io.NewSectionReader(file, 0, size)
	if _, err := io.CopyBuffer(hash, content, make([]byte, piece)); err != nil {
		return nil, err
	}
	f.sum = hex.EncodeToString(hash.Sum(nil))
	return f, nil
}
