package netlab

import (
	"fmt"
	"strconv"
	"strings"
	"time"
)

// A Quality is what a wire does to packets. The zero value is a perfect wire.
type Quality struct {
	Delay time.Duration // of each packet, in each direction
	Loss  float64       // the probability that a packet is lost, from 0 to 1
	Rate  float64       // in bits per second, for each direction; 0 means no limit
}

// ParseQuality parses what a user types after the name of a wire: "perfect", or any
// of "delay 50ms", "loss 5%" and "rate 1Mbit".
func ParseQuality(words []string) (Quality, error) {
	var q Quality
	if len(words) == 1 && words[0] == "perfect" {
		return q, nil
	}
	for len(words) > 0 {
		const ways = "write perfect, or any of delay 50ms, loss 5%, rate 1Mbit"
		name := words[0]
		if name != "delay" && name != "loss" && name != "rate" {
			return Quality{}, fmt.Errorf("unexpected %q; %s", name, ways)
		}
		if len(words) == 1 {
			return Quality{}, fmt.Errorf("nothing follows %q; %s", name, ways)
		}
		var err error
		switch value := words[1]; name {
		case "delay":
			q.Delay, err = parseDelay(value)
		case "loss":
			q.Loss, err = parseLoss(value)
		case "rate":
			q.Rate, err = parseRate(value)
		}
		if err != nil {
			return Quality{}, err
		}
		words = words[2:]
	}
	return q, nil
}

func parseDelay(s string) (time.Duration, error) {
	d, err := time.ParseDuration(s)
	if err != nil || d < 0 || d > time.Minute {
		return 0, fmt.Errorf("invalid delay %q; write a time up to 1m, such as 50ms", s)
	}
	return d, nil
}

func parseLoss(s string) (float64, error) {
	percent, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(percent >= 0 && percent <= 100) { // NaN is neither
		return 0, fmt.Errorf("invalid loss %q; write 0%% to 100%%", s)
	}
	return percent / 100, nil
}

// units are the units of tc(8), largest first.
var units = []struct {
	suffix string
	bits   float64
}{{"Gbit", 1e9}, {"Mbit", 1e6}, {"kbit", 1e3}}

func parseRate(s string) (float64, error) {
	for _, u := range units {
		if number, ok := strings.CutSuffix(strings.ToLower(s), strings.ToLower(u.suffix)); ok {
			rate, err := strconv.ParseFloat(number, 64)
			if err == nil && rate*u.bits >= 1000 && rate*u.bits <= 1e12 {
				return rate * u.bits, nil
			}
		}
	}
	return 0, fmt.Errorf("invalid rate %q; write at least 1kbit, such as 1Mbit", s)
}

// String returns the quality as a user would type it.
func (q Quality) String() string {
	var words []string
	if q.Delay > 0 {
		words = append(words, "delay "+q.Delay.String())
	}
	if q.Loss > 0 {
		words = append(words, fmt.Sprintf("loss %.4g%%", q.Loss*100))
	}
	if q.Rate > 0 {
		for _, u := range units {
			if q.Rate >= u.bits {
				words = append(words, fmt.Sprintf("rate %.4g%s", q.Rate/u.bits, u.suffix))
				break
			}
		}
	}
	if words == nil {
		return "perfect"
	}
	return strings.Join(words, " ")
}
