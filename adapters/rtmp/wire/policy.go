package wire

import "io"

// Flash asks for a policy before it opens a socket: this text and a NUL.
const (
	policyRequest = "<policy-file-request/>\x00"
	policyAnswer  = `<?xml version="1.0"?><cross-domain-policy><allow-access-from domain="*" to-ports="*"/></cross-domain-policy>` + "\x00"
)

// answerPolicy answers a policy request whose first byte was read.
func answerPolicy(rw io.ReadWriter) error {
	rest := make([]byte, len(policyRequest)-1)
	if _, err := io.ReadFull(rw, rest); err != nil {
		return err
	}
	if string(rest) != policyRequest[1:] {
		return errVersion
	}
	if _, err := io.WriteString(rw, policyAnswer); err != nil {
		return err
	}
	return ErrPolicy
}
