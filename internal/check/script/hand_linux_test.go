package script

import "testing"

// The commands that play a super-server must fail a wrong script, too.
func TestHandsThatMustFail(t *testing.T) {
	t.Parallel()
	mustFail(t, map[string]wrong{
		"no such kind":    {"socket raw a", "unknown kind of socket: raw"},
		"no such socket":  {"hand 012=a in_zen1", "there is no socket or pipe a"},
		"no program":      {"socket connection a\nhand a a", "the command names no program"},
		"nothing handed":  {"ends in_zen1 0", "in_zen1 was not started with hand"},
		"left running":    {"socket connection a\nhand a in_zen1 -l log", "does not wait for in_zen1"},
		"handed twice":    {"socket connection a\nkeep a\nhand a in_zen1 -l log\nhand a in_zen1 -l log", "is already running"},
		"another status":  {"socket connection a\nhand a in_zen1 -x\nends in_zen1 0", "in_zen1 ends with 2"},
		"killed":          {"socket connection a\nhand a in_zen1 -l log\nsay a Why?\nhear a 'Error: unknown aphorism.'\nsignal in_zen1 KILL\nends in_zen1 0", "in_zen1 ends with signal: killed"},
		"another number":  {"socket connection a\nkeep a\nhand a in_zen1 -l log\nholds in_zen1 a 7", "in_zen1 has "},
		"not blocking":    {"socket connection a\nkeep a\nhand a in_zen1 -l log\nsay a Why?\nhear a 'Error: unknown aphorism.'\nblocking a", "a is no longer blocking"},
		"client waits":    {"socket listener zen\nconnect a\nidle zen", "zen is ready"},
		"datagram waits":  {"socket datagrams zen\ndatagram ''\nidle zen", "zen is ready"},
		"heard something": {"socket connection a\nhand a client -h\nover a", `received "usage: client`},
		"two segments":    {"socket connection a\nhand a in_zen1 -l log\nsay a Why?\nhear a 'Error: unknown aphorism.'\nsay a Why?\nhear a 'Error: unknown aphorism.'\nsegments a 1", "a has received 2 segments"},
	})
}
