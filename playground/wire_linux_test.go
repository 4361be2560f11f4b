package main

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"testing"
)

// A wire loses about as many packets as it should: its own count and ping's are
// within five standard deviations of the binomial distribution, so a correct wire
// fails this test about once in a million runs.
func TestLoss(t *testing.T) {
	needsNamespaces(t)
	t.Parallel()
	const pings, loss = 1000, 0.2
	out, err := command("h1", fmt.Sprintf(
		"ping -c 1 10.25.1.1; wire isp-modemA loss %g%%; ping -q -n -c %d -i 0.001 -W 1 10.25.1.1; wire isp-modemA",
		100*loss, pings)).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	within := func(what string, got, n int, p float64) {
		t.Helper()
		mean, deviation := float64(n)*p, math.Sqrt(float64(n)*p*(1-p))
		if math.Abs(float64(got)-mean) > 5*deviation {
			t.Errorf("%d %s, want %.0f ± %.0f\n%s", got, what, mean, 5*deviation, out)
		}
	}
	answered := number(t, out, fmt.Sprintf(`%d packets transmitted, (\d+) received`, pings))
	within("answers", answered, pings, (1-loss)*(1-loss))
	carried, lost := number(t, out, `(\d+) packets carried, \d+ lost`), number(t, out, `carried, ([1-9]\d*) lost`)
	within("packets lost", lost, carried+lost, loss)
}

// number returns the number in the last match of a regular expression.
func number(t *testing.T, text []byte, expression string) int {
	t.Helper()
	all := regexp.MustCompile(expression).FindAllSubmatch(text, -1)
	if all == nil {
		t.Fatalf("no match for %s in\n%s", expression, text)
	}
	n, err := strconv.Atoi(string(all[len(all)-1][1]))
	if err != nil {
		t.Fatal(err)
	}
	return n
}
