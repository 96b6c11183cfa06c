// The viewer's page in a real browser. PAGES names a directory with 1000.html, 100000.html
// and 1000000.html, as scripts/test_viewer.sh makes them.
import assert from "node:assert/strict";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const pages = path.resolve(process.env.PAGES);
let browser;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
});
after(() => browser?.close());

async function open(events, options = {}) {
  const page = await browser.newPage({ viewport: { width: 1400, height: 820 }, ...options });
  page.complaints = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && page.complaints.push(m.text()));
  page.on("pageerror", (e) => page.complaints.push(String(e)));
  page.on("request", (r) => /^(file|data):/.test(r.url()) || page.complaints.push("asked for " + r.url()));
  const start = performance.now();
  await page.goto("file://" + path.join(pages, `${events}.html`));
  await page.waitForFunction(() => window.viewer?.frameTimes.length > 0);
  page.openedMs = performance.now() - start;
  return page;
}
async function shot(page, name) {
  if (process.env.SHOTS) await page.screenshot({ path: path.join(process.env.SHOTS, name + ".png") });
}

test("the page loads without an error, in the light and in the dark", async () => {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open(1000, { colorScheme });
    assert.equal(await page.evaluate(() => document.documentElement.classList.contains("dark")), colorScheme === "dark");
    await shot(page, colorScheme);
    assert.match(await page.textContent("#content"), /It balances/);
    for (const tab of ["selection", "waits", "findings", "results", "run"]) await page.click(`[data-tab=${tab}]`);
    assert.deepEqual(page.complaints, []);
    await page.close();
  }
});

test("a known message is found by its id, clicked in the picture, and shows its cause", async () => {
  const page = await open(1000);
  await page.fill("#search", "main:2");
  await page.waitForFunction(() => document.querySelector("#hits").textContent.startsWith("1 of"));
  await page.click("#content .item");
  assert.match(await page.textContent("#content h2"), /assign_task/);
  await page.keyboard.press("s");
  // Two frames, so that what is clicked is where it was drawn.
  await page.evaluate(() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done))));
  const place = await page.evaluate(() => {
    const m = viewer.state.message, i = viewer.msg.handled[m], box = document.getElementById("stage").getBoundingClientRect();
    const at = { x: box.x + viewer.xOf(viewer.ev.time[i] + viewer.ev.value[i] / 2), y: box.y + viewer.laneMiddle(viewer.msg.receiver[m]) + 5 };
    return at;
  });
  await page.keyboard.press("Escape");
  await page.mouse.click(place.x, place.y);
  await shot(page, "selected");
  assert.match(await page.textContent("#content small"), /main:2/);
  const causes = await page.$$eval("#content ol", (lists) => lists[0].textContent);
  assert.match(causes, /start outside → /);
  assert.match(await page.textContent("#content"), /Effects \(1;/);
  await page.keyboard.press("c");
  assert.match(await page.textContent("#content h2"), /start/);
  assert.match(await page.textContent("#content"), /this is a root/);
  assert.match(await page.textContent("#content"), /Payload, 11 bytes.*\(start\(42\)\)/s);
  assert.deepEqual(page.complaints, []);
  await page.close();
});

test("a filter selects, and a mistake in it is pointed at", async () => {
  const page = await open(1000);
  const counted = async (text) => {
    await page.fill("#search", text);
    await page.waitForFunction((typed) => viewer.state.searched === typed, text);
    return Number((await page.textContent("#hits")).split(" of ")[0].replaceAll(",", ""));
  };
  const all = await counted("kind=sent");
  assert.equal(await counted("kind=sent and not type=assign_task"), all - (await counted("kind=sent and type=assign_task")));
  assert.equal(await counted("kind=dropped"), 1);
  assert.equal(await counted("payload~'*42*'"), 1);
  assert.equal(await counted("(actor~worker-* or actor=coordinator-1) and handle>=0"), all - 1);
  await counted("wait>2parsecs");
  assert.equal(await page.textContent("#mistake"), 'wait>2parsecs\n     ^~~~~~~~ "2parsecs" is no duration; write a number and a unit: 250us, 2ms, 1.5s');
  await counted("tpye=x");
  assert.match(await page.textContent("#mistake"), /did you mean "type"\?/);
  await page.close();
});

for (const events of [1000, 100000, 1000000])
  test(`frames at ${events} events are measured`, async (t) => {
    const page = await open(events);
    await shot(page, `events-${events}`);
    const times = await page.evaluate(async () => {
      const out = {}, frame = () => new Promise(requestAnimationFrame);
      const middle = (all) => all.sort((a, b) => a - b)[all.length >> 1].toFixed(1);
      const timed = async (name, move) => {
        const whole = [];
        viewer.frameTimes.length = 0;
        for (let i = 0, last = await frame(); i < 30; ++i) {
          move();
          const now = await frame();
          whole.push(now - last);
          last = now;
        }
        out[name] = `frame ${middle(whole)} ms (at most ${Math.max(...whole).toFixed(0)}), script ${middle(viewer.frameTimes)} ms`;
      };
      await timed("whole run", () => viewer.fit());
      await timed("zooming in", () => viewer.zoom(1.3));
      await timed("panning", () => viewer.pan(40));
      return out;
    });
    t.diagnostic(`opened in ${page.openedMs.toFixed(0)} ms; medians of 30: ${JSON.stringify(times)}`);
    await shot(page, `zoomed-${events}`);
    assert.deepEqual(page.complaints, []);
    await page.close();
  });
