package services_test

import (
	"bytes"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"fopnp/internal/netlab/services"
)

// An identity stays the same when it goes to another host as JSON: a
// certificate that one host makes is valid on all others.
func TestIdentityTravels(t *testing.T) {
	t.Parallel()
	id, err := services.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(id)
	if err != nil {
		t.Fatal(err)
	}
	var other services.Identity
	if err := json.Unmarshal(text, &other); err != nil {
		t.Fatal(err)
	}
	certificate, err := other.Certificate("www.example.com", "www", "10.130.1.4")
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	if !trusted.AppendCertsFromPEM(id.CAPEM()) {
		t.Fatal("CAPEM is no certificate")
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"www.example.com", "www", "10.130.1.4"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: trusted}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, name := range []string{"mail.example.com", "10.130.1.3"} {
		if _, err := leaf.Verify(x509.VerifyOptions{DNSName: name, Roots: trusted}); err == nil {
			t.Errorf("the certificate is valid for %s, too", name)
		}
	}
	private, public := id.UserKeys()
	otherPrivate, otherPublic := other.UserKeys()
	signer, err := ssh.ParsePrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	otherSigner, err := ssh.ParsePrivateKey(otherPrivate)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(ssh.MarshalAuthorizedKey(signer.PublicKey()), public) ||
		!bytes.Equal(ssh.MarshalAuthorizedKey(otherSigner.PublicKey()), public) ||
		!bytes.Equal(otherPublic, public) {
		t.Error("the keys are not a pair, or not the same on both hosts")
	}
	if known := string(other.KnownHosts()); known != string(id.KnownHosts()) || !strings.HasPrefix(known, "* ssh-ed25519 ") {
		t.Errorf("known hosts: %q", known)
	}
}

// Two playgrounds do not trust each other.
func TestIdentitiesDiffer(t *testing.T) {
	t.Parallel()
	a, err := services.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	b, err := services.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	if slices.Equal(a.CA, b.CA) || a.HostKey.Equal(b.HostKey) || a.UserKey.Equal(b.UserKey) || a.HostKey.Equal(a.UserKey) {
		t.Error("two identities have a key in common")
	}
	certificate, err := a.Certificate("www.example.com")
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(certificate.Certificate[0])
	if err != nil {
		t.Fatal(err)
	}
	trusted := x509.NewCertPool()
	trusted.AppendCertsFromPEM(b.CAPEM())
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: trusted}); err == nil {
		t.Error("one playground's certificates are valid in another")
	}
}

// A damaged identity, or no name at all, is an error and no panic.
func TestIdentityFaults(t *testing.T) {
	t.Parallel()
	id, err := services.NewIdentity()
	if err != nil {
		t.Fatal(err)
	}
	for name, make := range map[string]func() (tls.Certificate, error){
		"no name":          func() (tls.Certificate, error) { return id.Certificate() },
		"no authority":     func() (tls.Certificate, error) { return (&services.Identity{CAKey: id.CAKey}).Certificate("www") },
		"no authority key": func() (tls.Certificate, error) { return (&services.Identity{CA: id.CA}).Certificate("www") },
	} {
		if _, err := make(); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}
