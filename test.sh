#!/usr/bin/env bash
# Starts each Zen server in turn and shows what the client says to it.
#
#	./test.sh                   every server
#	./test.sh srv_single        only those that are named
#	GOMAXPROCS=1 ./test.sh      on a single processor
#
# A server is ready when it announces its address, on a port that the system
# chose. Ends with status 1, and names them, if any server fails.

servers='
srv_single
srv_threaded
srv_async
srv_asyncio1
srv_asyncio2
srv_legacy1
srv_legacy2
'

want="b'Beautiful is better than?' b'Ugly.'
b'Explicit is better than?' b'Implicit.'
b'Simple is better than?' b'Complex.'"

cd "$(dirname "$0")" || exit
work=$(mktemp -d) || exit
server=
trap 'kill $server 2>/dev/null; wait; rm -rf "$work"' EXIT
go build -buildvcs=false -trimpath -o "$work/" ./chapter07/... || exit

# check NAME shows the client against the server NAME, and fails if the answers
# are not the three that are wanted or the server does not stop in order.
check() {
	mkfifo "$work/$1.log"
	"$work/$1" localhost -p 0 >"$work/$1.log" 2>&1 &
	server=$!
	exec 3<"$work/$1.log"
	read -r -t 30 announcement <&3
	case $announcement in
	'Listening at '*) ;;
	*) echo "$announcement"; cat <&3; return 1 ;;
	esac
	port=${announcement##*, } port=${port%)}
	answers=$("$work/client" localhost -p "$port" 2>&1)
	echo "$answers"
	kill "$server"
	wait "$server" || { cat <&3; return 1; }
	server=
	[ "$(LC_ALL=C sort <<<"$answers")" = "$want" ]
}

failed=
for name in ${*:-$servers}; do
	echo "=== $name"
	check "$name" || failed="$failed $name"
done
[ -z "$failed" ] || { echo "failed:$failed"; exit 1; }
