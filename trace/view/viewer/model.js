// The trace: columns of numbers, unpacked once, and indexes over them. A row is a number
// from 0, none is -1. Times are nanoseconds since the start of the run.
const meta = JSON.parse(document.getElementById("meta").textContent);
const KIND = Object.fromEntries(meta.kinds.map((name, i) => [name, i]));

/// Bytes of a column of the page; its text is freed, so a column is taken once.
function columnBytes(name) {
  const element = document.getElementById("column-" + name);
  const text = atob(element.textContent);
  element.remove();
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < bytes.length; ++i) bytes[i] = text.charCodeAt(i);
  return bytes;
}
const unzigzag = (n) => (n % 2 ? -(n + 1) / 2 : n / 2);
/// Numbers of seven bits a byte into `out`; `delta`: as distances from the one before.
function unpack(name, out, delta = false) {
  const bytes = columnBytes(name);
  let at = 0, last = 0;
  for (let i = 0; i < out.length; ++i) {
    let byte = bytes[at++], n = byte & 127, scale = 128;
    while (byte > 127) {
      byte = bytes[at++];
      n += (byte & 127) * scale;
      scale *= 128;
    }
    out[i] = delta ? (last += unzigzag(n)) : n;
  }
  return out;
}
/// For columns whose length is not known before.
function unpackAll(name) {
  const out = [];
  let n = 0, scale = 1;
  for (const byte of columnBytes(name)) {
    n += (byte & 127) * scale;
    scale *= 128;
    if (byte < 128) out.push(n), (n = 0), (scale = 1);
  }
  return out;
}
const N = meta.events, M = meta.messages, A = meta.actors.length;
const ev = {
  time: unpack("time", new Float64Array(N), true),
  value: unpack("value", new Float64Array(N)).map(unzigzag),
  actor: unpack("actor", new Int32Array(N)),
  peer: unpack("peer", new Int32Array(N)),
  type: unpack("type", new Int32Array(N)),
  message: unpack("message", new Int32Array(N), true).map((n) => n - 1),
  cause: unpack("cause", new Int32Array(N)).map((n) => n - 1),
  node: unpack("node", new Uint16Array(N)),
  kind: unpack("kind", new Uint8Array(N)),
};
const msg = {
  number: unpack("m-number", new Float64Array(M), true),
  node: unpack("m-node", new Uint16Array(M)),
  sender: unpack("m-sender", new Int32Array(M)),
  receiver: unpack("m-receiver", new Int32Array(M)),
  type: unpack("m-type", new Int32Array(M)),
  cause: unpack("m-cause", new Float64Array(M)),
  role: unpack("m-role", new Uint8Array(M)),
  sent: new Int32Array(M).fill(-1), delivered: new Int32Array(M).fill(-1),
  handled: new Int32Array(M).fill(-1), discarded: new Int32Array(M).fill(-1),
};
msg.cause = Int32Array.from(msg.cause, (n, i) => (n ? i - unzigzag(n) : -1));
const moreCauses = new Map(); // message -> further causes
{
  const pairs = unpackAll("more-causes");
  for (let i = 0; i < pairs.length; i += 2)
    moreCauses.set(pairs[i], [...(moreCauses.get(pairs[i]) ?? []), pairs[i + 1]]);
}
const payloads = new Map(); // message -> {at, bytes, whole}
const payloadBytes = columnBytes("payloads");
{
  const index = unpackAll("payload-index");
  for (let i = 0, at = 0; i < index.length; i += 3) {
    payloads.set(index[i], { at, bytes: index[i + 1], whole: index[i + 2] });
    at += index[i + 1];
  }
}

/// A message's recorded content.
function payloadOf(m) {
  const p = payloads.get(m);
  return new TextDecoder().decode(payloadBytes.subarray(p.at, p.at + p.bytes));
}

