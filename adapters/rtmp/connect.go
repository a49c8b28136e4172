package rtmp

import (
	"fmt"
	"net/url"
	"strings"

	"gateway/adapters/rtmp/wire"
	"gateway/bridge"
	"gateway/bridge/media/convert"
)

// An app is what the path of the URL, without the stream, asks for.
type app struct {
	kind         appKind
	user, domain string // whose it is, if the path says so
	query        url.Values
}

type appKind uint8

// The kinds of applications.
const (
	appNone  appKind = iota // not connected yet
	appSIP                  // sip/USER[@DOMAIN][/ANYTHING]: siprtmp's
	appCall                 // call[/USER]: calls by URL
	appPhone                // phone: mod_rtmp's
	appWrong
)

// parseApp reads the app of connect, as "sip/alice@example.org".
func parseApp(text string) app {
	name, query := wire.SplitName(strings.Trim(text, "/"))
	first, rest, _ := strings.Cut(strings.Trim(name, "/"), "/")
	a := app{kind: appWrong, query: query}
	who, _, more := strings.Cut(rest, "/")
	switch first {
	case "sip":
		a.kind = appSIP
	case "call":
		a.kind = appCall
		if more {
			return app{kind: appWrong}
		}
	case "phone":
		a.kind = appPhone
		return a
	default:
		return a
	}
	if who == "" {
		if a.kind == appSIP {
			return app{kind: appWrong}
		}
		return a
	}
	party, ok := parseAddress(who)
	if !ok {
		return app{kind: appWrong}
	}
	a.user, a.domain = party.user, party.domain
	return a
}

// The least that Flash's clients want to see of a server.
const serverVersion = "FMS/3,5,7,0"

// connect takes the first command: NetConnection.connect(url, login, password,
// display name, rate).
func (s *session) connect(c wire.Command) error {
	object, _ := c.Object.(wire.Object)
	encoding := wire.Number(object.Get("objectEncoding"))
	a := parseApp(wire.Text(object.Get("app")))
	s.host = hostOf(wire.Text(object.Get("tcUrl")))
	switch {
	case s.house.draws.Load():
		return s.reject(c, refusedDraining, statusText(bridge.Unavailable, "the gateway is about to end"))
	case encoding != 0 && encoding != 3:
		return s.reject(c, refusedApp, fmt.Sprintf("no such object encoding: %v", encoding))
	case a.kind == appWrong:
		return s.reject(c, refusedApp, `want an application like "sip/USER", "call" or "phone"`)
	case a.domain != "" && !s.house.serves(a.domain, s.host):
		return s.reject(c, refusedDomain, statusText(bridge.NotFound, ""))
	}
	if text := wire.Text(c.Arg(3)); text == "narrowband" {
		s.liking = narrowTaste()
	}
	s.display = oneLine(wire.Text(c.Arg(2)), maxDisplay)
	if err := s.enter(c, a, wire.Number(object.Get("audioCodecs"))); err != nil {
		return err
	}
	s.app, s.amf3 = a, encoding == 3
	greet := s.conn.Greet // a stranger may say little, and not for long
	if s.name != "" {
		greet = s.conn.Establish
	}
	if err := greet(); err != nil {
		return fmt.Errorf("connect: %w", err)
	}
	s.write(c.Result(wire.Object{Fields: append(wire.Obj("fmsVer", serverVersion, "capabilities", 31).Fields, enhancements(object)...)},
		wire.Obj("level", "status", "code", codeConnected, "description", "Connection succeeded.", "objectEncoding", encoding)).Message())
	switch a.kind {
	case appPhone:
		s.token = newID()
		s.call("connected", s.token)
	case appSIP:
		s.present()
	}
	return nil
}

// What Enhanced RTMP calls what can be done with a codec, and with headers (version 2, "Enhancing NetConnection
// connect Command").
const (
	canDecode = 1
	capsModEx = 4
)

// enhancements are what a client of Enhanced RTMP is told that it may send, in the form in which it
// has told what it has itself: names only, or, since version 2, with what is done with them.
func enhancements(object wire.Object) (more []wire.Field) {
	known := []string{fourOpus, fourMP3}
	if convert.Decodes(aacVoice) {
		known = append(known, fourAAC)
	}
	if object.Get("fourCcList") != nil {
		var list []any
		for _, name := range known {
			list = append(list, name)
		}
		more = append(more, wire.Field{Name: "fourCcList", Value: list})
	}
	if object.Get("audioFourCcInfoMap") != nil || object.Get("capsEx") != nil {
		var all wire.Object
		for _, name := range known {
			all.Fields = append(all.Fields, wire.Field{Name: name, Value: canDecode})
		}
		more = append(more, wire.Field{Name: "audioFourCcInfoMap", Value: all}, wire.Field{Name: "capsEx", Value: capsModEx})
	}
	return more
}

// enter has the client show who it is, where its URL says that it is somebody, or
// it says so itself.
func (s *session) enter(c wire.Command, a app, codecs float64) error {
	login, password := wire.Text(c.Arg(0)), wire.Text(c.Arg(1))
	if login == "" {
		login, password = a.query.Get("user"), first(a.query.Get("password"), a.query.Get("pass"))
	}
	if a.kind == appCall {
		var ok bool
		if s.liking, ok = masked(codecs).asked(a.query); !ok {
			return s.reject(c, refusedApp, statusText(bridge.NotAcceptable, reasonCodec))
		}
	}
	who := address{user: first(a.user, login), domain: a.domain}
	switch {
	case a.kind == appPhone, a.kind == appCall && who.user == "":
		return nil
	case a.query.Get("authmod") == adobe || password == "" && a.user != "":
		return s.adobe(c, a)
	}
	if party, ok := parseAddress(login); ok && a.user == "" {
		who = address{user: party.user, domain: party.domain}
	}
	if err := s.prove(who, login, bridge.Secret(password)); err != nil {
		return s.reject(c, refusalOf(err), statusText(asError(err).Cause, asError(err).Reason))
	}
	return nil
}

func first(texts ...string) string {
	for _, t := range texts {
		if t != "" {
			return t
		}
	}
	return ""
}

// hostOf is the host of a URL, as domains compare.
func hostOf(tcURL string) string {
	u, err := url.Parse(tcURL)
	if err != nil {
		return ""
	}
	return foldDomain(u.Host)
}

// reject refuses connect, which ends the connection.
func (s *session) reject(c wire.Command, why, description string) error {
	s.house.metrics.refuse(why)
	s.house.noise.Do(func() { s.log.Info("client refused", "reason", why) })
	return s.turnBack(c, description)
}

// turnBack ends a connection that may be a step of a login: the client comes again.
func (s *session) turnBack(c wire.Command, description string) error {
	s.write(c.Error(nil, wire.Obj("level", "error", "code", codeRejected, "description", description)).Message())
	return errRefused
}

// present has the client be called and written to by its name.
func (s *session) present() {
	name, leave := s.name, s.leave
	s.house.hub.login(s, name)
	s.leave = func() {
		s.house.hub.logout(s, name)
		if leave != nil {
			leave()
		}
	}
}

// withdraw is the inverse, for a client that calls by URL.
func (s *session) withdraw() {
	if !s.byURL && s.app.kind == appSIP {
		s.house.hub.logout(s, s.name)
		s.house.hub.desert(s)
	}
	s.byURL = true
}
