// Moving about, selecting, searching; mouse, keyboard, start.
function clampView() {
  const [a, b] = extent(), most = plotWidth() / 50, least = plotWidth() / ((b - a) * 1.5);
  view.scale = Math.min(most, Math.max(least, view.scale)); // from 1.5 runs down to 50 ns
  const width = plotWidth() / view.scale, slack = width * 0.5;
  view.from = Math.min(b - width + slack, Math.max(a - slack, view.from));
  view.scroll = Math.max(0, Math.min(view.scroll, contentHeight - (view.height - TOP) + 40));
  redraw();
}
function zoom(factor, x = GUTTER + plotWidth() / 2) {
  const u = view.from + (x - GUTTER) / view.scale;
  view.scale *= factor;
  const [a, b] = extent();
  view.scale = Math.min(plotWidth() / 50, Math.max(plotWidth() / ((b - a) * 1.5), view.scale));
  view.from = u - (x - GUTTER) / view.scale;
  clampView();
}
function pan(dx, dy = 0) {
  view.from += dx / view.scale;
  view.scroll += dy;
  clampView();
}
function fit() {
  const [a, b] = extent();
  view.scale = (plotWidth() * 0.97) / (b - a);
  view.from = a - (b - a) * 0.015;
  view.scroll = 0;
  clampView();
}
/// Shows the stretch of time, keeping the zoom where it fits into it already.
function reveal(t0, t1, actors) {
  const u0 = toU(t0), u1 = Math.max(toU(t1), u0 + 1), width = plotWidth() / view.scale;
  if (u1 - u0 > width * 0.8 || u1 - u0 < width / 400) view.scale = (plotWidth() * 0.3) / (u1 - u0);
  if (u0 < view.from || u1 > view.from + plotWidth() / view.scale || u1 - u0 < width / 400) view.from = (u0 + u1) / 2 - plotWidth() / view.scale / 2;
  const ys = actors.map((a) => lanes[rowOfActor[a]]).filter(Boolean).map((l) => l.y);
  const top = Math.min(...ys), bottom = Math.max(...ys) + 40, tall = view.height - TOP;
  if (ys.length && (top < view.scroll || bottom > view.scroll + tall)) view.scroll = top - Math.max(20, (tall - (bottom - top)) / 2);
  clampView();
}
function selectMessage(m, show = false) {
  const chain = chainOf(m);
  Object.assign(state, { message: m, event: -1, actor: -1, chain: { ...chain, all: new Set([...chain.before, ...chain.after]) } });
  if (show) {
    const end = arrivalEvent(m);
    reveal(startOf(m), end < 0 ? startOf(m) : ev.time[end] + Math.max(0, handlingOf(m)), [msg.sender[m], msg.receiver[m]]);
  }
  showPanel("selection");
  redraw();
}
function selectActor(a, show = false) {
  Object.assign(state, { message: -1, event: -1, actor: a, chain: null });
  const lane = lanes[rowOfActor[a]];
  if (show && lane && (lane.y < view.scroll || lane.y > view.scroll + view.height - TOP - 40)) (view.scroll = lane.y - 100), clampView();
  showPanel("selection");
  redraw();
}
function selectEvent(i, show = false) {
  Object.assign(state, { message: -1, event: i, actor: -1, chain: null });
  if (show) reveal(ev.time[i], ev.time[i], [ev.actor[i]]);
  showPanel("selection");
  redraw();
}
function clearSelection() {
  Object.assign(state, { message: -1, event: -1, actor: -1, chain: null });
  showPanel();
  redraw();
}
function search(text) {
  state.searched = text;
  byId("mistake").hidden = true;
  if (!text.trim()) {
    Object.assign(state, { hits: null, hitList: null, hitEvents: null });
    byId("hits").textContent = "";
    showPanel(tab === "results" ? "run" : tab);
    return redraw();
  }
  let filter;
  try {
    filter = parseSearch(text);
  } catch (e) {
    if (!(e instanceof Mistake)) throw e;
    byId("mistake").textContent = e.render(text);
    byId("mistake").hidden = false;
    return;
  }
  const hits = new Uint8Array(M), others = [];
  for (let i = 0; i < N; ++i) {
    const m = ev.message[i];
    if (m >= 0 && hits[m]) continue;
    if (!filter(i)) continue;
    if (m >= 0) hits[m] = 1;
    else others.push(i);
  }
  const list = new Int32Array(hits.reduce((n, h) => n + h, 0));
  for (let k = 0, n = 0; k < arrows.count; ++k) if (hits[arrows.message[k]]) list[n++] = arrows.message[k];
  Object.assign(state, { hits, hitList: list, hitEvents: others });
  byId("hits").textContent = `${grouped(list.length)} of ${grouped(M)}`;
  showPanel(tab === "waits" ? "waits" : "results");
  redraw();
}
function searchFor(text) {
  byId("search").value = text;
  search(text);
}
function nextHit(step) {
  const list = state.hitList;
  if (!list?.length) return;
  const at = list.indexOf(state.message);
  selectMessage(list[at < 0 ? (step > 0 ? 0 : list.length - 1) : (at + step + list.length) % list.length], true);
}
function fold() {
  const middle = toT(view.from + plotWidth() / 2 / view.scale);
  view.folded = !view.folded;
  folds = view.folded ? idle : [];
  byId("fold").classList.toggle("on", view.folded);
  overview = null;
  view.from = toU(middle) - plotWidth() / 2 / view.scale;
  fit();
}
function theme(dark) {
  document.documentElement.classList.toggle("dark", dark);
  readColours();
  showPanel();
  redraw();
}
const actions = {
  fit, fold, help: () => byId("help").showModal(), theme: () => theme(!document.documentElement.classList.contains("dark")),
};
const KEYS = [
  ["wheel, + −", "zoom"], ["drag, ← → ↑ ↓", "move; Shift: further"], ["Shift + wheel", "move in time"], ["wheel over the names", "scroll the lanes"],
  ["f or 0", "the whole run"], ["s", "zoom to the selected message"], ["i", "fold idle stretches"], ["[ ]", "lower and taller lanes"],
  ["/", "search"], ["n, p", "next and previous match"], ["c, e", "go to the cause, to the first effect"], ["click a node", "fold its actors"], ["t", "dark or light"], ["Esc", "clear the selection, then the search"], ["?", "this help"],
];
const keys = {
  "+": () => zoom(1.5), "=": () => zoom(1.5), "-": () => zoom(1 / 1.5), f: fit, 0: fit, i: fold, t: actions.theme, "?": actions.help,
  ArrowLeft: (e) => pan(e.shiftKey ? -500 : -100), ArrowRight: (e) => pan(e.shiftKey ? 500 : 100),
  ArrowUp: (e) => pan(0, e.shiftKey ? -300 : -52), ArrowDown: (e) => pan(0, e.shiftKey ? 300 : 52),
  "/": () => byId("search").focus(), n: () => nextHit(1), p: () => nextHit(-1),
  "[": () => laneHeight(-4), "]": () => laneHeight(4),
  c: () => state.message >= 0 && causesOf(state.message).length && selectMessage(causesOf(state.message)[0], true),
  e: () => state.message >= 0 && effectsOf(state.message).length && selectMessage(effectsOf(state.message)[0], true),
  s: () => {
    if (state.message < 0) return;
    const m = state.message, end = arrivalEvent(m), t1 = end < 0 ? startOf(m) + 1000 : ev.time[end] + Math.max(0, handlingOf(m));
    view.scale = (plotWidth() * 0.6) / Math.max(50, toU(t1) - toU(startOf(m)));
    view.from = toU(startOf(m)) - (plotWidth() * 0.2) / view.scale;
    clampView();
  },
  Escape: () => (state.message >= 0 || state.actor >= 0 || state.event >= 0 ? clearSelection() : searchFor("")),
};
function laneHeight(by) {
  view.lane = Math.max(14, Math.min(60, view.lane + by));
  layLanes();
  clampView();
}
addEventListener("keydown", (e) => {
  if (byId("help").open || e.ctrlKey || e.metaKey || e.altKey) return;
  if (e.target === byId("search")) {
    if (e.key === "Enter") search(e.target.value), nextHit(e.shiftKey ? -1 : 1);
    if (e.key === "Escape") stage.focus();
    return;
  }
  if (!keys[e.key] || (e.target.closest("#panel") && e.key.startsWith("Arrow"))) return;
  e.preventDefault();
  keys[e.key](e);
});
let typing = 0;
byId("search").addEventListener("input", (e) => {
  clearTimeout(typing);
  typing = setTimeout(() => search(e.target.value), N > 200000 ? 250 : 80);
});
stage.addEventListener("wheel", (e) => {
  e.preventDefault();
  const by = e.deltaMode === 1 ? e.deltaY * 16 : e.deltaY;
  if (e.offsetX < GUTTER) pan(0, by);
  else if (e.shiftKey || Math.abs(e.deltaX) > Math.abs(e.deltaY)) pan(e.deltaX || by);
  else zoom(Math.exp(-by * 0.0018), e.offsetX);
}, { passive: false });
let drag = null;
function moveToOverview(x) {
  const [a, b] = extent();
  view.from = a + ((x - GUTTER) / plotWidth()) * (b - a) - plotWidth() / view.scale / 2;
  clampView();
}
stage.addEventListener("pointerdown", (e) => {
  drag = { x: e.offsetX, y: e.offsetY, moved: false, overview: e.offsetY < OVERVIEW && e.offsetX > GUTTER };
  stage.setPointerCapture(e.pointerId);
  stage.focus();
  if (drag.overview) moveToOverview(e.offsetX);
});
stage.addEventListener("pointermove", (e) => {
  if (drag?.overview) return moveToOverview(e.offsetX);
  if (drag) {
    if (!drag.moved && Math.hypot(e.offsetX - drag.x, e.offsetY - drag.y) < 4) return;
    pan(drag.x - e.offsetX, drag.y - e.offsetY);
    Object.assign(drag, { x: e.offsetX, y: e.offsetY, moved: true });
    return void (byId("tip").hidden = true);
  }
  const at = pick(e.offsetX, e.offsetY), tip = byId("tip");
  stage.style.cursor = at ? "pointer" : "default";
  tip.hidden = !at || (at.message ?? at.event ?? -1) < 0;
  if (tip.hidden) return;
  const m = at.message ?? -1;
  tip.textContent = m >= 0
    ? `${typeName(m)}  ${messageName(m)}\n${actorName(msg.sender[m])} → ${actorName(msg.receiver[m])}\n` + [["network", networkOf(m)], ["wait", waitOf(m)], ["handling", handlingOf(m)]].filter(([, ns]) => ns >= 0).map(([name, ns]) => `${name} ${duration(ns)}`).join(" · ")
    : `${meta.kinds[ev.kind[at.event]].replace("_", " ")} at ${clock(ev.time[at.event])}`;
  tip.style.left = Math.min(e.clientX + 14, innerWidth - tip.offsetWidth - 8) + "px";
  tip.style.top = Math.min(e.clientY + 16, innerHeight - tip.offsetHeight - 8) + "px";
});
stage.addEventListener("pointerleave", () => (byId("tip").hidden = true));
stage.addEventListener("pointerup", (e) => {
  const click = drag && !drag.moved && !drag.overview;
  drag = null;
  if (!click) return;
  const at = pick(e.offsetX, e.offsetY);
  if (!at) return clearSelection();
  if (at.message >= 0) selectMessage(at.message);
  else if (at.event >= 0) selectEvent(at.event);
  else if (at.actor >= 0) selectActor(at.actor);
  else if (at.node >= 0) {
    if (!state.collapsed.delete(at.node)) state.collapsed.add(at.node);
    layLanes();
    clampView();
  }
});
function resize() {
  const { width, height } = stage.getBoundingClientRect(), ratio = devicePixelRatio || 1;
  Object.assign(view, { width, height });
  stage.width = Math.round(width * ratio);
  stage.height = Math.round(height * ratio);
  overview = null;
  clampView();
}

