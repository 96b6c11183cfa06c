// The side panel. Texts from the trace go into the page as text only, never as markup.
const byId = (id) => document.getElementById(id);
function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes))
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name === "style") element.style.cssText = value;
    else element.setAttribute(name, value);
  element.append(...children.filter((c) => c !== null && c !== undefined));
  return element;
}
let tab = "run";
function messageItem(m, extra = "") {
  return make("button", { class: "item" + (m === state.message ? " here" : ""), "data-message": m, onclick: () => selectMessage(m, true) },
    make("span", { class: "dot", style: `background:${colourOf(m)}` }),
    make("span", { class: "grow" }, typeName(m), " ", make("small", {}, `${actorName(msg.sender[m])} → ${actorName(msg.receiver[m])}`)),
    make("small", {}, extra));
}
const actorLink = (a) => make("button", { class: "link", onclick: () => selectActor(a, true) }, actorName(a));
function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) if (value !== null && value !== undefined) list.append(make("dt", {}, name), make("dd", {}, value));
  return list;
}
const span = (ns) => (ns < 0 ? null : duration(ns));
function shareBar(m) {
  const parts = [[networkOf(m), "var(--faint)", "network"], [waitOf(m), "var(--warn)", "wait"], [handlingOf(m), colourOf(m), "handling"]].filter(([ns]) => ns > 0);
  return make("div", { class: "share" }, ...parts.map(([ns, colour, name]) => make("span", { style: `flex:${ns};background:${colour}`, title: `${name} ${duration(ns)}` })));
}
function fateText(m) {
  if (msg.discarded[m] >= 0) {
    const i = msg.discarded[m];
    return make("span", { class: "bad" }, `${meta.kinds[ev.kind[i]].replace("_", "-")}: ${meta.strings[ev.value[i]] || "no reason given"}`);
  }
  if (msg.handled[m] < 0) return make("span", { class: "bad" }, "never handled, as far as the trace tells");
  return ev.kind[msg.handled[m]] === KIND.handled ? "handled" : make("span", { class: "warn" }, "in its handler when the trace ended");
}
/// As base/utf8.hpp: what turns the direction of a text or takes no place would hide what else it says.
function visible(text) {
  return text.replace(/[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\uffa0\ufff9-\ufffb\u{1bca0}-\u{1bca3}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu,
    (c) => { const n = c.codePointAt(0); return n < 128 ? "\\x" + n.toString(16).padStart(2, "0") : n < 65536 ? "\\u" + n.toString(16).padStart(4, "0") : "\\U" + n.toString(16).padStart(8, "0"); });
}
function payloadText(m) {
  const p = payloads.get(m);
  if (!p) return null;
  const bytes = payloadBytes.subarray(p.at, p.at + p.bytes);
  let text;
  try {
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes);
    if (/[\x00-\x08\x0e-\x1f]/.test(text)) throw new Error("binary");
    text = visible(text);
  } catch {
    text = "";
    for (let at = 0; at < Math.min(bytes.length, 4096); at += 16) {
      const row = [...bytes.subarray(at, at + 16)];
      text += at.toString(16).padStart(4, "0") + "  " + row.map((b) => b.toString(16).padStart(2, "0")).join(" ").padEnd(49)
        + row.map((b) => (b > 31 && b < 127 ? String.fromCharCode(b) : "·")).join("") + "\n";
    }
  }
  return [make("h3", {}, `Payload, ${grouped(p.whole)} bytes` + (p.whole > p.bytes ? `, cut to ${grouped(p.bytes)}` : "")), make("pre", { class: "payload" }, text)];
}
function showMessage(m) {
  const path = pathToRoot(m), later = effectsOf(m), base = startOf(path[0]), others = causesOf(m).slice(1);
  const after = (other) => "+" + duration(startOf(other) - base);
  const notes = [];
  const h = msg.handled[m];
  for (let i = h; h >= 0 && i < N && ev.time[i] <= ev.time[h] + ev.value[h] && i < h + 20000; ++i)
    if (ev.kind[i] === KIND.noted && ev.message[i] === m) notes.push(meta.notes[ev.value[i]]);
  const list = (items) => make("ol", {}, ...items.map((i) => make("li", {}, i)));
  const wrong = (meta.findings ?? []).filter((f) => f.messages.includes(m));
  return [
    make("h2", {}, typeName(m)), make("small", {}, messageName(m)),
    ...wrong.map((f) => make("p", { class: f.fault ? "bad" : "" }, f.sentence)),
    shareBar(m),
    facts([["from", actorLink(msg.sender[m])], ["to", actorLink(msg.receiver[m])], ["sent", isFinite(startOf(m)) ? clock(startOf(m)) : null],
      ["network", span(networkOf(m))], ["mailbox wait", span(waitOf(m))], ["handling", span(handlingOf(m))],
      ["bytes", bytesOf(m) < 0 ? null : grouped(bytesOf(m))], ["part", [null, "a request", "a response"][msg.role[m]]], ["fate", fateText(m)]]),
    make("h3", {}, "Causes, from the root"),
    path.length === 1 ? make("p", {}, "None recorded: this is a root.") : list([
      ...path.slice(0, -1).slice(0, 4).map((c) => messageItem(c, after(c))),
      ...(path.length > 26 ? [make("p", {}, `… ${grouped(path.length - 25)} more`)] : []),
      ...path.slice(4, -1).slice(-20).map((c) => messageItem(c, after(c))), messageItem(m, after(m))]),
    ...(others.length ? [make("h3", {}, "It waited for these too"), list(others.slice(0, 100).map((c) => messageItem(c)))] : []),
    make("h3", {}, `Effects (${later.length}; ${state.chain ? grouped(state.chain.after.size - 1) : "?"} in all)`),
    later.length ? list([...later.subarray(0, 100)].map((e) => messageItem(e, "+" + duration(startOf(e) - startOf(m))))) : make("p", {}, "It caused no message."),
    ...(notes.length ? [make("h3", {}, "Notes"), ...notes.map((n) => make("p", {}, n))] : []),
    ...(payloadText(m) ?? []),
  ];
}
/// Steps of the mailbox: [time, depth] of an actor's messages that wait.
function depthOf(actor) {
  const steps = [];
  for (let m = 0; m < M; ++m) {
    if (msg.receiver[m] !== actor || waitOf(m) < 0) continue;
    const arrived = msg.delivered[m] >= 0 ? msg.delivered[m] : msg.sent[m];
    steps.push([ev.time[arrived], 1], [ev.time[msg.handled[m]], -1]);
  }
  steps.sort((a, b) => a[0] - b[0] || b[1] - a[1]);
  let depth = 0;
  return steps.map(([t, d]) => [t, (depth += d)]);
}
function chart(height, paint) {
  const canvas = make("canvas", { class: "chart", style: `height:${height}px` });
  requestAnimationFrame(() => {
    const w = canvas.clientWidth, ratio = devicePixelRatio || 1, c = canvas.getContext("2d");
    canvas.width = w * ratio;
    canvas.height = height * ratio;
    c.scale(ratio, ratio);
    c.font = `10.5px ${getComputedStyle(document.body).fontFamily}`;
    paint(c, w, height);
  });
  return canvas;
}
function showActor(a) {
  const steps = depthOf(a), most = steps.reduce((x, [, d]) => Math.max(x, d), 0);
  const first = actorTrack.first[a], last = actorTrack.first[a + 1], busy = actorTrack.busy[last] - actorTrack.busy[first];
  return [
    make("h2", {}, actorName(a)),
    facts([["node", a ? meta.nodes[meta.actors[a][2]].name : null], ["role", meta.actors[a][1]], ["handled", grouped(last - first)],
      ["busy", `${duration(busy)}, ${((100 * busy) / Math.max(1, meta.end)).toFixed(1)} % of the run`], ["deepest mailbox", String(most)]]),
    make("h3", {}, "Mailbox depth over the run"),
    steps.length === 0 ? make("p", {}, "No message of its mailbox has both ends in the trace.") : chart(110, (c, w, h) => {
      const top = new Float64Array(w);
      let depth = 0, x = 0;
      for (const [t, d] of steps) {
        const to = Math.max(0, Math.min(w - 1, Math.floor((t / Math.max(1, meta.end)) * w)));
        for (; x < to; ++x) top[x] = Math.max(top[x], depth);
        top[to] = Math.max(top[to], (depth = d));
      }
      c.fillStyle = ink.accent;
      top.forEach((d, k) => { const tall = (d / Math.max(1, most)) * (h - 18); c.fillRect(k, h - 1 - tall, 1, tall); });
      c.fillStyle = ink.line;
      c.fillRect(0, h - 1, w, 1);
      c.fillStyle = ink.soft;
      c.fillText(`${most}`, 0, 10);
    }),
    make("p", {}, make("button", { class: "link", onclick: () => searchFor(`actor=${quoteName(actorName(a))} or peer=${quoteName(actorName(a))}`) }, "Show only its messages")),
  ];
}
const quoteName = (name) => (/[\s=!<>~()"']/.test(name) || name === "" ? (name.includes('"') ? `'${name}'` : `"${name}"`) : name);
function showEvent(i) {
  const m = ev.message[i], kind = meta.kinds[ev.kind[i]];
  const detail = { noted: () => meta.notes[ev.value[i]], timer_set: () => "after " + duration(ev.value[i]), exited: () => meta.strings[ev.value[i]] || "in order",
    told_to_end: () => `${meta.strings[ev.type[i]]}: ${meta.strings[ev.value[i]]}`, fault: () => `${meta.strings[ev.type[i]]} ${meta.strings[ev.value[i]]}`, stood_still: () => `it had not run for ${duration(ev.value[i])}`, link_resumed: () => `${ev.value[i]} frames sent again` }[kind]?.() ?? (reasonKinds.has(ev.kind[i]) ? meta.strings[ev.value[i]] : null);
  return [make("h2", {}, kind.replace("_", " ")), facts([["at", clock(ev.time[i])], ["actor", ev.actor[i] ? actorLink(ev.actor[i]) : null], ["node", meta.nodes[ev.node[i]].name],
    ["peer node", /^(node|link)_/.test(kind) ? meta.nodes[ev.cause[i]]?.name : null], ["detail", detail || null]]), ...(m >= 0 ? [make("h3", {}, "Message"), messageItem(m)] : [])];
}
function showRun() {
  const l = meta.ledger;
  const reasons = (all) => all.map(([why, n]) => `${why || "no reason"} ${grouped(n)}`).join(", ");
  const more = { dropped: reasons(l.dropped), "dead-lettered": reasons(l.deadLettered) };
  return [
    make("h2", {}, meta.title), make("small", {}, `${new Date(meta.startedUnixMs).toISOString().replace("T", " ").slice(0, 19)} UTC · ${duration(meta.end)} · ${grouped(N)} events · ${grouped(M)} messages`),
    make("h3", {}, "Completeness"), make("p", { class: meta.complete ? "good" : "bad" }, meta.complete ? "The trace is complete." : "Something is missing from the trace."),
    ...meta.remarks.map((r) => make("p", { class: r.missing ? "bad" : "" }, r.text)),
    make("h3", {}, "Ledger"), facts([["sent", grouped(l.sent)], ...l.fates.filter(([, n]) => n > 0).map(([name, n]) => ["= " + name, grouped(n) + (more[name] ? ` (${more[name]})` : "")]), l.unsent ? ["send not recorded", grouped(l.unsent)] : ["", ""]]),
    make("p", { class: l.balanced ? "good" : "bad" }, l.balanced ? "It balances." : "It does not balance."),
    make("h3", {}, "Messages by type"),
    make("ol", {}, ...typesByCount.slice(0, 60).map(([type, n]) => make("li", {}, make("button", { class: "item", onclick: () => searchFor(`type=${quoteName(meta.strings[type])}`) },
      make("span", { class: "dot", style: `background:${typeColours[type]}` }), make("span", { class: "grow" }, meta.strings[type] || "(no type)"), make("small", {}, grouped(n)))))),
    make("h3", {}, "Nodes"),
    facts(meta.nodes.map((n) => [n.name, !n.recorded ? make("span", { class: "bad" }, "not recorded") : `${n.host}, pid ${n.pid}, ${grouped(n.events)} events` + (n.closed ? "" : ", not closed") + (n.clockUncertainty > 0 ? `, clock ±${duration(n.clockUncertainty)}` : "")])),
  ];
}
function showWaits() {
  const bins = new Float64Array(44), waits = [];
  for (let m = 0; m < M; ++m) {
    const wait = state.hits && !state.hits[m] ? -1 : waitOf(m);
    if (wait < 0) continue;
    waits.push(wait);
    ++bins[Math.min(43, Math.max(0, Math.floor(Math.log10(Math.max(1, wait)) * 4)))];
  }
  if (!waits.length) return [make("h2", {}, "Mailbox waits"), make("p", {}, "No message here has a known wait.")];
  const sorted = Float64Array.from(waits).sort(), at = (p) => duration(sorted[Math.min(sorted.length - 1, Math.floor(p * sorted.length))]);
  const used = [...bins.keys()].filter((b) => bins[b] > 0), low = used[0], high = used[used.length - 1] + 1, most = Math.max(...bins);
  const picture = chart(170, (c, w, h) => {
    const each = w / (high - low);
    for (let b = low; b < high; ++b) {
      const tall = bins[b] ? Math.max(1, (bins[b] / most) * (h - 30)) : 0;
      c.fillStyle = ink.accent;
      c.fillRect((b - low) * each + 1, h - 20 - tall, Math.max(1, each - 2), tall);
      c.fillStyle = ink.soft;
      if (b % 4 === 0) c.fillText(duration(10 ** (b / 4)), (b - low) * each, h - 6);
    }
  });
  picture.style.cursor = "pointer";
  picture.title = "Click a bar to see its messages";
  picture.onclick = (e) => {
    const b = low + Math.floor((e.offsetX / picture.clientWidth) * (high - low));
    searchFor(`wait>=${b ? Math.ceil(10 ** (b / 4)) : 0}ns and wait<${Math.ceil(10 ** ((b + 1) / 4))}ns`);
  };
  return [make("h2", {}, "Mailbox waits"), make("small", {}, `${grouped(waits.length)} messages${state.hits ? " that match" : ""}`), picture,
    facts([["p50", at(0.5)], ["p95", at(0.95)], ["p99", at(0.99)], ["longest", duration(sorted[sorted.length - 1])]])];
}
function showFindings() {
  if (!meta.findings) return [make("p", {}, "This page was written without the findings of trace check.")];
  if (!meta.findings.length) return [make("p", { class: "good" }, "Nothing is wrong with this run, as far as its trace tells.")];
  return [make("ol", {}, ...meta.findings.map((f) => make("li", {}, make("button", { class: "item wrap", onclick: () => (f.messages.length ? selectMessage(f.messages[0], true) : f.events.length && selectEvent(f.events[0], true)) },
    make("span", { class: "dot", style: `background:var(--${f.fault ? "bad" : "warn"})` }), make("span", { class: "grow" }, f.sentence), make("small", {}, f.times > 1 ? `×${grouped(f.times)}` : "")))))];
}
function showResults() {
  if (!state.hits) return [make("p", {}, "Type a search or a filter above.")];
  return [make("h2", {}, `${grouped(state.hitList.length)} messages`), ...(state.hitList.length > 300 ? [make("small", {}, "the first 300")] : []),
    make("ol", {}, ...[...state.hitList.subarray(0, 300)].map((m) => make("li", {}, messageItem(m, clock(startOf(m)))))),
    ...(state.hitEvents.length ? [make("h3", {}, "Other events"), ...state.hitEvents.slice(0, 100).map((i) => make("button", { class: "item", onclick: () => selectEvent(i, true) }, make("span", { class: "grow" }, `${meta.kinds[ev.kind[i]]} ${actorName(ev.actor[i])}`), make("small", {}, clock(ev.time[i]))))] : [])];
}
function showSelection() {
  if (state.message >= 0) return showMessage(state.message);
  if (state.event >= 0) return showEvent(state.event);
  if (state.actor >= 0) return showActor(state.actor);
  return [make("p", {}, "Click a handler, an arrow, a mark or the name of an actor.")];
}
function showPanel(which = tab) {
  tab = which;
  for (const button of byId("tabs").children) button.classList.toggle("on", button.dataset.tab === tab);
  byId("content").replaceChildren(...{ selection: showSelection, run: showRun, waits: showWaits, findings: showFindings, results: showResults }[tab]());
  byId("content").scrollTop = 0;
}
