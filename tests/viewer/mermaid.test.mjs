// The Mermaid export in Mermaid itself. PAGES names a directory with 1000.mermaid and 100000.mermaid, as
// scripts/test_viewer.sh makes them; the second is of a run that is larger than what Mermaid takes.
import assert from "node:assert/strict";
import fs from "node:fs";
import { createRequire } from "node:module";
import path from "node:path";
import { after, before, test } from "node:test";
import { chromium } from "playwright-core";

const mermaid = path.join(path.dirname(createRequire(import.meta.url).resolve("mermaid/package.json")), "dist/mermaid.min.js");
let browser, page;
before(async () => {
  browser = await chromium.launch({
    executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
    args: ["--no-sandbox", "--disable-gpu", "--disable-background-networking"],
  });
  page = await browser.newPage({ viewport: { width: 1400, height: 820 } });
  await page.setContent("<!doctype html><div id=out></div>");
  await page.addScriptTag({ path: mermaid });
});
after(() => browser?.close());

for (const events of [1000, 100000])
  test(`Mermaid draws all that the export of ${events} events says`, async () => {
    const text = fs.readFileSync(path.resolve(process.env.PAGES, `${events}.mermaid`), "utf8");
    const drawn = await page.evaluate(async (text) => {
      mermaid.initialize({ startOnLoad: false }); // with its own limits of text and edges
      const { svg } = await mermaid.render("picture", text);
      document.getElementById("out").innerHTML = svg;
      return {
        kind: mermaid.detectType(text),
        complaint: /Syntax error|Maximum text size/.test(svg),
        actors: document.querySelectorAll("#out rect.actor-top").length,
        messages: document.querySelectorAll("#out .messageText").length,
      };
    }, text);
    if (process.env.SHOTS) await page.screenshot({ path: path.join(process.env.SHOTS, `mermaid-${events}.png`) });
    const lines = text.split("\n");
    assert.equal(drawn.kind, "sequence");
    assert.equal(drawn.complaint, false);
    assert.equal(drawn.actors, lines.filter((line) => /^\s*participant /.test(line)).length);
    assert.equal(drawn.messages, lines.filter((line) => /->>|-x/.test(line)).length);
    assert.ok(drawn.messages > 0);
  });
