// An XMPP user who calls and is called, with the library stanza and the
// browser's WebRTC. It does what it is told by /order, one thing after the other,
// and tells /event what it has seen; what it hears goes to /sound.
"use strict"

let client, session, settings, sender, number = 0

// only is a description without the codecs that the settings don't have: a browser would
// send what it is offered first, whatever it answers.
function only(sdp) {
	const known = [settings.codec, "telephone-event"]
	const others = [...sdp.matchAll(/^a=rtpmap:(\d+) ([^/]+)/gm)].filter(m => !known.includes(m[2].toLowerCase())).map(m => m[1])
	return sdp.split("\r\n")
		.filter(l => !others.includes(l.match(/^a=(?:rtpmap|fmtp|rtcp-fb):(\d+) /)?.[1]))
		.map(l => l.startsWith("m=audio ") ? l.split(" ").filter((t, i) => i < 3 || !others.includes(t)).join(" ") : l)
		.join("\r\n")
}

// take watches a new session.
function take(s) {
	session = s
	if (settings.codec) {
		const set = s.pc.setRemoteDescription.bind(s.pc)
		s.pc.setRemoteDescription = d => set({type: d.type, sdp: only(d.sdp)})
	}
	s.pc.addEventListener("track", e => listen(e.track))
	s.pc.addEventListener("connectionstatechange", () => {
		tell("connection", {state: s.pc.connectionState})
	})
	s.pc.addEventListener("icecandidate", e => {
		if (e.candidate?.candidate) tell("candidate", {text: e.candidate.candidate})
	})
}

// choose leaves nothing but the codec of the settings, and telephone-event.
function choose(s) {
	if (!settings.codec) return
	const all = RTCRtpReceiver.getCapabilities("audio").codecs
	const codecs = all.filter(c => [settings.codec, "telephone-event"].includes(c.mimeType.toLowerCase().replace("audio/", "")))
	for (const t of s.pc.getTransceivers()) t.setCodecPreferences(codecs)
}

// say adds the tone to a session.
async function say(s) {
	const stream = tone()
	for (const track of stream.getTracks()) await s.addTrack(track, stream)
	choose(s)
	sender = s.pc.getSenders().find(x => x.track)
}

function login(o) {
	settings = o
	client = XMPP.createClient({
		jid: o.jid, resource: o.jid.split("/")[1], password: o.password, transports: {websocket: o.url, bosh: false}, allowResumption: false,
		jingle: {iceServers: [], trickleIce: o.trickle},
	})
	client.on("raw:outgoing", text => tell("sent", {text: String(text)}))
	client.on("raw:incoming", text => tell("got", {text: String(text)}))
	client.on("session:started", async () => {
		if (o.messages) client.disco.addFeature("urn:xmpp:jingle-message:0")
		await client.getRoster() // who has not asked for it is told nothing of it
		client.updateCaps()
		client.sendPresence({legacyCapabilities: client.getCurrentCaps().legacyCapabilities})
		tell("online", {jid: client.jid})
	})
	client.on("auth:failed", () => tell("refused"))
	client.on("disconnected", () => tell("offline"))
	client.on("subscribe", p => client.acceptSubscription(p.from))
	client.on("subscribed", p => tell("subscribed", {from: p.from}))
	client.on("jingle:created", take)
	client.on("jingle:incoming", async s => {
		tell("incoming", {from: s.peerID})
		if (!settings.silent) await s.ring()
	})
	for (const event of ["accepted", "ringing", "hold", "resumed", "mute", "unmute"]) {
		client.on("jingle:" + event, s => tell(event, {sid: s.sid}))
	}
	client.on("jingle:terminated", (s, reason) => tell("ended", {reason: reason?.condition ?? String(reason ?? "")}))
	client.connect()
}

const orders = {
	async login(o) {
		await audio.audioWorklet.addModule("/recorder.js")
		await audio.resume()
		login(o)
	},
	async dial({to, sid}) {
		const s = client.jingle.createMediaSession(to, sid ?? "call-" + ++number + "-" + Math.random().toString(36).slice(2))
		await say(s)
		await s.start({offerToReceiveAudio: true})
	},
	async answer() { await say(session); await session.accept() },
	end({reason}) { session.end(reason) },
	hold() { return session.hold() },
	resume() { return session.resume() },
	press({keys}) { sender.dtmf.insertDTMF(keys, 300, 100) },
	restart() { return session.restartIce() },
	raw({text}) { client.transport.socket.send(text) },
	subscribe({to}) { client.subscribe(to) },
	logout() { client.disconnect() },
	async stats() {
		const all = []
		if (session) (await session.pc.getStats()).forEach(x => all.push(x))
		return all
	},
}

async function obey() {
	for (;;) {
		const {id, order, ...rest} = await (await fetch("/order")).json()
		try {
			tell("done", {id, result: await orders[order]?.(rest) ?? null})
		} catch (e) {
			tell("done", {id, error: String(e)})
		}
	}
}
obey().catch(e => tell("failed", {text: String(e)}))
