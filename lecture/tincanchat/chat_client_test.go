//go:build unix || windows

package tincanchat_test

import (
	"fmt"
	"testing"

	"fopnp/internal/check/chatclient"
	"fopnp/internal/py/pyfmt"
)

// See package chatclient for the tests.
func TestChatClient(t *testing.T) {
	t.Parallel()
	chatclient.Run(t, chatclient.Client{
		Name: "chat_client_multithread",
		Args: func(port string) []string { return []string{"127.0.0.1", "-p", port} },
		Greeting: func(port string) string {
			return "Connected to 127.0.0.1:" + port + "\nType messages, enter to send. 'q' to quit\n"
		},
		End: '\x00',
		Comes: func(text string) (wire, shown string) {
			const author = "('127.0.0.1', 58500): "
			return author + text + "\x00", author + pyfmt.Bare([]byte(text)) + "\n"
		},
		Gone:  "Connection to server closed\n",
		Left:  "Connection to server closed\n",
		Leave: "q\r",
		Refused: map[string]string{
			"one\x00two": "a message cannot contain a NUL byte",
			"Gr\xfc\xdf": "a message must be UTF-8",
		},
		TookNone: "the server took no message in 500ms",
		TooLong: func(bytes int) string {
			return fmt.Sprintf("a message of %d bytes is too long (at most 4096)", bytes)
		},
	})
}
