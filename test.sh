#!/usr/bin/env bash
# Starts each Zen server in turn and shows what the client says to it.
#
#	./test.sh                   the servers of chapter 7
#	./test.sh srv_single        only those that are named
#	./test.sh slides            the servers of another shelf
#	GOMAXPROCS=1 ./test.sh      on a single processor
#	./test.sh -h                all servers that there are
#
# Ends with status 1, and names them, if any server fails. The work is done by
# internal/listings/show, which reads the table of listings.

cd "$(dirname "$0")" || exit
shopt -s execfail
for _ in {1..50}; do
	show=$(go tool -n show) || exit
	"$show" -h &>/dev/null && exec "$show" "$@"
	sleep 0.1 # it cannot run yet, because another build is writing it
done
echo "$0: cannot run $show" >&2
exit 1
