package services

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// An Identity holds the keys of one playground. Make it once, with
// [NewIdentity], and hand it to all hosts. It can be written as JSON.
type Identity struct {
	HostKey ed25519.PrivateKey // all hosts have the same, so one line of known_hosts is enough
	UserKey ed25519.PrivateKey // all accounts have the same
	CA      []byte             // the certificate of the certificate authority, in DER
	CAKey   []byte             // its private key, in PKCS #8
}

// lifetime is how long certificates are valid. No playground lives longer.
const lifetime = 365 * 24 * time.Hour

// NewIdentity makes new keys.
func NewIdentity() (*Identity, error) {
	var id Identity
	var err error
	if _, id.HostKey, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return nil, err
	}
	if _, id.UserKey, err = ed25519.GenerateKey(rand.Reader); err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	if id.CAKey, err = x509.MarshalPKCS8PrivateKey(key); err != nil {
		return nil, err
	}
	ca := template(pkix.Name{CommonName: "Playground CA", Organization: []string{"example.com"}})
	ca.IsCA, ca.BasicConstraintsValid, ca.KeyUsage = true, true, x509.KeyUsageCertSign
	id.CA, err = x509.CreateCertificate(rand.Reader, ca, ca, key.Public(), key)
	if err != nil {
		return nil, err
	}
	return &id, nil
}

// template returns a certificate that is valid from an hour ago, in case the
// clock is set back.
func template(subject pkix.Name) *x509.Certificate {
	now := time.Now()
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		panic(err) // crypto/rand does not fail
	}
	return &x509.Certificate{
		SerialNumber: serial,
		Subject:      subject,
		NotBefore:    now.Add(-time.Hour),
		NotAfter:     now.Add(lifetime),
	}
}

// Certificate returns a new certificate, by the playground's authority, for a
// server with the given names. A name may also be an IP address.
func (id *Identity) Certificate(names ...string) (tls.Certificate, error) {
	if len(names) == 0 {
		return tls.Certificate{}, errors.New("a certificate needs a name")
	}
	ca, err := x509.ParseCertificate(id.CA)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("certificate authority: %w", err)
	}
	caKey, err := x509.ParsePKCS8PrivateKey(id.CAKey)
	if err != nil {
		return tls.Certificate{}, fmt.Errorf("key of the certificate authority: %w", err)
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return tls.Certificate{}, err
	}
	leaf := template(pkix.Name{CommonName: names[0]})
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			leaf.IPAddresses = append(leaf.IPAddresses, ip)
		} else {
			leaf.DNSNames = append(leaf.DNSNames, name)
		}
	}
	der, err := x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	if err != nil {
		return tls.Certificate{}, err
	}
	return tls.Certificate{Certificate: [][]byte{der, id.CA}, PrivateKey: key}, nil
}

// CAPEM returns the certificate of the playground's authority in PEM, for
// /etc/ssl/certs/ca-certificates.crt.
func (id *Identity) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: id.CA})
}

// UserKeys returns the key pair of all accounts: the private key for
// ~/.ssh/id_ed25519, and the public key for ~/.ssh/id_ed25519.pub and
// ~/.ssh/authorized_keys.
func (id *Identity) UserKeys() (private, public []byte) {
	block, err := ssh.MarshalPrivateKey(id.UserKey, "playground")
	if err != nil {
		panic(err) // it fails only for other kinds of keys
	}
	return pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(publicKey(id.UserKey))
}

// KnownHosts returns the line of /etc/ssh/ssh_known_hosts that says which key
// the hosts have.
func (id *Identity) KnownHosts() []byte {
	return append([]byte("* "), ssh.MarshalAuthorizedKey(publicKey(id.HostKey))...)
}

func publicKey(private crypto.Signer) ssh.PublicKey {
	key, err := ssh.NewPublicKey(private.Public())
	if err != nil {
		panic(err) // it fails only for other kinds of keys
	}
	return key
}
