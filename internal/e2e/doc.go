// Package e2e tests the gateway from outside, as its users meet it: the real
// binary between real SIP and XMPP programs on loopback (internal/peer). The
// tests have the build tag e2e, and `make test` runs them; a program that is
// missing fails them.
package e2e
