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
show=$(go tool -n show) || exit
for _ in {1..50}; do
	[ -x "$show" ] && break # it is not there while another build writes it
	sleep 0.1
	show=$(go tool -n show) || exit
done
exec "$show" "$@"
