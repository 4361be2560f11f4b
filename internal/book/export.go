package book

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// addresses returns the addresses of the files that Export writes.
func (b *Book) addresses() []string {
	addresses := []string{indexAddress}
	for _, name := range assetNames() {
		if !strings.HasPrefix(name, terminals) { // nothing runs without our server
			addresses = append(addresses, name)
		}
	}
	for _, c := range b.chapters {
		addresses = append(addresses, c.address())
	}
	for _, f := range b.folders {
		addresses = append(addresses, f.address())
	}
	for _, t := range b.texts {
		addresses = append(addresses, t.address())
	}
	for _, p := range b.linkedPairs() {
		addresses = append(addresses, p.address())
	}
	return append(addresses, pairsAddress, wholeAddress)
}

// Export writes the book to a folder, which it makes if necessary. A web server
// can serve the folder, and a browser can open its index.html as a file. It
// includes a page with two listings side by side only if another page links to
// it.
func (b *Book) Export(folder string) error {
	for _, address := range b.addresses() {
		data, err := b.file(address, false)
		if err != nil {
			return fmt.Errorf("%s: %w", address, err)
		}
		name := filepath.Join(folder, filepath.FromSlash(address))
		if err := os.MkdirAll(filepath.Dir(name), 0o777); err != nil {
			return err
		}
		if err := os.WriteFile(name, data, 0o666); err != nil {
			return err
		}
	}
	return nil
}
