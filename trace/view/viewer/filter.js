// The filter language of `troupe trace`, and plain search. A filter is turned into a
// function of an event's row.
class Mistake extends Error {
  constructor(at, length, sentence) {
    super(sentence);
    Object.assign(this, { at, length });
  }
  /// The text with the place underlined.
  render(text) {
    const line = text.replace(/[\x00-\x1f]/g, " ");
    return line + "\n" + " ".repeat(this.at) + "^" + "~".repeat(Math.max(0, this.length - 1)) + " " + this.message;
  }
}
const ofMessage = (f) => (i) => (ev.message[i] < 0 ? undefined : f(ev.message[i]));
const known = (f) => ofMessage((m) => (f(m) < 0 ? undefined : f(m)));
const reasonKinds = new Set(["exited", "dropped", "dead_lettered", "node_down", "link_down", "fault", "told_to_end"].map((k) => KIND[k]));
const peerOf = (i) => {
  const m = ev.message[i];
  if (m < 0) return ev.peer[i];
  return ev.kind[i] === KIND.sent ? msg.receiver[m] : msg.sender[m];
};
// name: [kind of value, its value for an event, the text of that value]
const FIELDS = {
  actor: ["text", (i) => ev.actor[i], actorName], peer: ["text", peerOf, actorName],
  sender: ["text", ofMessage((m) => msg.sender[m]), actorName],
  receiver: ["text", ofMessage((m) => msg.receiver[m]), actorName],
  role: ["text", (i) => ev.actor[i], (a) => meta.actors[a][1]],
  node: ["text", (i) => ev.node[i], (n) => meta.nodes[n].name],
  type: ["text", (i) => (ev.message[i] >= 0 ? msg.type[ev.message[i]] : ev.kind[i] === KIND.fault || ev.kind[i] === KIND.told_to_end ? ev.type[i] : undefined), (s) => meta.strings[s]],
  kind: ["kind", (i) => ev.kind[i], (k) => meta.kinds[k]],
  reason: ["text", (i) => (reasonKinds.has(ev.kind[i]) ? ev.value[i] : undefined), (s) => meta.strings[s]],
  note: ["text", (i) => (ev.kind[i] === KIND.noted ? ev.value[i] : undefined), (n) => meta.notes[n]],
  payload: ["text", ofMessage((m) => (payloads.has(m) ? m : undefined)), payloadOf],
  id: ["message", ofMessage((m) => m)],
  cause: ["message", ofMessage((m) => (msg.cause[m] < 0 ? undefined : msg.cause[m]))],
  time: ["duration", (i) => ev.time[i]], wait: ["duration", known(waitOf)], handle: ["duration", known(handlingOf)],
  network: ["duration", known(networkOf)], latency: ["duration", known(latencyOf)],
  bytes: ["size", known(bytesOf)],
  delay: ["duration", (i) => (ev.kind[i] === KIND.timer_set ? ev.value[i] : undefined)],
};
const COMPARE = {
  "=": (a, b) => a === b, "==": (a, b) => a === b, "!=": (a, b) => a !== b,
  "<": (a, b) => a < b, "<=": (a, b) => a <= b, ">": (a, b) => a > b, ">=": (a, b) => a >= b,
};
const UNITS = {
  duration: { ns: 1, us: 1e3, µs: 1e3, ms: 1e6, s: 1e9, m: 6e10, h: 3.6e12 },
  size: { "": 1, B: 1, kB: 1e3, KB: 1e3, MB: 1e6, GB: 1e9, KiB: 1024, MiB: 1 << 20, GiB: 2 ** 30 },
};
const HOW = {
  duration: "is no duration; write a number and a unit: 250us, 2ms, 1.5s",
  size: "is no size; write a number, with a unit if you like: 100, 64KiB",
};
const globToRegExp = (glob) =>
  new RegExp("^" + glob.replace(/[.+^${}()|[\]\\]/g, "\\$&").replace(/\*/g, "[^]*").replace(/\?/g, "[^]") + "$", "u");
function nearest(word, names) {
  const distance = (a, b) => {
    let row = Array.from({ length: b.length + 1 }, (_, j) => j);
    for (let i = 1; i <= a.length; ++i) {
      const next = [i];
      for (let j = 1; j <= b.length; ++j)
        next.push(Math.min(next[j - 1] + 1, row[j] + 1, row[j - 1] + (a[i - 1] !== b[j - 1])));
      row = next;
    }
    return row[b.length];
  };
  const [best, how] = names.map((n) => [n, distance(word, n)]).sort((a, b) => a[1] - b[1])[0];
  return how <= Math.max(2, word.length / 3) ? best : null;
}
function unknown(what, word, names) {
  const near = nearest(word, names);
  return `there is no ${what} "${word}"` + (near ? `; did you mean "${near}"?` : `; ${what}s are ${names.join(", ")}`);
}

