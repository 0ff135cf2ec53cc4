// What every test needs: the built book served, a browser, and the list of pages.
import assert from "node:assert/strict";
import { readFileSync, readdirSync } from "node:fs";
import { join, relative, resolve } from "node:path";
import { after, before } from "node:test";
import { launch } from "./browser.js";
import { serve } from "./server.js";

const folder = resolve(process.env.BOOK ?? "../../target/book");

function htmlFiles(below) {
  return readdirSync(below, { withFileTypes: true }).flatMap((entry) => {
    const path = join(below, entry.name);
    if (entry.isDirectory()) return htmlFiles(path);
    return entry.name.endsWith(".html") ? [relative(folder, path)] : [];
  });
}

// mdBook's own pages: all chapters at once, the first chapter again, the table of contents as a frame, and the error page.
const OWN = new Set(["print.html", "index.html", "toc.html", "404.html"]);

// Chapters of the book, as paths below its root.
export const pages = htmlFiles(folder).filter((page) => !OWN.has(page)).sort();
assert.ok(pages.length > 0, `no book in ${folder}`);

export const lessons = pages.filter((page) => page.endsWith("/lesson.html"));

// A chapter's HTML, as it was built.
export const html = (page) => readFileSync(join(folder, page), "utf8");

// For one test file: `site.origin` is where the book is, `site.open` opens a page in a context of its own.
export function site() {
  const shared = {};
  before(async () => {
    shared.server = await serve(folder);
    shared.origin = shared.server.origin;
    shared.browser = await launch();
  });
  after(async () => {
    await shared.browser?.close();
    await shared.server?.close();
  });
  shared.visit = async (options, visit) => {
    const context = await shared.browser.newContext({ viewport: { width: 1280, height: 900 }, ...options });
    try {
      return await visit(await context.newPage());
    } finally {
      await context.close();
    }
  };
  return shared;
}

// A browser waits for the network and for its own processes: two pages at a time make use of that.
const AT_ONCE = 2;

// Does the work for each of a list, a few at a time.
export async function together(list, work) {
  const rest = [...list];
  const worker = async () => {
    for (let one = rest.shift(); one !== undefined; one = rest.shift()) await work(one);
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
}

// Collects the failures of many pages, so that one run names them all.
export async function each(list, check, run = inTurn) {
  const failures = [];
  await run(list, async (one) => {
    for (const failure of (await check(one)) ?? []) failures.push(`${one}: ${failure}`);
  });
  assert.equal(failures.length, 0, `\n${failures.join("\n")}`);
}

async function inTurn(list, work) {
  for (const one of list) await work(one);
}