/// First index of a sorted array whose value is not below `x`.
function lowerBound(sorted, x, from = 0, to = sorted.length) {
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (sorted[middle] < x) from = middle + 1;
    else to = middle;
  }
  return from;
}

/// Items of keys 0..count-1 in one array: those of key k are items[first[k]] .. items[first[k + 1]].
function group(count, each) {
  const first = new Uint32Array(count + 1);
  each((key) => ++first[key + 1]);
  for (let k = 0; k < count; ++k) first[k + 1] += first[k];
  const items = new Int32Array(first[count]), next = first.slice();
  each((key, item) => (items[next[key]++] = item));
  return { first, items };
}

const isBar = (i) => ev.kind[i] === KIND.handled || ev.kind[i] === KIND.unfinished;
const arrows = { message: new Int32Array(M), from: new Float64Array(M), to: new Float64Array(M), count: 0, lateness: null };
const BLOCK = 256;
{
  for (let i = 0; i < N; ++i) {
    const m = ev.message[i];
    if (m < 0) continue;
    const kind = ev.kind[i];
    if (kind === KIND.sent) msg.sent[m] < 0 && (msg.sent[m] = i);
    else if (kind === KIND.delivered) msg.delivered[m] < 0 && (msg.delivered[m] = i);
    else if (isBar(i)) msg.handled[m] < 0 && (msg.handled[m] = i);
    else if (kind === KIND.dropped || kind === KIND.dead_lettered) msg.discarded[m] = i;
    else continue;
    ev.type[i] = msg.type[m];
  }
  // By when they leave; then the latest arrival of each block, to find the long ones.
  const starts = new Uint8Array(M);
  for (let i = 0; i < N; ++i) {
    const m = ev.message[i];
    if (m < 0 || starts[m] || ev.kind[i] === KIND.timer_set || ev.kind[i] === KIND.noted) continue;
    starts[m] = 1;
    const end = arrivalEvent(m);
    arrows.message[arrows.count] = m;
    arrows.from[arrows.count] = ev.time[i];
    arrows.to[arrows.count++] = Math.max(ev.time[i], end < 0 ? ev.time[i] : ev.time[end]);
  }
  arrows.from = arrows.from.subarray(0, arrows.count);
  arrows.lateness = new Float64Array(Math.ceil(arrows.count / BLOCK)).fill(-Infinity);
  for (let i = 0; i < arrows.count; ++i)
    arrows.lateness[i >> 8] = Math.max(arrows.lateness[i >> 8], arrows.to[i]);
}
function arrivalEvent(m) {
  for (const i of [msg.handled[m], msg.discarded[m], msg.delivered[m]]) if (i >= 0) return i;
  return -1;
}

/// Handlers of each key in order of time, with what drawing needs: begin, end, the latest
/// end so far (handlers of one actor may nest), and how long it was busy up to each.
function makeTrack(count, keyOf) {
  const track = group(count, (visit) => {
    for (let i = 0; i < N; ++i) if (isBar(i)) visit(keyOf(i), i);
  });
  const n = track.items.length;
  track.begin = new Float64Array(n);
  track.latest = new Float64Array(n);
  track.busy = new Float64Array(n + 1);
  for (let k = 0; k < count; ++k)
    for (let j = track.first[k], latest = -Infinity; j < track.first[k + 1]; ++j) {
      const i = track.items[j];
      track.begin[j] = ev.time[i];
      track.latest[j] = latest = Math.max(latest, ev.time[i] + ev.value[i]);
      track.busy[j + 1] = track.busy[j] + ev.value[i];
    }
  return track;
}
const actorTrack = makeTrack(A, (i) => ev.actor[i]);
const nodeTrack = makeTrack(meta.nodes.length, (i) => ev.node[i]);
const markKinds = new Set(["spawned", "exited", "dropped", "dead_lettered", "timer_set", "redelivered", "noted"].map((k) => KIND[k]));
const marks = group(A, (visit) => {
  for (let i = 0; i < N; ++i) if (markKinds.has(ev.kind[i])) visit(ev.actor[i], i);
});
const nodeMarkKinds = new Set(["node_up", "node_down", "link_up", "link_down", "link_resumed", "fault", "told_to_end", "stood_still"].map((k) => KIND[k]));
const nodeMarks = group(meta.nodes.length, (visit) => {
  for (let i = 0; i < N; ++i) if (nodeMarkKinds.has(ev.kind[i])) visit(ev.node[i], i);
});
const effects = group(M, (visit) => {
  for (let m = 0; m < M; ++m) for (const cause of causesOf(m)) visit(cause, m);
});

