"use strict";

// What comes from peers is put into the page as text only.

const every = 2000; // milliseconds between two looks
const widest = 40; // peers in the matrix
const paths = ["internal", "direct", "relayed", "unreached", "unknown"];
const words = {
  internal: "in one network",
  direct: "directly",
  relayed: "by the server",
  unreached: "not at all",
  unknown: "not told",
};
const nats = {
  none: "no NAT",
  "endpoint-independent": "NAT: one port for all",
  "address-dependent": "NAT: a port for each address",
  "address-and-port-dependent": "NAT: a port for each peer (symmetric)",
  dependent: "NAT: not one port for all",
};
const $ = (id) => document.getElementById(id);

function make(tag, attributes = {}, ...children) {
  const node = document.createElement(tag);
  for (const [key, value] of Object.entries(attributes)) {
    if (key === "class") node.className = value;
    else if (key === "share") node.style.width = `${100 * Math.min(1, Math.max(0, value))}%`;
    else node.setAttribute(key, value);
  }
  node.append(...children);
  return node;
}

const milliseconds = (ns) => (ns ? `${(ns / 1e6).toFixed(ns < 1e7 ? 1 : 0)} ms` : "–");
const percent = (share) => `${(100 * share).toFixed(share && share < 0.1 ? 1 : 0)} %`;

function bytes(n) {
  for (const [unit, size] of [["GB", 1e9], ["MB", 1e6], ["kB", 1e3]]) if (n >= size) return `${(n / size).toFixed(1)} ${unit}`;
  return `${n} B`;
}

function ago(from, now) {
  const s = Math.max(0, (Date.parse(now) - Date.parse(from)) / 1000);
  if (s < 90) return `${Math.round(s)} s`;
  if (s < 5400) return `${Math.round(s / 60)} min`;
  return `${Math.round(s / 3600)} h`;
}

const title = (peer) => peer.name || peer.uuid || peer.external;

function meter(label, share, text, path) {
  const bar = make("div", { class: `bar ${path}` }, make("i", { share }));
  return make("div", { class: "meter" }, make("span", {}, label), bar, make("b", {}, text));
}

function showPairs(state, links) {
  const count = Object.fromEntries(paths.map((p) => [p, 0]));
  const known = state.peers.filter((p) => p.uuid);
  let all = 0;
  for (const [from, to] of pairs(state, known)) {
    count[links.get(`${from} ${to}`)?.path ?? "unknown"]++;
    all++;
  }
  const shown = paths.filter((p) => count[p] > 0);
  $("pairs").replaceChildren(...shown.map((p) => make("i", { class: p, share: count[p] / all })));
  $("pairs").setAttribute("aria-label", shown.map((p) => `${count[p]} ${words[p]}`).join(", ") || "no pairs");
  $("legend").replaceChildren(...paths.map((p) => make("li", { class: p, "data-path": p }, make("i"), `${count[p]} ${words[p]}`)));
}

// pairs gives who may reach whom: all of a server's clients, or from a client its peers.
function* pairs(state, known) {
  const froms = state.server ? known.map((p) => p.uuid) : [...new Set(state.links.map((l) => l.from))];
  for (const from of froms) for (const to of known) if (to.uuid !== from) yield [from, to.uuid];
}

function cell(from, to, link) {
  if (from.uuid === to.uuid) return make("td", { class: "self" });
  const path = link?.path ?? "unknown";
  const reached = path !== "unknown" && path !== "unreached";
  const told = `${title(from)} reaches ${title(to)} ${words[path]}` +
    (reached ? `: ${milliseconds(link.rtt)}, jitter ${milliseconds(link.jitter)}, ${percent(link.loss)} lost` : "");
  const td = make("td", { class: path, title: told, "data-from": title(from), "data-to": title(to) }, reached ? milliseconds(link.rtt).replace(" ms", "") : "–");
  if (reached && link.loss > 0) td.append(make("span", { class: "lost", share: link.loss }));
  return td;
}

function showMatrix(state, links) {
  const known = state.peers.filter((p) => p.uuid);
  const some = known.slice(0, widest);
  const rows = state.server ? some : [{ uuid: state.links[0]?.from, name: state.self }];
  const head = make("tr", {}, make("th"), ...some.map((p) => make("th", { scope: "col", title: title(p) }, title(p))));
  const body = rows.map((from) =>
    make("tr", {}, make("th", { scope: "row", title: title(from) }, title(from)), ...some.map((to) => cell(from, to, links.get(`${from.uuid} ${to.uuid}`)))));
  $("matrix").replaceChildren(make("thead", {}, head), make("tbody", {}, ...body));
  $("more").textContent = known.length > some.length ? `The first ${some.length} of ${known.length}; all are in the JSON.` : "";
}

function showPeers(state) {
  const slowest = Math.max(1e7, ...state.peers.map((p) => p.measure.rtt));
  $("peers").replaceChildren(...state.peers.map((p) => {
    const m = p.measure;
    const nat = [nats[p.nat?.mapping], p.nat?.upnp ? "a port by UPnP" : "", p.nat?.filtering ? `filters: ${p.nat.filtering}` : ""];
    return make("li", { "data-peer": title(p) },
      make("strong", {}, title(p)),
      make("small", {}, [p.external, p.internal && `inside ${p.internal}`, `here for ${ago(p.since, state.at)}`].filter(Boolean).join(" · ")), make("br"),
      make("small", {}, nat.filter(Boolean).join(" · ") || (p.version < 3 ? "the original's client" : "NAT not told")),
      meter("time", m.rtt / slowest, milliseconds(m.rtt), "direct"),
      meter("jitter", m.jitter / slowest, milliseconds(m.jitter), "relayed"),
      meter("lost", m.loss, percent(m.loss), "unreached"));
  }));
}

function showTransfers(state) {
  const all = state.transfers ?? [];
  $("transfers-section").hidden = all.length === 0;
  const names = new Map(state.peers.map((p) => [p.uuid, title(p)]));
  const who = (t) => (t.to ? `to ${names.get(t.to) ?? t.to}` : `from ${(t.from ?? []).map((f) => names.get(f) ?? f).join(", ")}`);
  $("transfers").replaceChildren(...all.map((t) => make("li", {}, `${t.name} `, make("small", {}, `${who(t)} · ${bytes(t.bytes)} of ${bytes(t.size)} · ${bytes(t.rate)}/s`),
    meter("", t.size ? t.bytes / t.size : 1, percent(t.size ? t.bytes / t.size : 1), "direct"))));
}

function show(state) {
  const links = new Map(state.links.map((l) => [`${l.from} ${l.to}`, l]));
  $("name").textContent = state.self;
  const n = state.peers.length;
  const relayed = state.relayed?.packets ? ` · ${state.relayed.packets} packets handed on (${bytes(state.relayed.bytes)})` : "";
  $("status").textContent = `${n} ${n === 1 ? "peer" : "peers"} · ${new Date(state.at).toLocaleTimeString()}${state.up ? "" : " · the server does not answer"}${relayed}`;
  $("status").className = state.up ? "" : "old";
  showPairs(state, links);
  showTransfers(state);
  showMatrix(state, links);
  showPeers(state);
  document.body.dataset.shown = state.at;
}

async function look() {
  try {
    const answer = await fetch("state.json", { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.statusText);
    show(await answer.json());
  } catch (err) {
    $("status").textContent = `The gateway does not answer: ${err.message}`;
    $("status").className = "old";
  }
  setTimeout(look, every);
}

look();
