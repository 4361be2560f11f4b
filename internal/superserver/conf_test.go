package superserver

import (
	"fmt"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// The repository's inetd.conf has the two entries of the text.
func TestParseRepository(t *testing.T) {
	text, err := os.ReadFile("../../inetd.conf")
	if err != nil {
		t.Fatal(err)
	}
	got, err := Parse("inetd.conf", string(text))
	if err != nil {
		t.Error(err)
	}
	want := []Service{
		{Line: 1, Hosts: []string{"*"}, Name: "1060", Type: "stream", Protocol: "tcp", User: "brandon",
			Program: "/in_zen1", Args: []string{"in_zen1"}},
		{Line: 2, Hosts: []string{"*"}, Name: "1061", Type: "stream", Protocol: "tcp", Wait: true, User: "brandon",
			Program: "/in_zen2", Args: []string{"in_zen2"}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error("inetd.conf (-want +got):\n" + diff)
	}
}

// Each entry means what inetd(8) says. oneLine returns the same entry as one
// line that depends on no other.
func TestParse(t *testing.T) {
	for _, test := range []struct{ text, want string }{
		{"# nothing\n\n \t\n", ""},
		{" # 1 stream tcp wait u /x x\n\r# 2 stream tcp wait u /x x", ""},
		{"echo dgram udp wait root internal", "*:echo dgram udp wait root internal"},
		{"echo\tstream\ttcp  nowait root internal\r", "*:echo stream tcp nowait root internal"},
		{"ftp stream tcp nowait root /usr/sbin/ftpd", "*:ftp stream tcp nowait root /usr/sbin/ftpd ftpd"},
		{"1.2.3.4,host:ftp stream tcp nowait root /ftpd a  b", "1.2.3.4,host:ftp stream tcp nowait root /ftpd a b"},
		{"[::1]:ftp stream tcp6 nowait root /ftpd ftpd", "::1:ftp stream tcp6 nowait root /ftpd ftpd"},
		{":ftp stream tcp46 nowait root /ftpd ftpd", "*:ftp stream tcp46 nowait root /ftpd ftpd"},
		{"1.2.3.4:\n7 dgram udp4 nowait root internal\n*:\n9 dgram udp wait root internal",
			"1.2.3.4:7 dgram udp4 nowait root internal\n*:9 dgram udp wait root internal"},
		{"/run/x:y stream unix wait root /x x", "/run/x:y stream unix wait root /x x"},
		{"1 stream tcp wait.7 u.g /x x", "*:1 stream tcp wait.7 u:g /x x"},
		{"1 stream tcp wait first.last:g /x x", "*:1 stream tcp wait first.last:g /x x"},
		{"1 stream tcp wait first.last: /x x", "*:1 stream tcp wait first.last: /x x"},
		{"1 stream tcp,rcvbuf=64k,sndbuf=1m wait u /x x", "*:1 stream tcp,sndbuf=1048576,rcvbuf=65536 wait u /x x"},
		{"1 stream tcp wait u /x x #y", "*:1 stream tcp wait u /x x #y"},
		{"1 stream tcp\n wait u /x x\n\t y\n# no\n 2 stream tcp wait u /x x",
			"*:1 stream tcp wait u /x x y\n*:2 stream tcp wait u /x x"},
	} {
		services, err := Parse("conf", test.text)
		if err != nil {
			t.Errorf("%q: %v", test.text, err)
		}
		if got := lines(services); got != test.want {
			t.Errorf("%q:\n%s\nwant:\n%s", test.text, got, test.want)
		}
	}
}

// oneLine returns an entry as one line of an inetd.conf, without a line feed.
func oneLine(s Service) string {
	var b strings.Builder
	if s.Protocol != "unix" {
		if s.Hosts[0][0] == '#' {
			b.WriteByte('[') // or else the line would be a comment
		}
		b.WriteString(strings.Join(s.Hosts, ",") + ":")
	}
	b.WriteString(s.Name + " " + s.Type + " " + s.Protocol)
	if s.SendBuffer > 0 {
		fmt.Fprintf(&b, ",sndbuf=%d", s.SendBuffer)
	}
	if s.ReceiveBuffer > 0 {
		fmt.Fprintf(&b, ",rcvbuf=%d", s.ReceiveBuffer)
	}
	b.WriteString(map[bool]string{true: " wait", false: " nowait"}[s.Wait])
	if s.Max > 0 {
		fmt.Fprintf(&b, ".%d", s.Max)
	}
	b.WriteString(" " + s.User)
	if s.Group != "" || strings.Contains(s.User, ".") {
		b.WriteString(":" + s.Group)
	}
	b.WriteString(" " + s.Program)
	for _, arg := range s.Args {
		b.WriteString(" " + arg)
	}
	return b.String()
}

func lines(services []Service) string {
	var lines []string
	for _, s := range services {
		lines = append(lines, oneLine(s))
	}
	return strings.Join(lines, "\n")
}

// Parse names a wrong entry by file and line, and returns the others.
func TestParseErrors(t *testing.T) {
	const text = `1 stream tcp nowait root /x x
2 stream tcp nowait root
3 packet tcp nowait root /x x
4 stream udp nowait root /x x
# a comment
5 stream tcp perhaps root /x x
6 stream tcp nowait.0 root /x x
7 stream tcp,rcvbuf=64g nowait root /x x
8 stream tcp,size=1 nowait root /x x
9 stream tcp nowait root x x
: stream tcp nowait root /x x
rusers/1-3 dgram rpc/udp wait root /x x
7 dgram udp,rcvbuf=9999999999 wait root /x x
7 dgram udp,rcvbuf=1kk wait root /x x
8 stream tcp nowait .users /x x
10 dgram udp wait root /x x
`
	const want = `/etc/inetd.conf:2: 2: an entry needs 6 fields, and this one has 5
/etc/inetd.conf:3: 3: the socket type "packet" is neither stream nor dgram
/etc/inetd.conf:4: 4: there is no stream socket of protocol "udp"
/etc/inetd.conf:6: 5: "perhaps" is neither wait nor nowait
/etc/inetd.conf:7: 6: the limit "0" is not a number of starts a minute
/etc/inetd.conf:8: 7: the buffer size "64g" is not a number of bytes
/etc/inetd.conf:9: 8: the option "size=1" is neither sndbuf nor rcvbuf
/etc/inetd.conf:10: 9: the program "x" is not an absolute path
/etc/inetd.conf:11: :: the service has no name
/etc/inetd.conf:12: rusers/1-3: there is no dgram socket of protocol "rpc/udp"
/etc/inetd.conf:13: 7: the buffer size "9999999999" is not a number of bytes
/etc/inetd.conf:14: 7: the buffer size "1kk" is not a number of bytes
/etc/inetd.conf:15: 8: ".users" names no user`
	services, err := Parse("/etc/inetd.conf", text)
	if err == nil || err.Error() != want {
		t.Errorf("the error is\n%v\nwant\n%s", err, want)
	}
	if len(services) != 2 || services[0].Name != "1" || services[1].Name != "10" || services[1].Line != 16 {
		t.Errorf("the services are\n%s", lines(services))
	}
}

// Parse returns, whatever the file holds. An entry that it accepts has the same
// meaning when oneLine has written it and Parse reads it again.
func FuzzParse(f *testing.F) {
	f.Add("127.0.0.1:1060 stream tcp,rcvbuf=64k nowait.3 brandon:users /in_zen1 in_zen1\n -l /tmp/zen.log")
	f.Add("::1:\n#\n7 dgram udp wait root internal\n/run/x stream unix wait a.b /c")
	f.Add("[#]:7 dgram udp wait a.b: /x\n #")
	f.Fuzz(func(t *testing.T, text string) {
		first, _ := Parse("conf", text)
		again, err := Parse("conf", lines(first))
		if err != nil {
			t.Fatalf("%q became\n%s\nwhich is wrong: %v", text, lines(first), err)
		}
		for i := range first {
			if i < len(again) {
				first[i].Line = again[i].Line
			}
		}
		if diff := cmp.Diff(first, again); diff != "" {
			t.Errorf("%q, as oneLine has it (-first +again):\n%s", text, diff)
		}
	})
}
