// A SIP user who calls and is called, with the library JsSIP and the browser's
// WebRTC. It does what it is told by /order, one thing after the other, and tells
// /event what it has seen; what it hears goes to /sound.
"use strict"

let agent, session, settings

// options are how a call is made or taken: all candidates at once, no server asked.
function options() {
	return {mediaStream: tone(), pcConfig: {iceServers: []}, sessionTimersExpires: 300}
}

// take watches a new call.
function take(s) {
	session = s
	const watch = pc => {
		pc.addEventListener("track", e => listen(e.track))
		pc.addEventListener("connectionstatechange", () => tell("connection", {state: pc.connectionState}))
	}
	if (s.connection) watch(s.connection)
	else s.on("peerconnection", e => watch(e.peerconnection))
	s.on("progress", () => { if (s.direction === "outgoing") tell("ringing") })
	s.on("hold", e => { if (e.originator === "remote") tell("hold") })
	s.on("unhold", e => { if (e.originator === "remote") tell("resumed") })
	for (const event of ["ended", "failed"]) s.on(event, e => tell("ended", {reason: String(e.cause)}))
	if (s.direction === "incoming") tell("incoming", {from: s.remote_identity.uri.toString()})
}

// done is a promise of what a library tells by events.
function done(start) {
	return new Promise((well, ill) => start({succeeded: () => well(), failed: e => ill(new Error(e.cause))}))
}

const orders = {
	async register(o) {
		await audio.audioWorklet.addModule("/recorder.js")
		await audio.resume()
		settings = o
		const socket = new JsSIP.WebSocketInterface(o.url)
		agent = new JsSIP.UA({sockets: [socket], uri: o.uri, password: o.password, register_expires: 300})
		agent.on("registered", () => tell("registered"))
		agent.on("registrationFailed", e => tell("refused", {text: String(e.cause)}))
		agent.on("newRTCSession", e => take(e.session))
		agent.on("newMessage", e => {
			if (e.originator === "remote") tell("text", {text: e.request.body, from: e.message.remote_identity.uri.toString()})
		})
		agent.start()
	},
	text({to, text}) { return done(eventHandlers => agent.sendMessage(to, text, {eventHandlers})) },
	dial({to}) { agent.call(to, options()) },
	answer() { session.answer(options()) },
	end() { session.terminate() },
	hold() { return new Promise(well => session.hold({}, well)) },
	resume() { return new Promise(well => session.unhold({}, well)) },
	press({keys}) { session.connection.getSenders().find(x => x.track).dtmf.insertDTMF(keys, 300, 100) },
	async stats() {
		const all = []
		if (session?.connection) (await session.connection.getStats()).forEach(x => all.push(x))
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
