// Where things lie: colours of types, time with idle stretches folded away, lanes of actors.
const stage = document.getElementById("stage"), ctx = stage.getContext("2d", { alpha: false });
const GUTTER = 168, TOP = 62, OVERVIEW = 34, NODE_HEIGHT = 24, ARROWS_MAX = 1200;
const view = { from: 0, scale: 1, scroll: 0, lane: 26, width: 0, height: 0, folded: false };
const state = { message: -1, actor: -1, event: -1, chain: null, hits: null, hitEvents: null, collapsed: new Set(), hover: null, drawn: [], frame: 0 };
const found = { messages: new Set(), events: new Set() };
for (const f of meta.findings ?? []) f.messages.forEach((m) => found.messages.add(m)), f.events.forEach((i) => found.events.add(i));

// -- colours: the commonest types get the best told apart ----------------------------------
const PALETTE = [[211, 52], [28, 62], [152, 40], [270, 40], [346, 52], [186, 48], [45, 62], [312, 34], [92, 38], [235, 45], [10, 55], [170, 30]];
const typeCounts = new Map();
for (let m = 0; m < M; ++m) typeCounts.set(msg.type[m], (typeCounts.get(msg.type[m]) ?? 0) + 1);
const typesByCount = [...typeCounts].sort((a, b) => b[1] - a[1]);
const typeRank = new Map(typesByCount.map(([type], i) => [type, i]));
let ink = {}, typeColours = [];
const colourOf = (m) => typeColours[msg.type[m]] ?? ink.soft;
function readColours() {
  const style = getComputedStyle(document.documentElement);
  for (const name of ["back", "raised", "line", "ink", "soft", "faint", "accent", "bad", "warn", "stripe", "node"])
    ink[name] = style.getPropertyValue("--" + name).trim();
  const dark = document.documentElement.classList.contains("dark");
  typeColours = meta.strings.map((_, s) => {
    const rank = typeRank.get(s) ?? 0;
    const [hue, chroma] = rank < PALETTE.length ? PALETTE[rank] : [(rank * 137) % 360, 40];
    return `hsl(${hue} ${chroma}% ${dark ? 64 : 48}%)`;
  });
}

// -- time and folds: u is time without what idle stretches are shortened by ------------------
let folds = [];
function findIdle() {
  const out = [], span = Math.max(1, meta.end - (N ? Math.min(0, ev.time[0]) : 0)), least = span / 25;
  let busyUntil = N ? Math.min(0, ev.time[0]) : 0;
  for (let i = 0; i < N; ++i) {
    if (ev.time[i] - busyUntil > least) out.push({ at: busyUntil, end: ev.time[i] });
    busyUntil = Math.max(busyUntil, ev.time[i] + (isBar(i) ? ev.value[i] : 0));
  }
  const active = span - out.reduce((sum, f) => sum + f.end - f.at, 0);
  let removed = 0;
  for (const f of out) {
    f.shown = Math.min(f.end - f.at, Math.max(active, span / 100) / 30);
    f.u = f.at - removed;
    removed += f.end - f.at - f.shown;
    f.removed = removed;
  }
  return out;
}
const idle = findIdle();
function toU(t) {
  for (let k = folds.length - 1; k >= 0; --k) {
    const f = folds[k];
    if (t >= f.end) return t - f.removed;
    if (t > f.at) return f.u + ((t - f.at) / (f.end - f.at)) * f.shown;
  }
  return t;
}
function toT(u) {
  for (let k = folds.length - 1; k >= 0; --k) {
    const f = folds[k];
    if (u >= f.u + f.shown) return u + f.removed;
    if (u > f.u) return f.at + ((u - f.u) / f.shown) * (f.end - f.at);
  }
  return u;
}
const xOf = (t) => GUTTER + (toU(t) - view.from) * view.scale;
const tAt = (x) => toT(view.from + (x - GUTTER) / view.scale);
const plotWidth = () => Math.max(50, view.width - GUTTER);
const extent = () => {
  const first = N ? Math.min(0, ev.time[0]) : 0, last = Math.max(meta.end, first + 1000);
  return [toU(first), toU(last)];
};

// -- lanes -----------------------------------------------------------------------------------
let lanes = [], rowOfActor = new Int32Array(A), contentHeight = 0;
const used = new Uint8Array(A);
for (let i = 0; i < N; ++i) used[ev.actor[i]] = 1;
for (let m = 0; m < M; ++m) used[msg.sender[m]] = used[msg.receiver[m]] = 1;
if (!marks.first[1] && !actorTrack.first[1] && !msg.sender.includes(0)) used[0] = 0;
function layLanes() {
  lanes = [];
  let y = 0;
  const add = (lane) => lanes.push(Object.assign(lane, { y })) && (y += lane.height);
  if (used[0]) rowOfActor[0] = lanes.length, add({ actor: 0, height: view.lane });
  const byNode = meta.nodes.map(() => []);
  for (let a = 1; a < A; ++a) if (used[a]) byNode[meta.actors[a][2]].push(a);
  byNode.forEach((actors, node) => {
    if (!actors.length && !(nodeMarks.first[node + 1] - nodeMarks.first[node])) return;
    const row = lanes.length, closed = state.collapsed.has(node);
    add({ node, actors: actors.length, height: closed ? view.lane + 4 : NODE_HEIGHT, closed });
    for (const a of actors) {
      rowOfActor[a] = closed ? row : lanes.length;
      if (!closed) add({ actor: a, height: view.lane });
    }
  });
  contentHeight = y;
}
const laneMiddle = (actor) => {
  const lane = lanes[rowOfActor[actor]];
  return TOP + lane.y + lane.height / 2 - view.scroll;
};
