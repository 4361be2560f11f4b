package book

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"
)

// The terminals are unchanged files from two npm packages: @xterm/xterm 6.0.0 and
// @xterm/addon-fit 0.11.0, with their licences.
func TestTerminals(t *testing.T) {
	for name, want := range map[string]string{
		"xterm.js":              "14903579ff54664cd72f8e8699e6961a6272c21863ec1c3b118cdc8af5d4a972",
		"xterm.css":             "854a7c0fb70e8b1a083c16797ab827299fb18744f5ad34f227b48337e33293c6",
		"xterm-license.txt":     "b569f629d00f2626a8100df2a1798210535621e42164dfd426a6fe5aac7b0ccd",
		"addon-fit.js":          "ba3ea256ce0620a0992a197d6c9baea64823fc93d8da07a9e366ca9943c18527",
		"addon-fit-license.txt": "e256f01188af527e4d06d21d06fbf785ae9c50d4b328bf03cbe0ba7f0aa4228f",
	} {
		text, err := assets.ReadFile(terminals + name)
		if err != nil {
			t.Error(err)
			continue
		}
		if sum := sha256.Sum256(text); hex.EncodeToString(sum[:]) != want {
			t.Errorf("%s is not the file of its package: its hash is %x", name, sum)
		}
	}
}
