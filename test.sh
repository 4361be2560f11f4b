#!/usr/bin/env bash
# Starts servers in turn, runs a client against each, and shows the client's
# output.
#
#	./test.sh                   the servers of chapter 7
#	./test.sh srv_single        only the servers that you name
#	./test.sh slides            the servers of the slides
#	GOMAXPROCS=1 ./test.sh      on a single processor
#	./test.sh -h                list all servers
#
# If any server fails, the script names those that failed and exits with status
# 1. internal/listings/show does the work, and reads the table of listings.

cd "$(dirname "$0")" || exit
shopt -s execfail
for _ in {1..50}; do
	show=$(go tool -n show) || exit
	"$show" -h &>/dev/null && exec "$show" "$@"
	sleep 0.1 # show cannot run yet, because another build is writing it
done
echo "$0: cannot run $show" >&2
exit 1