function causesOf(m) {
  const first = msg.cause[m] >= 0 && msg.cause[m] !== m ? [msg.cause[m]] : [];
  const more = moreCauses.get(m);
  return more ? [...new Set([...first, ...more])] : first;
}
const effectsOf = (m) => effects.items.subarray(effects.first[m], effects.first[m + 1]);
/// Everything before and after a message, at most `limit` each way.
function chainOf(m, limit = 5000) {
  const walk = (next) => {
    const seen = new Set([m]);
    for (const at of seen) {
      if (seen.size > limit) break;
      for (const other of next(at)) seen.add(other);
    }
    return seen;
  };
  return { before: walk(causesOf), after: walk(effectsOf) };
}
function pathToRoot(m) {
  const path = [m], seen = new Set(path);
  while (msg.cause[m] >= 0 && !seen.has(msg.cause[m])) seen.add((m = msg.cause[m])), path.push(m);
  return path.reverse();
}

// -- names and times; negative: not known ----------------------------------------------
const actorName = (a) => meta.actors[a][0];
const typeName = (m) => meta.strings[msg.type[m]] || "(no type)";
const messageName = (m) => meta.nodes[msg.node[m]].name + ":" + msg.number[m];
const timeOf = (event) => (event < 0 ? NaN : ev.time[event]);
const startOf = (m) => timeOf([msg.sent[m], msg.delivered[m], msg.handled[m], msg.discarded[m]].find((i) => i >= 0) ?? -1);
const networkOf = (m) => (msg.sent[m] < 0 || msg.delivered[m] < 0 ? -1 : ev.time[msg.delivered[m]] - ev.time[msg.sent[m]]);
function waitOf(m) {
  const arrived = msg.delivered[m] >= 0 ? msg.delivered[m] : msg.sent[m], handled = msg.handled[m];
  if (arrived < 0 || handled < 0) return -1;
  if (arrived === msg.sent[m] && ev.node[arrived] !== ev.node[handled]) return -1;
  return ev.time[handled] - ev.time[arrived];
}
const handlingOf = (m) => (msg.handled[m] < 0 || ev.kind[msg.handled[m]] !== KIND.handled ? -1 : ev.value[msg.handled[m]]);
const latencyOf = (m) => (msg.sent[m] < 0 || msg.handled[m] < 0 ? -1 : ev.time[msg.handled[m]] - ev.time[msg.sent[m]]);
const bytesOf = (m) => (msg.delivered[m] < 0 ? -1 : ev.value[msg.delivered[m]]);
const grouped = (n) => n.toLocaleString("en-US");
function duration(ns) {
  if (!isFinite(ns)) return "–";
  const size = Math.abs(ns);
  for (const [unit, scale] of [["s", 1e9], ["ms", 1e6], ["µs", 1e3]])
    if (size >= scale) return Number((ns / scale).toPrecision(size >= 1e12 ? 6 : 3)) + " " + unit;
  return Math.round(ns) + " ns";
}
/// A time since the start, with the digits that a step of `step` ns needs.
function clock(ns, step = 1e3) {
  const digits = Math.max(0, Math.min(9, Math.ceil(9 - Math.log10(step))));
  return (ns / 1e9).toFixed(digits) + " s";
}
