// What pages that call have in common: what they tell, say and hear. The page's own
// script has the settings.
"use strict"

let telling = Promise.resolve()
const audio = new AudioContext({sampleRate: 48000})

function post(path, body) {
	telling = telling.then(() => fetch(path, {method: "POST", body}))
}

function tell(event, what = {}) { post("/event", JSON.stringify({event, ...what})) }

// tone is what this user says.
function tone() {
	const source = audio.createOscillator(), gain = audio.createGain(), out = audio.createMediaStreamDestination()
	source.frequency.value = settings.tone
	gain.gain.value = 0.25
	source.connect(gain).connect(out)
	source.start()
	return out.stream
}

// listen records a track. Chromium plays one that comes from afar only where an
// element does, too.
function listen(track) {
	const stream = new MediaStream([track]), element = new Audio()
	element.srcObject = stream
	element.muted = true
	element.play()
	const recorder = new AudioWorkletNode(audio, "recorder")
	recorder.port.onmessage = e => { if (track.readyState === "live") post("/sound", e.data) }
	audio.createMediaStreamSource(stream).connect(recorder)
}
