package progtest

import "flag"

var all = flag.Bool("all", false, "run the tests at full size: more clients, longer files, each page")

// All reports whether the tests run at full size, as with "go test PACKAGE -all".
// Without it, they prove the same rules with less, to keep "go test ./..." short.
func All() bool { return *all }

// Count returns some, or all at full size: how many clients a test plays, say.
func Count(some, all int) int {
	if All() {
		return all
	}
	return some
}
