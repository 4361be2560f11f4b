//go:build unix || windows

package transcript

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Parse splits a transcript into commands. What was typed and printed adds up
// to the whole text again.
func TestParse(t *testing.T) {
	needsBash(t)
	const text = `$ echo one
one
$ cat <<END
> two
>
> END
two

$ printf '> prompt\n'
> prompt
$ true
`
	got, err := Parse(10, []string{"sorted", "counts", "status=3", "needs=bash", "needs=tiny"}, text)
	if err != nil {
		t.Fatal(err)
	}
	want := &Transcript{Line: 10, Sorted: true, Counts: true, Status: 3, Needs: []string{"bash", "tiny"}, Commands: []Command{
		{11, "$ echo one\n", "echo one", "one\n"},
		{13, "$ cat <<END\n> two\n>\n> END\n", "cat <<END\ntwo\n\nEND", "two\n\n"},
		{19, "$ printf '> prompt\\n'\n", `printf '> prompt\n'`, "> prompt\n"},
		{21, "$ true\n", "true", ""},
	}}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("the commands (-want +got):\n%s", d)
	}
	var all strings.Builder
	for _, c := range got.Commands {
		all.WriteString(c.Typed + c.Output)
	}
	if all.String() != text {
		t.Errorf("typed and printed is\n%s\nwant\n%s", all.String(), text)
	}
}

func TestBackground(t *testing.T) {
	for _, test := range []struct{ script, want string }{
		{"srv '' > server.log &", "srv [{server.log false}] true"},
		{"srv '' >server.log 2>&1 &", "srv [{server.log false}] true"},
		{"bin/srv '' &> 'server.log' &", "srv [{server.log false}] true"},
		{"go run ./chapter07/srv '' >> 'server.log' 2>>err.log &", "srv [{server.log true} {err.log true}] true"},
		{"GOMAXPROCS=1 go run ./srv '' 2>&1 < in &", "srv [] true"},
		{"echo > old; srv '' &", "srv [] true"},
		{"cd x && srv '' &", "srv [] true"},
		{"srv1 '' > 1.log & srv2 '' > 2.log&", "srv2 [{2.log false}] true"},
		{"srv '' > server.log", " [] false"},
		{"srv '' &&", " [] false"},
	} {
		program, outputs, ok := Command{Script: test.script}.Background()
		if got := fmt.Sprint(program, " ", outputs, " ", ok); got != test.want {
			t.Errorf("Background of %q is %s, want %s", test.script, got, test.want)
		}
	}
}

func TestScreen(t *testing.T) {
	for _, test := range []struct{ output, want string }{
		{"", ""},
		{"a\nb", "a\nb\n"},
		{"a\r\nb\r\n", "a\nb\n"},
		{"Sending\n\r  16 bytes sent \r  32 bytes sent \nDone\n", "Sending\n  32 bytes sent\nDone\n"},
		{"trailing blanks stay  \n", "trailing blanks stay  \n"},
	} {
		if got := Screen(test.output); got != test.want {
			t.Errorf("Screen(%q) is %q, want %q", test.output, got, test.want)
		}
	}
}
