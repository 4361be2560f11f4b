package lecture23

import (
	"path"
	"strings"
)

// types are the types of files by extension. The table of package mime would
// depend on the machine: on Windows, any program can change it.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".txt":  "text/plain; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".json": "application/json",
	".png":  "image/png",
	".jpg":  "image/jpeg",
	".gif":  "image/gif",
	".svg":  "image/svg+xml",
	".pdf":  "application/pdf",
}

// ContentType returns the type of a file for the header of an answer, by the
// extension of its name, in capitals or small letters.
func ContentType(name string) string {
	if t, found := types[strings.ToLower(path.Ext(name))]; found {
		return t
	}
	return "application/octet-stream"
}
