// The picture: lanes over time. Only what is visible is drawn; where more is visible than
// fits, handlers become a density and arrows a sample.
let asked = false;
const frameTimes = [];
function redraw() {
  if (asked) return;
  asked = true;
  requestAnimationFrame(() => {
    asked = false;
    const start = performance.now();
    draw();
    frameTimes.push(performance.now() - start);
    if (frameTimes.length > 500) frameTimes.shift();
  });
}
function draw() {
  const { width, height } = view, ratio = devicePixelRatio || 1;
  ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
  ctx.fillStyle = ink.back;
  ctx.fillRect(0, 0, width, height);
  ctx.font = `11.5px ${getComputedStyle(document.body).fontFamily}`;
  ctx.textBaseline = "middle";
  const seen = lanes.filter((l) => l.y + l.height > view.scroll && l.y - view.scroll < height - TOP);
  clip(GUTTER, TOP, width - GUTTER, height - TOP, () => {
    for (const lane of seen) drawGround(lane);
    drawGrid();
    drawFolds();
    for (const lane of seen) drawBars(lane);
    for (const lane of seen) drawMarks(lane);
    drawArrows();
    if (state.chain) drawChain();
  });
  drawGutter(seen);
  drawRuler();
  drawOverview();
  drawBadge();
}
function clip(x, y, w, h, what) {
  ctx.save();
  ctx.beginPath();
  ctx.rect(x, y, w, h);
  ctx.clip();
  what();
  ctx.restore();
}
const laneTop = (lane) => TOP + lane.y - view.scroll;
function drawGround(lane) {
  const y = laneTop(lane);
  if (lane.node !== undefined) ctx.fillStyle = ink.node, ctx.fillRect(GUTTER, y, view.width, lane.height);
  else if (lane.actor === state.actor) ctx.fillStyle = ink.node, ctx.fillRect(GUTTER, y, view.width, lane.height);
  ctx.fillStyle = ink.line;
  ctx.fillRect(GUTTER, y + lane.height - 1, view.width, 1);
}
function gridStep() {
  const rough = 110 / view.scale, power = 10 ** Math.floor(Math.log10(rough));
  return [1, 2, 5, 10].find((k) => k * power >= rough) * power;
}
function eachTick(visit) {
  const step = gridStep(), to = tAt(view.width);
  for (let t = Math.ceil(tAt(GUTTER) / step) * step, n = 0; t <= to && n < 200; ++n) {
    visit(t, xOf(t), step);
    const fold = folds.find((f) => t + step > f.at && t + step < f.end);
    t = fold ? Math.ceil(fold.end / step) * step : t + step;
  }
}
function drawGrid() {
  ctx.fillStyle = ink.line;
  eachTick((t, x) => ctx.fillRect(Math.round(x), TOP, 1, view.height));
}
function drawFolds() {
  for (const f of folds) {
    const x = xOf(f.at), w = xOf(f.end) - x;
    if (x > view.width || x + w < GUTTER) continue;
    clip(x, TOP, w, view.height, () => {
      ctx.fillStyle = ink.stripe;
      ctx.fillRect(x, TOP, w, view.height);
      ctx.strokeStyle = ink.line;
      ctx.beginPath();
      for (let k = -view.height; k < w; k += 9) ctx.moveTo(x + k, view.height), ctx.lineTo(x + k + view.height, 0);
      ctx.stroke();
    });
    ctx.fillStyle = ink.soft;
    ctx.textAlign = "center";
    ctx.save();
    ctx.translate(x + w / 2, TOP + 70);
    ctx.rotate(-Math.PI / 2);
    ctx.fillText(`${duration(f.end - f.at)} idle`, 0, 0);
    ctx.restore();
  }
}
const dimmed = (m) => (state.chain && !state.chain.all.has(m)) || (state.hits && !state.hits[m]);
function trackOf(lane) {
  if (lane.node === undefined) return [actorTrack, lane.actor];
  return lane.closed ? [nodeTrack, lane.node] : [null, 0];
}
function drawBars(lane) {
  const [track, key] = trackOf(lane);
  if (!track) return;
  const first = track.first[key], last = track.first[key + 1];
  const from = lowerBound(track.latest, tAt(GUTTER), first, last), to = lowerBound(track.begin, tAt(view.width), from, last);
  const y = laneTop(lane) + 4, h = lane.height - 9;
  if (to - from > plotWidth() / 3) return drawDensity(track, from, to, y, h);
  for (let j = from; j < to; ++j) {
    const i = track.items[j], m = ev.message[i], x = Math.max(GUTTER - 4, xOf(ev.time[i]));
    const w = Math.max(1.5, Math.min(view.width + 4, xOf(ev.time[i] + ev.value[i])) - x);
    ctx.globalAlpha = dimmed(m) ? 0.16 : ev.kind[i] === KIND.unfinished ? 0.45 : 0.85;
    ctx.fillStyle = colourOf(m);
    if (w > 5) ctx.beginPath(), ctx.roundRect(x, y, w, h, 3), ctx.fill();
    else ctx.fillRect(x, y, w, h);
    if (found.messages.has(m) || found.events.has(i)) ctx.globalAlpha = 1, ctx.fillStyle = ink.bad, ctx.fillRect(x, y + h + 1, Math.max(4, w), 2);
    if (w > 46 && h > 10) {
      ctx.globalAlpha = dimmed(m) ? 0.4 : 1;
      ctx.textAlign = "left";
      ctx.fillStyle = ink.back;
      clip(x, y, w - 4, h, () => ctx.fillText(typeName(m), x + 6, y + h / 2 + 0.5));
    }
  }
  ctx.globalAlpha = 1;
}
/// A column of two pixels for all handlers that begin in it: how busy, in the colour of the first.
function drawDensity(track, from, to, y, h) {
  let colour = null;
  for (let x = GUTTER, j = from; x < view.width && j < to; x += 2) {
    const t0 = tAt(x), t1 = tAt(x + 2);
    const end = lowerBound(track.begin, t1, j, Math.min(to, j + 64)) < Math.min(to, j + 64) || j + 64 >= to
      ? lowerBound(track.begin, t1, j, Math.min(to, j + 64)) : lowerBound(track.begin, t1, j, to);
    if (end === j) continue;
    const share = Math.min(1, (track.busy[end] - track.busy[j]) / (t1 - t0)), tall = h * (0.3 + 0.7 * share);
    let m = ev.message[track.items[j]];
    if (state.hits || state.chain) {
      for (let k = j; k < end && k < j + 40; ++k) if (!dimmed(ev.message[track.items[k]])) { m = ev.message[track.items[k]]; break; }
      ctx.globalAlpha = dimmed(m) ? 0.14 : 0.9;
    } else ctx.globalAlpha = 0.75;
    if (colour !== colourOf(m)) ctx.fillStyle = colour = colourOf(m);
    ctx.fillRect(x, y + (h - tall) / 2, 2, tall);
    j = end;
  }
  ctx.globalAlpha = 1;
}
const MARK = { spawned: ["▸", "soft"], exited: ["■", "soft"], dropped: ["✕", "bad"], dead_lettered: ["✕", "warn"], timer_set: ["◷", "soft"], redelivered: ["↻", "warn"], noted: ["●", "accent"], node_up: ["▲", "soft"], node_down: ["▼", "bad"], link_up: ["⇄", "soft"], link_down: ["⇹", "bad"], link_resumed: ["↻", "warn"], fault: ["⚡", "bad"], told_to_end: ["⏹", "bad"], stood_still: ["⏸", "bad"] };
function eachMark(lane, visit) {
  const [all, key] = lane.node === undefined ? [marks, lane.actor] : [nodeMarks, lane.node];
  const step = 7 / view.scale, stop = tAt(view.width);
  const at = (t, from) => { let lo = from, hi = all.first[key + 1]; while (lo < hi) { const mid = (lo + hi) >>> 1; if (ev.time[all.items[mid]] < t) lo = mid + 1; else hi = mid; } return lo; };
  for (let j = at(tAt(GUTTER), all.first[key]); j < all.first[key + 1]; ) {
    const i = all.items[j];
    if (ev.time[i] > stop) return;
    visit(i, xOf(ev.time[i]));
    j = at(toT(toU(ev.time[i]) + step), j + 1);
  }
}
function drawMarks(lane) {
  ctx.textAlign = "center";
  eachMark(lane, (i, x) => {
    const [sign, colour] = MARK[meta.kinds[ev.kind[i]]];
    ctx.fillStyle = ink[found.events.has(i) ? "bad" : colour];
    ctx.globalAlpha = i === state.event ? 1 : 0.75;
    ctx.fillText(sign, x, laneTop(lane) + lane.height / 2 + (lane.node === undefined ? -lane.height / 2 + 6 : 0));
  });
  ctx.globalAlpha = 1;
}
/// Where the arrow of message m runs on the screen.
function curve(m) {
  const start = startOf(m), end = arrivalEvent(m);
  const x0 = xOf(start), x1 = end < 0 ? x0 + 14 : xOf(ev.time[end]), y0 = laneMiddle(msg.sender[m]), y1 = laneMiddle(msg.receiver[m]);
  const bend = Math.max(8, Math.min(90, (x1 - x0) * 0.5)), self = Math.abs(y1 - y0) < 1 ? Math.min(22, 8 + (x1 - x0) * 0.2) : 0;
  return [x0, y0, x0 + bend, y0 - self, x1 - bend, y1 - self, x1, y1];
}
const trace = (c) => (ctx.moveTo(c[0], c[1]), ctx.bezierCurveTo(c[2], c[3], c[4], c[5], c[6], c[7]));
function drawArrows() {
  const t0 = tAt(GUTTER), t1 = tAt(view.width), from = lowerBound(arrows.from, t0), to = lowerBound(arrows.from, t1, from);
  const byType = new Map();
  let stride = 1;
  while ((to - from) / stride > ARROWS_MAX) stride *= 2;
  Object.assign(state, { drawn: [], stride });
  const take = (k) => {
    const m = arrows.message[k];
    if (dimmed(m) && stride > 1) return;
    const c = curve(m);
    if (Math.max(c[1], c[7]) < TOP || Math.min(c[1], c[7]) > view.height) return;
    state.drawn.push({ m, c });
    const key = msg.type[m] * 2 + (dimmed(m) ? 1 : 0);
    byType.get(key)?.push(c) ?? byType.set(key, [c]);
  };
  for (let block = 0, n = 0; block << 8 < from && n < 400; ++block)
    if (arrows.lateness[block] >= t0)
      for (let k = block << 8; k < Math.min(from, (block + 1) << 8) && n < 400; ++k) if (arrows.to[k] >= t0 && k % stride === 0) take(k), ++n;
  for (let k = Math.ceil(from / stride) * stride; k < to; k += stride) take(k);
  const heads = state.drawn.length < 500;
  for (const [key, curves] of byType) {
    ctx.globalAlpha = key % 2 ? 0.08 : stride > 1 ? 0.28 : state.drawn.length > 300 ? 0.5 : 0.75;
    ctx.strokeStyle = ctx.fillStyle = typeColours[key >> 1];
    ctx.lineWidth = stride > 1 ? 0.8 : 1.2;
    ctx.beginPath();
    curves.forEach(trace);
    ctx.stroke();
    if (heads) curves.forEach((c) => head(c, 4));
  }
  ctx.globalAlpha = 1;
}
function head(c, size) {
  const angle = Math.atan2(c[7] - c[5], c[6] - c[4]);
  ctx.beginPath();
  ctx.moveTo(c[6], c[7]);
  for (const turn of [0.42, -0.42]) ctx.lineTo(c[6] - size * 1.9 * Math.cos(angle + turn), c[7] - size * 1.9 * Math.sin(angle + turn));
  ctx.fill();
}
function drawChain() {
  const t0 = tAt(GUTTER), t1 = tAt(view.width);
  let drawn = 0;
  for (const m of state.chain.all) {
    const end = arrivalEvent(m);
    if (startOf(m) > t1 || (end >= 0 && ev.time[end] + 1 < t0) || ++drawn > 800) continue;
    const c = curve(m), chosen = m === state.message;
    ctx.strokeStyle = ctx.fillStyle = chosen ? ink.ink : colourOf(m);
    ctx.lineWidth = chosen ? 2.6 : state.chain.before.has(m) ? 2 : 1.3;
    ctx.beginPath();
    trace(c);
    ctx.stroke();
    head(c, chosen ? 6 : 4.5);
    if (chosen && msg.handled[m] >= 0) {
      const i = msg.handled[m], lane = lanes[rowOfActor[msg.receiver[m]]];
      ctx.beginPath();
      ctx.roundRect(c[6] - 1, laneTop(lane) + 3, Math.max(3, xOf(ev.time[i] + ev.value[i]) - c[6] + 2), lane.height - 7, 4);
      ctx.lineWidth = 2;
      ctx.stroke();
    }
  }
}
function drawGutter(seen) {
  ctx.fillStyle = ink.raised;
  ctx.fillRect(0, 0, GUTTER, view.height);
  clip(0, TOP, GUTTER, view.height - TOP, () => {
    ctx.textAlign = "left";
    for (const lane of seen) {
      const y = laneTop(lane), middle = y + lane.height / 2, node = lane.node !== undefined;
      if (node || lane.actor === state.actor) ctx.fillStyle = ink.node, ctx.fillRect(0, y, GUTTER, lane.height);
      ctx.fillStyle = ink.line;
      ctx.fillRect(0, y + lane.height - 1, GUTTER, 1);
      ctx.fillStyle = node || lane.actor === state.actor ? ink.ink : ink.soft;
      const text = node ? `${lane.closed ? "▸" : "▾"} ${meta.nodes[lane.node].name}` : actorName(lane.actor);
      clip(0, y, GUTTER - 8, lane.height, () => {
        ctx.font = (node ? "600 " : "") + ctx.font.replace(/^(600 )?/, "");
        ctx.fillText(text, node ? 10 : 24, middle);
        if (node) {
          ctx.fillStyle = meta.nodes[lane.node].recorded ? ink.faint : ink.bad;
          const w = ctx.measureText(text).width;
          ctx.fillText(meta.nodes[lane.node].recorded ? lane.actors : "not recorded", 18 + w, middle);
        }
      });
    }
  });
  ctx.fillStyle = ink.line;
  ctx.fillRect(GUTTER - 1, 0, 1, view.height);
}
function drawRuler() {
  ctx.fillStyle = ink.raised;
  ctx.fillRect(GUTTER, OVERVIEW, view.width, TOP - OVERVIEW);
  ctx.fillStyle = ink.line;
  ctx.fillRect(0, TOP - 1, view.width, 1);
  ctx.fillStyle = ink.soft;
  ctx.textAlign = "left";
  clip(GUTTER, OVERVIEW, view.width, TOP, () => eachTick((t, x, step) => ctx.fillText(clock(t, step), x + 5, (OVERVIEW + TOP) / 2)));
  ctx.fillText(`${duration(plotWidth() / view.scale)} shown`, 10, (OVERVIEW + TOP) / 2);
}
let overview = null; // events a column of the whole run
function countOverview() {
  const w = Math.floor(plotWidth()), [a, b] = extent(), counts = new Uint32Array(w), step = Math.max(1, Math.floor(N / 400000));
  for (let i = 0; i < N; i += step) ++counts[Math.min(w - 1, Math.floor(((toU(ev.time[i]) - a) / (b - a)) * w))];
  overview = { counts, most: counts.reduce((x, y) => Math.max(x, y), 1), w };
}
function drawOverview() {
  if (!overview) countOverview();
  const [a, b] = extent(), { counts, most, w } = overview, place = (u) => GUTTER + ((u - a) / (b - a)) * w;
  ctx.fillStyle = ink.raised;
  ctx.fillRect(GUTTER, 0, view.width, OVERVIEW);
  ctx.fillStyle = ink.faint;
  for (let k = 0; k < w; ++k) if (counts[k]) {
    const h = 2 + (OVERVIEW - 8) * Math.sqrt(counts[k] / most);
    ctx.fillRect(GUTTER + k, OVERVIEW - 2 - h, 1, h);
  }
  const x0 = Math.max(GUTTER, place(view.from)), x1 = Math.min(view.width, place(view.from + plotWidth() / view.scale));
  ctx.globalAlpha = 0.16;
  ctx.fillStyle = ink.accent;
  ctx.fillRect(x0, 0, Math.max(3, x1 - x0), OVERVIEW);
  ctx.globalAlpha = 1;
  ctx.fillRect(x0, OVERVIEW - 2, Math.max(3, x1 - x0), 2);
  ctx.fillStyle = ink.line;
  ctx.fillRect(GUTTER, OVERVIEW, view.width, 1);
}
function drawBadge() {
  if (state.stride === 1) return;
  const text = `1 of ${state.stride} messages drawn as arrows · zoom in for all`, w = ctx.measureText(text).width + 20;
  const x = GUTTER + (plotWidth() - w) / 2, y = view.height - 34;
  ctx.fillStyle = ink.raised;
  ctx.strokeStyle = ink.line;
  ctx.beginPath();
  ctx.roundRect(x, y, w, 22, 11);
  ctx.fill();
  ctx.stroke();
  ctx.fillStyle = ink.soft;
  ctx.textAlign = "left";
  ctx.fillText(text, x + 10, y + 11.5);
}

