// Every page loads by itself, and everything that it points to is there.
import assert from "node:assert/strict";
import { test } from "node:test";
import { each, pages, site } from "./book.js";

const book = site();

test("every page loads without errors and asks no other host", async () => {
  await each([...pages, "print.html"], (path) =>
    book.visit({}, async (page) => {
      const wrong = [];
      page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
      page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
      page.on("response", (response) => response.status() >= 400 && wrong.push(`${response.status()}: ${response.url()}`));
      page.on("request", (request) => {
        const url = request.url();
        if (!url.startsWith(book.origin) && !url.startsWith("data:")) wrong.push(`asks ${url}`);
      });
      // Some scripts start when the page is read, the search when its field is opened.
      await page.goto(`${book.origin}/${path}`, { waitUntil: "networkidle" });
      return wrong;
    }),
  );
});

test("links, anchors and images lead somewhere", async () => {
  await book.visit({}, async (page) => {
    const known = new Map();
    const idsOf = async (path) => {
      if (!known.has(path)) {
        const response = await page.request.get(`${book.origin}${path}`);
        const text = response.ok() && path.endsWith(".html") ? await response.text() : "";
        known.set(path, { found: response.ok(), ids: new Set([...text.matchAll(/\sid="([^"]*)"/g)].map((it) => it[1])) });
      }
      return known.get(path);
    };
    await each(pages, async (path) => {
      await page.goto(`${book.origin}/${path}`);
      const links = await page.$$eval("a[href], img[src]", (all) => all.map((it) => it.href ?? it.src));
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
});

test("diagrams are drawn and have a text alternative", async () => {
  let drawn = 0;
  await book.visit({}, async (page) => {
    await each(pages, async (path) => {
      await page.goto(`${book.origin}/${path}`);
      const figures = await page.$$eval("figure.diagram", (all) =>
        all.map((figure) => {
          const svg = figure.querySelector("svg");
          const { width, height } = svg?.getBoundingClientRect() ?? { width: 0, height: 0 };
          const text = svg?.querySelectorAll("text, tspan").length ?? 0;
          return { width, height, text, label: svg?.getAttribute("aria-label") ?? "", role: svg?.getAttribute("role") };
        }),
      );
      drawn += figures.length;
      const wrong = figures.filter((it) => it.width < 100 || it.height < 50 || !it.text || it.role !== "img" || it.label.length < 20);
      const left = await page.$$eval("code.language-mermaid", (all) => all.length);
      return [...wrong.map((it) => JSON.stringify(it)), ...(left ? ["a diagram is left as text"] : [])];
    });
  });
  assert.ok(drawn > 0, "the book has diagrams");
});

test("every page says how long it takes, and leads to the next one", async () => {
  const ends = [];
  await book.visit({}, async (page) => {
    await each(pages, async (path) => {
      await page.goto(`${book.origin}/${path}`);
      const wrong = [];
      const first = await page.evaluate(() => document.querySelector("main h1 + p")?.textContent);
      if (!/\d+ (minutes|hours)|Look things up|As long as/.test(first ?? "")) wrong.push(`no time below its title: ${first}`);
      if (!(await page.$("a[rel~=next]"))) ends.push(path);
      if (!(await page.$("a[rel~=prev]"))) ends.push(path);
      if (!(await page.$('a[href*="/edit/main/book/"]'))) wrong.push("no edit link");
      const bare = await page.$$eval("main pre > code", (all) => all.filter((it) => !it.parentElement.querySelector(".clip-button")).length);
      if (bare) wrong.push(`${bare} blocks without a copy button`);
      return wrong;
    });
  });
  assert.equal(ends.length, 2, `only the first and the last page are ends: ${ends}`);
});