document.title = meta.title + " – trace";
byId("title").textContent = meta.title;
byId("state").textContent = meta.complete ? "complete" : "incomplete";
byId("state").className = meta.complete ? "good" : "bad";
byId("state").onclick = () => showPanel("run");
byId("fold").hidden = idle.length === 0;
for (const button of document.querySelectorAll("[data-do]")) button.onclick = () => actions[button.dataset.do]();
for (const button of byId("tabs").children) button.onclick = () => showPanel(button.dataset.tab);
byId("help").append(make("h2", {}, "Mouse and keyboard"), facts(KEYS.map(([key, what]) => [make("kbd", {}, key), what])), make("h3", {}, "Filters"),
  make("p", {}, "type=work and (wait>2ms or not actor~worker-*)   fields: " + Object.keys(FIELDS).join(", ")), make("p", {}, "Esc closes this."));
const prefersDark = matchMedia("(prefers-color-scheme: dark)");
prefersDark.addEventListener("change", (e) => theme(e.matches));
layLanes();
theme(prefersDark.matches);
new ResizeObserver(resize).observe(stage);
resize();
fit();
// Where nothing happens for most of the run, what does happen comes first.
if (idle.reduce((sum, f) => sum + f.end - f.at - f.shown, 0) > meta.end / 3) fold();
// For scripts and the console.
window.viewer = { meta, state, view, frameTimes, draw, fit, zoom, pan, search: searchFor, selectMessage, messageName, typeName, xOf, laneMiddle, msg, ev };
