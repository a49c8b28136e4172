// Hands on what is heard, in pieces of 100 ms at 48 kHz.
class Recorder extends AudioWorkletProcessor {
	piece = new Int16Array(4800)
	used = 0
	process([input]) {
		for (const v of input[0] ?? []) {
			this.piece[this.used++] = Math.max(-1, Math.min(1, v)) * 32767
			if (this.used === this.piece.length) {
				this.port.postMessage(this.piece.slice())
				this.used = 0
			}
		}
		return true
	}
}
registerProcessor("recorder", Recorder)
