package basics_test

import (
	"fmt"
	"unicode/utf8"
)

// Text and bytes: what encode and decode do in Python is a conversion in Go. A
// string can hold any bytes, so the program has to check whether they are text.
func Example_bytesAndText() {
	text := "Grüß Gott"
	data := []byte(text) // text.encode()
	fmt.Println(len(data), "bytes,", utf8.RuneCountInString(text), "characters")
	fmt.Println(string(data)) // data.decode()

	latin1 := []byte("Gr\xfc\xdf Gott") // the same text in another encoding
	fmt.Println(len(latin1), "bytes,", "UTF-8:", utf8.Valid(latin1))
	// Output:
	// 11 bytes, 9 characters
	// Grüß Gott
	// 9 bytes, UTF-8: false
}