/// What is at a place: {message} or {event} or {actor} or {node} or nothing.
function pick(x, y) {
  const lane = y > TOP ? lanes.find((l) => y >= laneTop(l) && y < laneTop(l) + l.height) : null;
  if (lane && x < GUTTER) return lane.node === undefined ? { actor: lane.actor } : { node: lane.node };
  if (x < GUTTER || y < TOP) return null;
  if (lane) {
    let mark = null;
    const top = lane.node === undefined ? laneTop(lane) + 12 : laneTop(lane) + lane.height;
    if (y < top) eachMark(lane, (i, at) => { if (Math.abs(at - x) < 6) mark = i; });
    if (mark !== null) return { event: mark };
    const [track, key] = trackOf(lane);
    if (track) {
      const from = lowerBound(track.latest, tAt(x - 2), track.first[key], track.first[key + 1]);
      const to = lowerBound(track.begin, tAt(x + 2), from, track.first[key + 1]);
      if (to > from) return { message: ev.message[track.items[to - 1]] };
    }
  }
  let best = 6, at = null;
  for (const { m, c } of state.drawn) {
    if (x < Math.min(c[0], c[6]) - 6 || x > Math.max(c[0], c[6]) + 6) continue;
    for (let k = 0; k <= 24; ++k) {
      const s = k / 24, r = 1 - s, p = [r * r * r, 3 * r * r * s, 3 * r * s * s, s * s * s];
      const d = Math.hypot(p[0] * c[0] + p[1] * c[2] + p[2] * c[4] + p[3] * c[6] - x, p[0] * c[1] + p[1] * c[3] + p[2] * c[5] + p[3] * c[7] - y);
      if (d < best) (best = d), (at = m);
    }
  }
  return at === null ? null : { message: at };
}
