package book

import (
	"embed"
	"io/fs"
	"path"
	"slices"
)

//go:embed assets
var assets embed.FS

// indexAddress is the address of the script that a search loads.
const indexAddress = "assets/search-index.js"

// terminals is the folder of xterm.js, which a live page loads when a block is run.
const terminals = "assets/xterm/"

// kinds are the media types of all files.
var kinds = map[string]string{
	".html":  "text/html; charset=utf-8",
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".woff2": "font/woff2",
	".txt":   "text/plain; charset=utf-8",
}

// assetNames returns the addresses of the embedded files.
func assetNames() (names []string) {
	fs.WalkDir(assets, "assets", func(name string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			names = append(names, name)
		}
		return err
	})
	return names
}

// file returns a file of the book by its address: a page, an asset, or the index
// of the search. The error is fs.ErrNotExist if the book has no such file.
func (b *Book) file(address string, live bool) ([]byte, error) {
	switch {
	case address == indexAddress:
		return b.index()
	case slices.Contains(assetNames(), address):
		return assets.ReadFile(address)
	case path.Ext(address) == ".html":
		return b.Page(address, live)
	}
	return nil, fs.ErrNotExist
}
