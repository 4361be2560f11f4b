package lecture23

import (
	"mime"
	"path"
	"slices"
	"strings"
)

var known = []string{".html", ".txt", ".css", ".js", ".json", ".png", ".jpg", ".gif", ".svg", ".pdf"}

// ContentType returns the type of a file for the header of an answer, by the
// extension of its name, in capitals or small letters.
func ContentType(name string) string {
	extension := strings.ToLower(path.Ext(name))
	if !slices.Contains(known, extension) {
		return "application/octet-stream"
	}
	return mime.TypeByExtension(extension)
}