/// Throws Mistake.
function parseFilter(text) {
  const tokens = [...text.matchAll(/\s*(?:([()])|(["'])(.*?)\2|(["'])|([=!<>~]+)|([^\s=!<>~()"]+))/gsu)].map((t) => ({
    at: t.index + t[0].length - t[0].trimStart().length, length: t[0].trimStart().length,
    kind: t[1] || (t[2] ? "quoted" : t[4] ? "open quote" : t[5] ? "op" : "word"), text: t[3] ?? t[5] ?? t[6] ?? t[1],
  }));
  const end = { at: text.length, length: 0, kind: "end", text: "" };
  const unclosed = tokens.find((t) => t.kind === "open quote");
  if (unclosed) throw new Mistake(unclosed.at, 1, "this quote is never closed");
  let at = 0;
  const next = () => tokens[at] ?? end;
  const accept = (word) => next().kind === "word" && next().text === word && ++at;
  const fail = (token, sentence) => { throw new Mistake(token.at, token.length, sentence); };
  const either = () => {
    let left = both();
    while (accept("or")) left = ((a, b) => (i) => a(i) || b(i))(left, both());
    return left;
  };
  const both = () => {
    let left = unary();
    while (accept("and")) left = ((a, b) => (i) => a(i) && b(i))(left, unary());
    return left;
  };
  const unary = () => {
    if (accept("not")) return ((a) => (i) => !a(i))(unary());
    if (next().kind !== "(") return test();
    const opening = next();
    ++at;
    const inner = either();
    if (next().kind !== ")") fail(opening, "this parenthesis is never closed");
    ++at;
    return inner;
  };
  const test = () => {
    const name = next();
    if (name.kind !== "word") fail(name, "expected the name of a field here, as in actor=worker-3");
    if (!Object.hasOwn(FIELDS, name.text)) fail(name, unknown("field", name.text, Object.keys(FIELDS)));
    const [kind, get, textOf] = FIELDS[name.text];
    ++at;
    const op = next();
    if (op.kind !== "op") fail(op, `expected one of = != ~ !~ < <= > >= after "${name.text}"`);
    const pattern = op.text === "~" || op.text === "!~";
    if (!pattern && !COMPARE[op.text]) fail(op, `"${op.text}" compares nothing; expected one of = != ~ !~ < <= > >=`);
    const texts = kind === "text" || kind === "kind";
    if (pattern && !texts) fail(op, `"${name.text}" is not text and has no pattern; use = != < <= > >=`);
    if (!pattern && !/^(=|==|!=)$/.test(op.text) && (texts || kind === "message"))
      fail(op, `"${name.text}" has no order; use = or !=` + (texts ? ", or ~ with a pattern" : ""));
    ++at;
    const value = next();
    if (value.kind !== "word" && value.kind !== "quoted") fail(value, `expected what to compare "${name.text}" with`);
    ++at;
    return texts ? textTest(kind, get, textOf, op.text, value) : numberTest(kind, get, op.text, value);
  };
  const textTest = (kind, get, textOf, op, value) => {
    if (kind === "kind" && !op.includes("~") && !(value.text in KIND)) fail(value, unknown("kind", value.text, meta.kinds));
    const glob = globToRegExp(value.text), negative = op[0] === "!";
    const fits = (text) => (op.includes("~") ? glob.test(text) : text === value.text) !== negative;
    const cache = new Map(); // names are few, events many
    return (i) => {
      const index = get(i);
      if (index === undefined) return false;
      if (!cache.has(index)) cache.set(index, fits(textOf(index) ?? ""));
      return cache.get(index);
    };
  };
  const numberTest = (kind, get, op, value) => {
    const compare = COMPARE[op];
    if (kind === "message") {
      const [, node, number] = /^(?:(.*):)?(\d+)$/.exec(value.text) ?? [];
      if (!number) fail(value, `"${value.text}" names no message; write NODE:NUMBER, as in w1:1234, or a number`);
      const same = (m) => msg.number[m] === +number && (!node || meta.nodes[msg.node[m]].name === node);
      return (i) => get(i) !== undefined && same(get(i)) === (op !== "!=");
    }
    const [, number, unit] = /^(-?[\d.]+)\s*(\S*)$/u.exec(value.text) ?? [];
    const scale = number === "0" ? 0 : UNITS[kind][unit];
    if (!isFinite(number) || scale === undefined) fail(value, `"${value.text}" ${HOW[kind]}`);
    return (i) => get(i) !== undefined && compare(get(i), number * scale);
  };
  const filter = either();
  if (at < tokens.length) fail(next(), `expected "and" or "or" before this`);
  return filter;
}

/// A filter if it compares anything; otherwise part of an actor's, type's or message's name.
function parseSearch(text) {
  if (/[=<>~!()]/.test(text)) return parseFilter(text);
  const part = text.trim().toLowerCase();
  const actors = meta.actors.map(([name]) => name.toLowerCase().includes(part));
  const types = meta.strings.map((s) => s.toLowerCase().includes(part));
  const [, node, number] = /^(?:(.*):)?(\d+)$/.exec(part) ?? [];
  return (i) => {
    const m = ev.message[i];
    if (m < 0) return actors[ev.actor[i]];
    if (number && msg.number[m] === +number && (!node || meta.nodes[msg.node[m]].name.toLowerCase() === node)) return true;
    return !node && (types[msg.type[m]] || actors[msg.sender[m]] || actors[msg.receiver[m]]);
  };
}
