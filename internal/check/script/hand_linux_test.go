package script

import "testing"

// The commands that hand sockets over must fail a script that is wrong, too.
func TestHandsThatMustFail(t *testing.T) {
	t.Parallel()
	mustFail(t, map[string]wrong{
		"no such kind":    {"socket raw a", "unknown kind of socket: raw"},
		"no such socket":  {"hand 012=a in_zen1", "there is no socket or pipe a"},
		"no program":      {"socket connection a\nhand a a", "no program to hand this to"},
		"nothing handed":  {"ends in_zen1 0", "in_zen1 was handed nothing"},
		"left running":    {"socket connection a\nhand a in_zen1 -l log", "in_zen1 was not waited for"},
		"handed twice":    {"socket connection a\nkeep a\nhand a in_zen1 -l log\nhand a in_zen1 -l log", "runs already"},
		"another status":  {"socket connection a\nhand a in_zen1 -x\nends in_zen1 0", "in_zen1 ends with 2"},
		"killed":          {"socket connection a\nhand a in_zen1 -l log\nsay a Why?\nhear a 'Error: unknown aphorism.'\nsignal in_zen1 KILL\nends in_zen1 0", "in_zen1 ends with signal: killed"},
		"another number":  {"socket connection a\nkeep a\nhand a in_zen1 -l log\nholds in_zen1 a 7", "in_zen1 has "},
		"not blocking":    {"socket connection a\nkeep a\nhand a in_zen1 -l log\nsay a Why?\nhear a 'Error: unknown aphorism.'\nblocking a", "a is not blocking any more"},
		"client waits":    {"socket listener zen\nconnect a\nidle zen", "zen is ready"},
		"datagram waits":  {"socket datagrams zen\ndatagram ''\nidle zen", "zen is ready"},
		"heard something": {"socket connection a\nhand a client -h\nover a", `heard "usage: client`},
		"two segments":    {"socket connection a\nhand a in_zen1 -l log\nsay a Why?\nhear a 'Error: unknown aphorism.'\nsay a Why?\nhear a 'Error: unknown aphorism.'\nsegments a 1", "came in 2 segments"},
	})
}
