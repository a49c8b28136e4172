// An RTMP client with calls, that the test tells what to do: orders come as lines
// of JSON, events and answers go as such. The protocol is rtmp-client's
// (https://github.com/csimi/rtmp-client); streams, which it does not have, are
// made of what it has below them.
'use strict';

const fs = require('fs');
const readline = require('readline');
const { Client, amf } = require(process.argv[2]);

const say = (o) => process.stdout.write(JSON.stringify(o) + '\n');

let client = null;
const streams = new Map(); // by id: {stream, timer, file}

// mulaw is a sample of 16 bits as G.711 has it.
function mulaw(sample) {
	const sign = sample < 0 ? 0x80 : 0;
	let s = Math.min(Math.abs(sample), 32635) + 132;
	let e = 7;
	for (let m = 0x4000; e > 0 && !(s & m); m >>= 1) e--;
	return ~(sign | e << 4 | s >> (e + 3) & 15) & 0xff;
}

// tone sends mu-law in messages of 20 ms, at the pace of the clock.
function tone(id, hz) {
	const { stream } = streams.get(id);
	const start = Date.now();
	let n = 0;
	streams.get(id).timer = setInterval(() => {
		for (; n * 20 <= Date.now() - start; n++) {
			const body = Buffer.alloc(161);
			body[0] = 0x82;
			for (let i = 0; i < 160; i++) body[i + 1] = mulaw(Math.round(8000 * Math.sin(2 * Math.PI * hz * (n * 160 + i) / 8000)));
			stream.send(8, body);
		}
	}, 20);
}

// values reads the AMF0 of a message.
function values(body) {
	const memo = new amf.Memo();
	const all = [];
	while (memo.position < body.length) all.push(amf.decodeAMF(body, memo));
	return all;
}

// record writes a message of sound as a tag of an FLV file.
function record(s, m) {
	const tag = Buffer.alloc(11 + m.messageBody.length + 4);
	tag[0] = m.messageTypeId;
	tag.writeUIntBE(m.messageBody.length, 1, 3);
	tag.writeUIntBE((Date.now() - s.start) & 0xffffff, 4, 3);
	m.messageBody.copy(tag, 11);
	tag.writeUInt32BE(11 + m.messageBody.length, 11 + m.messageBody.length);
	fs.appendFileSync(s.file, tag);
}

function onMessage(m) {
	const s = streams.get(m.messageStreamId);
	if (!s) return;
	if (m.messageTypeId === 8 && s.file && m.messageBody.length > 0) record(s, m);
	if (m.messageTypeId === 20) {
		const [name, , , info] = values(m.messageBody);
		say({ event: 'stream', stream: m.messageStreamId, name, info });
	}
	if (m.messageTypeId === 18) {
		const [name, ...args] = values(m.messageBody);
		say({ event: 'data', stream: m.messageStreamId, name, args });
	}
}

const orders = {
	async connect({ host, port, app, tcUrl, fields, args }) {
		client = new Client(host, port);
		client.on('command', (name, id, object, ...rest) => {
			say({ event: 'called', name, args: rest, id });
			if (id) client.command('_result', id, null, null);
		});
		client.once('close', () => say({ event: 'closed' }));
		await client.connect();
		client.demuxer.on('data', onMessage);
		const object = { app, tcUrl, flashVer: 'WIN 32,0,0,465', fpad: false, capabilities: 15, audioCodecs: 3191, videoCodecs: 252, videoFunction: 1, objectEncoding: 0, ...fields };
		const [, info] = await client.invoke('connect', null, object, ...args);
		return info;
	},
	async call({ name, args }) {
		const [, value] = await client.invoke(name, null, null, ...args);
		return value;
	},
	async stream() {
		const [, id] = await client.invoke('createStream', null, null);
		streams.set(id, { stream: client.createStream(id) });
		return id;
	},
	async command({ stream, name, args }) {
		streams.get(stream).stream.command(name, 0, null, ...args);
	},
	async tone({ stream, hz }) {
		tone(stream, hz);
	},
	async silence({ stream }) {
		clearInterval(streams.get(stream).timer);
	},
	async data({ stream, name, args }) {
		streams.get(stream).stream.send(18, Buffer.concat([name, ...args].map(amf.toAMF)));
	},
	async record({ stream, file }) {
		fs.writeFileSync(file, Buffer.from([0x46, 0x4c, 0x56, 1, 4, 0, 0, 0, 9, 0, 0, 0, 0]));
		Object.assign(streams.get(stream), { file, start: Date.now() });
	},
	async close() {
		client.close();
	},
};

readline.createInterface({ input: process.stdin }).on('line', async (line) => {
	const { id, order, ...params } = JSON.parse(line);
	try {
		say({ answer: id, value: await orders[order](params) });
	} catch (err) {
		say({ answer: id, refused: err instanceof Error ? { description: String(err) } : err[1] });
	}
}).on('close', () => process.exit(0));
