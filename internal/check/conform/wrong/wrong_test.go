//go:build linux

package wrong

import (
	"errors"
	"os"
	"slices"
	"testing"
	"time"

	"fopnp/internal/check/conform"
	"fopnp/internal/check/progtest"
)

func hello(time.Time) string { return "hello\r\n" }

func defects() map[string]Defect {
	all := map[string]Defect{"none": {Says: hello}}
	for deed := range Deeds {
		all[deed] = Defect{Says: hello, Does: deed}
	}
	return all
}

func TestMain(m *testing.M) {
	Main(defects())
	progtest.Parallel()
	os.Exit(m.Run())
}

var like = conform.Server{Protocol: conform.Protocol{
	Exchange: conform.Exchange{Hear: conform.Answer("hello\r\n")},
	Once:     true,
	Longest:  -1,
}}

// A server without a defect passes the checks that find the defects of others.
func TestCorrect(t *testing.T) {
	t.Parallel()
	for _, name := range Deeds {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if err := run(t, name, "none"); err != nil {
				t.Error(err)
			}
		})
	}
}

// Each check rejects the servers whose defects it must find.
func TestWrong(t *testing.T) {
	t.Parallel()
	for deed, name := range Deeds {
		t.Run(deed, func(t *testing.T) {
			t.Parallel()
			var err error
			// On a busy machine, a server that spins may get too little CPU
			// time to show it.
			for tries := 0; err == nil && tries < 5; tries++ {
				err = run(t, name, deed)
			}
			if err == nil {
				t.Errorf("%q does not find it", name)
			}
			t.Log(err)
		})
	}
}

func run(t *testing.T, name, defect string) error {
	t.Helper()
	check := conform.Named(slices.Concat(conform.Checks, conform.Unasked), name)[0]
	server := Server(like, defect)
	if defect != "none" {
		server.Patience = 5 * time.Second
	}
	err := check.Run(server)
	if errors.Is(err, conform.ErrSkipped) {
		t.Skip(err)
	}
	return err
}
