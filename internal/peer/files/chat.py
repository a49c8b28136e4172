"""XMPP users on standard input and output, with slixmpp.

Usage: chat.py HOST PORT

A line in is a JSON object that says what to do:
  {"do": "login", "as": "alice@example.org/desk", "password": "..."}
  {"do": "logout", "as": ...}
  {"do": "send", "as": ..., "to": ..., "id": ..., "type": "chat", "thread": ...,
   "bodies": [{"lang": "", "text": "..."}], "subject": "..."}
  {"do": "raw", "as": ..., "xml": "<iq .../>"}
A line out is a JSON object that says what was seen, in its order:
  {"event": "online" | "offline" | "refused", "as": ...}
  {"event": "message" | "iq" | "presence", "as": ..., "from": ..., "to": ..., "id": ..., "type": ..., ...}
A user whose connection is lost logs in again until told to log out.
"""
import asyncio, json, sys
from xml.etree import ElementTree
from xml.sax.saxutils import escape, quoteattr
import slixmpp

NS = "{jabber:client}"
LANG = "{http://www.w3.org/XML/1998/namespace}lang"
STANZAS = "{urn:ietf:params:xml:ns:xmpp-stanzas}"
WANTS = [("receipts", "{urn:xmpp:receipts}request"), ("markers", "{urn:xmpp:chat-markers:0}markable")]
host, port = sys.argv[1], int(sys.argv[2])


def tell(**what):
    print(json.dumps(what), flush=True)


def texts(x, name):
    return [{"lang": e.get(LANG, ""), "text": e.text or ""} for e in x.findall(NS + name)]


def child(x, ns, name):
    e = x.find("{%s}%s" % (ns, name))
    return "" if e is None else e.get("id", "")


def state(x):
    for e in x:
        if e.tag.startswith("{http://jabber.org/protocol/chatstates}"):
            return e.tag.rpartition("}")[2]
    return ""


def error(x):
    e = x.find(NS + "error")
    if e is None:
        return None
    found = {"type": e.get("type", ""), "condition": "", "text": ""}
    for child in e:
        if child.tag == STANZAS + "text":
            found["text"] = child.text or ""
        elif child.tag.startswith(STANZAS):
            found["condition"] = child.tag[len(STANZAS):]
    return found


class User:
    """One resource of one account, kept connected."""

    def __init__(self, jid, password):
        self.jid, self.password, self.client = jid, password, None
        self.task = asyncio.ensure_future(self.run())

    async def run(self):
        try:
            await self.stay()
        except Exception as e:  # an address that slixmpp refuses, say
            tell(event="refused", why=repr(e), **{"as": self.jid})

    async def stay(self):
        while True:
            gone = asyncio.Event()
            try:
                _, w = await asyncio.open_connection(host, port)
                w.close()
            except OSError:
                await asyncio.sleep(0.2)
                continue
            c = slixmpp.ClientXMPP(self.jid, self.password)
            c.register_plugin("feature_mechanisms", {"unencrypted_plain": True})
            c.register_plugin("xep_0199")
            c.add_event_handler("session_start", self.started)
            c.add_event_handler("disconnected", lambda _: gone.set())
            c.add_event_handler("failed_all_auth", lambda _: tell(event="refused", **{"as": self.jid}))
            c.add_filter("in", self.seen)
            self.client = c
            c.connect((host, port), disable_starttls=True)
            try:
                await gone.wait()
            finally:
                c.cancel_connection_attempt()
                tell(event="offline", **{"as": self.jid})
            await asyncio.sleep(0.2)

    def started(self, _):
        self.client.send_presence()

    def seen(self, stanza):
        x = stanza.xml
        kind = x.tag[len(NS):] if x.tag.startswith(NS) else ""
        if kind == "presence" and x.get("from") == self.client.boundjid.full and not x.get("type"):
            tell(event="online", **{"as": self.jid})  # the server has told us of ourselves
        if kind == "presence":
            tell(event=kind, **{"as": self.jid, "from": x.get("from", ""), "to": x.get("to", ""),
                 "type": x.get("type", ""), "show": x.findtext(NS + "show", ""), "error": error(x)})
        if kind in ("message", "iq"):
            delay = x.find("{urn:xmpp:delay}delay")
            thread = x.find(NS + "thread")
            tell(event=kind, **{"as": self.jid, "from": x.get("from", ""), "to": x.get("to", ""),
                 "id": x.get("id", ""), "type": x.get("type", ""), "lang": x.get(LANG, ""),
                 "bodies": texts(x, "body"), "subjects": texts(x, "subject"),
                 "thread": "" if thread is None else thread.text or "",
                 "delay": "" if delay is None else delay.get("stamp", ""),
                 "origin": child(x, "urn:xmpp:sid:0", "origin-id"),
                 "received": child(x, "urn:xmpp:receipts", "received"),
                 "displayed": child(x, "urn:xmpp:chat-markers:0", "displayed"),
                 "wants": [what for what, tag in WANTS if x.find(tag) is not None],
                 "state": state(x), "error": error(x), "xml": ElementTree.tostring(x, encoding="unicode")})
        if kind == "iq" and x.get("type") == "set" and x.find("{urn:xmpp:jingle:1}jingle") is not None:
            return None  # it is answered by whoever reads our output, not with an error
        return stanza

    def send(self, m):
        out = "<message"
        for name in ("to", "id", "type"):
            if m.get(name):
                out += " %s=%s" % (name, quoteattr(m[name]))
        out += ">"
        if m.get("subject"):
            out += "<subject>%s</subject>" % escape(m["subject"])
        for b in m.get("bodies", []):
            lang = " xml:lang=" + quoteattr(b["lang"]) if b.get("lang") else ""
            out += "<body%s>%s</body>" % (lang, escape(b["text"]))
        if m.get("thread"):
            out += "<thread>%s</thread>" % escape(m["thread"])
        self.client.send_raw(out + "</message>")

    async def logout(self):
        c = self.client
        self.task.cancel()
        if c is not None:
            c.disconnect(wait=1.0)
        await asyncio.wait([self.task])


async def main():
    users = {}
    reader = asyncio.StreamReader(limit=1 << 24)
    await asyncio.get_running_loop().connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin)
    tell(event="ready")
    while line := await reader.readline():
        m = json.loads(line)
        who = m["as"]
        if m["do"] == "login":
            users[who] = User(who, m["password"])
        elif m["do"] == "logout":
            await users.pop(who).logout()
        elif m["do"] == "send":
            users[who].send(m)
        elif m["do"] == "raw":
            users[who].client.send_raw(m["xml"])


asyncio.get_event_loop_policy().get_event_loop().run_until_complete(main())
