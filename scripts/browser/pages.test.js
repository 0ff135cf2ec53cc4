// Every page loads by itself, everything that it points to is there, and it costs little.
import assert from "node:assert/strict";
import { test } from "node:test";
import { each, pages, site } from "./book.js";
import { readAll } from "./visits.js";

const MOST_BYTES = 300_000;
const book = site();
let reading;
const visits = () => (reading ??= readAll(book, [...pages, "print.html"]));

test("every page loads without errors and asks no other host", async () => {
  const found = await visits();
  await each([...found.keys()], (path) => found.get(path).wrong);
});

test(`every page transfers less than ${MOST_BYTES / 1000} kB`, async (t) => {
  const found = await visits();
  await each(pages, (path) => {
    const { bytes } = found.get(path);
    t.diagnostic(`${path}: ${Math.round(bytes / 1000)} kB`);
    return bytes < MOST_BYTES ? [] : [`${bytes} bytes`];
  });
});

test("links, anchors and images lead somewhere", async () => {
  const found = await visits();
  const known = new Map();
  const idsOf = async (path) => {
    if (!known.has(path)) {
      const response = await fetch(`${book.origin}${path}`);
      const text = response.ok && path.endsWith(".html") ? await response.text() : (await response.arrayBuffer(), "");
      known.set(path, { found: response.ok, ids: new Set([...text.matchAll(/\sid="([^"]*)"/g)].map((it) => it[1])) });
    }
    return known.get(path);
  };
  await each(pages, async (path) => {
    const { links } = found.get(path);
    assert.ok(links.length > 0);
    const wrong = [];
    for (const link of new Set(links.filter((it) => it.startsWith(book.origin)))) {
      const { pathname, hash } = new URL(link);
      const target = await idsOf(pathname.endsWith("/") ? `${pathname}index.html` : pathname);
      const id = decodeURIComponent(hash.slice(1));
      if (!target.found) wrong.push(`no ${pathname}`);
      else if (id && !target.ids.has(id)) wrong.push(`no #${id} in ${pathname}`);
    }
    return wrong;
  });
});

test("diagrams are drawn and have a text alternative", async () => {
  const found = await visits();
  let drawn = 0;
  await each(pages, (path) => {
    const { figures, undrawn } = found.get(path);
    drawn += figures.length;
    const wrong = figures.filter((it) => it.width < 100 || it.height < 50 || !it.text || it.role !== "img" || it.label.length < 20);
    return [...wrong.map((it) => JSON.stringify(it)), ...(undrawn ? ["a diagram is left as text"] : [])];
  });
  assert.ok(drawn > 0, "the book has diagrams");
});

test("every page says how long it takes, and leads to the next one", async () => {
  const found = await visits();
  const ends = [];
  await each(pages, (path) => {
    const { first, next, previous, edit, bare } = found.get(path);
    const wrong = [];
    if (!/\d+ (minutes|hours)|Look things up|As long as/.test(first)) wrong.push(`no time below its title: ${first}`);
    if (!next) ends.push(path);
    if (!previous) ends.push(path);
    if (!edit) wrong.push("no edit link");
    if (bare) wrong.push(`${bare} blocks without a copy button`);
    return wrong;
  });
  assert.equal(ends.length, 2, `only the first and the last page are ends: ${ends}`);
});
