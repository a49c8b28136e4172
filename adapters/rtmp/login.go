package rtmp

import (
	"crypto/hmac"
	"crypto/md5"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"time"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
)

// adobe is the way in which encoders log in whose URL has user:password before the
// host: they connect without, are challenged, and connect again.
const adobe = "adobe"

// prove checks who a client says to be: an account, or somebody who registers with
// these credentials at a peer. The error is a *bridge.Error.
func (s *session) prove(who address, login string, password bridge.Secret) error {
	try := tryOf(who.user, s.from)
	if !s.house.tries.may(try) {
		return &bridge.Error{Op: loginOp, Cause: bridge.Policy, Reason: "too many tries", Err: errTries}
	}
	secret, account := s.house.set.accounts[who.user]
	switch {
	case !isPlain(who.user):
		return &bridge.Error{Op: loginOp, Cause: bridge.BadAddress}
	case !account && len(s.house.set.enroll) > 0 && password != "":
		return s.enroll(who, login, password, try)
	case !same(secret, password) || !account || secret == "":
		s.house.tries.failed(try)
		return &bridge.Error{Op: loginOp, Cause: bridge.Unauthorized, Err: errSecret}
	}
	s.house.tries.succeeded(try)
	s.proven(who.user)
	return nil
}

const loginOp = "log in"

var (
	errTries  = errors.New("too many tries")
	errSecret = errors.New("wrong name or password")
)

// proven notes who the client is. One that was let in as a stranger may say more
// from now on.
func (s *session) proven(name string) {
	s.name = name
	if s.app.kind != appNone {
		_ = s.conn.Establish() // what it fails with ends the connection, which whoever reads it finds out
	}
	s.log = s.log.With("account", name)
	s.house.metrics.logins.Inc()
}

// same compares secrets in a time that does not tell how much of them is.
func same(a, b bridge.Secret) bool {
	x, y := sha256.Sum256([]byte(a.Reveal())), sha256.Sum256([]byte(b.Reveal()))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// refusalOf is the metrics' word for why somebody was not let in.
func refusalOf(err error) string {
	switch e := asError(err); {
	case errors.Is(e.Err, errTries):
		return refusedTries
	case errors.Is(e.Err, errSecret):
		return refusedSecret
	}
	return refusedEnroll
}

// challengeTime is how long a challenge is good for.
const challengeTime = time.Minute

// adobe is one step of the login of encoders, as FMLE, OBS and ffmpeg do it: the
// first connect is told to say who; the second gets a salt and a challenge; the
// third has the response. Every step but the last is a refusal, and the end of the
// connection.
func (s *session) adobe(c wire.Command, a app) error {
	const reject = "[ AccessManager.Reject ] : [ "
	user := a.query.Get("user")
	response := strings.ReplaceAll(a.query.Get("response"), " ", "+") // base64, which nobody escapes
	switch {
	case user == "":
		return s.turnBack(c, reject+"code=403 need auth; authmod="+adobe+" ] : ")
	case response == "":
		opaque := s.house.opaque(user, time.Now())
		return s.turnBack(c, reject+"authmod="+adobe+" ] : ?reason=needauth&user="+user+"&salt="+s.house.salt(user)+
			"&challenge="+opaque+"&opaque="+opaque)
	}
	party, ok := parseAddress(user)
	failed := reject + "authmod=" + adobe + " ] : ?reason=authfailed&opaque="
	if !ok || a.user != "" && party.user != a.user {
		return s.reject(c, refusedSecret, failed)
	}
	try := tryOf(party.user, s.from)
	if !s.house.tries.may(try) {
		return s.reject(c, refusedTries, failed)
	}
	secret := s.house.set.accounts[party.user]
	opaque := a.query.Get("opaque")
	want := adobeResponse(user, s.house.salt(user), secret, opaque, a.query.Get("challenge"))
	if secret == "" || !s.house.fresh(opaque, user, time.Now()) || !hmac.Equal([]byte(want), []byte(response)) {
		s.house.tries.failed(try)
		return s.reject(c, refusedSecret, failed)
	}
	s.house.tries.succeeded(try)
	s.proven(party.user)
	return nil
}

// adobeResponse is what a client answers to a challenge.
func adobeResponse(user, salt string, password bridge.Secret, opaque, challenge string) string {
	hash := func(text string) string {
		sum := md5.Sum([]byte(text))
		return base64.StdEncoding.EncodeToString(sum[:])
	}
	return hash(hash(user+salt+password.Reveal()) + opaque + challenge)
}

// salt is the same for a user each time: whoever has two of them has learned
// nothing.
func (h *house) salt(user string) string { return h.mark("salt", user)[:16] }

// opaque is a challenge that needs no memory: when it was made, and our mark on
// that.
func (h *house) opaque(user string, now time.Time) string {
	at := fmt.Sprintf("%x", now.Unix())
	return at + "." + h.mark("challenge", user+" "+at)
}

// fresh reports whether a challenge is one of ours, for that user, and not old.
func (h *house) fresh(opaque, user string, now time.Time) bool {
	var at int64
	if n, err := fmt.Sscanf(opaque, "%x.", &at); err != nil || n != 1 {
		return false
	}
	made := time.Unix(at, 0)
	return hmac.Equal([]byte(opaque), []byte(h.opaque(user, made))) && now.Sub(made) <= challengeTime && made.Sub(now) <= challengeTime
}

// mark is one that only we can make.
func (h *house) mark(use, about string) string {
	m := hmac.New(sha256.New, h.env.Key)
	m.Write([]byte("rtmp " + use + "\x00" + about))
	return hex.EncodeToString(m.Sum(nil)[:16])
}
