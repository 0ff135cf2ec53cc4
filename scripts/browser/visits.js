// One visit to each page, for all that a test may want to know of it: a page takes a second to load, and there are many.
import { together } from "./book.js";

// Blocks that a button copies. A recorded failure without its command has nothing to copy: see copying.test.js.
const COPIED = "main pre > code:not(.language-console)";

// Reads a page as a reader with an empty cache gets it: what goes wrong, what it weighs, where it leads, and how it is built.
async function read(book, path) {
  return book.visit({}, async (page) => {
    const wrong = [];
    page.on("console", (message) => message.type() === "error" && wrong.push(`console: ${message.text()}`));
    page.on("pageerror", (error) => wrong.push(`script: ${error.message}`));
    page.on("response", (response) => response.status() >= 400 && wrong.push(`${response.status()}: ${response.url()}`));
    page.on("request", (request) => {
      const url = request.url();
      if (!url.startsWith(book.origin) && !url.startsWith("data:")) wrong.push(`asks ${url}`);
    });
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    let bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    // Some scripts start when the page is read, the search when its field is opened.
    await page.goto(`${book.origin}/${path}`, { waitUntil: "networkidle" });
    // On a busy machine the network is idle before the script that adds the buttons has run. What is still bare then is told below.
    const bare = (copied) => [...document.querySelectorAll(copied)].filter((it) => !it.parentElement.querySelector(".clip-button")).length;
    await page.waitForFunction(`(${bare})(${JSON.stringify(COPIED)}) === 0`, null, { timeout: 10_000 }).catch(() => {});
    const built = await page.evaluate(() => {
      const all = (selector, of) => [...document.querySelectorAll(selector)].map(of);
      return {
        links: all("a[href], img[src]", (it) => it.href ?? it.src),
        figures: all("figure.diagram", (figure) => {
          const svg = figure.querySelector("svg");
          const { width, height } = svg?.getBoundingClientRect() ?? { width: 0, height: 0 };
          const text = svg?.querySelectorAll("text, tspan").length ?? 0;
          return { width, height, text, label: svg?.getAttribute("aria-label") ?? "", role: svg?.getAttribute("role") };
        }),
        undrawn: document.querySelectorAll("code.language-mermaid").length,
        first: document.querySelector("main h1 + p")?.textContent ?? "",
        next: Boolean(document.querySelector("a[rel~=next]")),
        previous: Boolean(document.querySelector("a[rel~=prev]")),
        edit: Boolean(document.querySelector('a[href*="/edit/main/book/"]')),
      };
    });
    return { wrong, bytes, bare: await page.evaluate(bare, COPIED), ...built };
  });
}

// What was found on each of the pages, by path.
export async function readAll(book, paths) {
  const found = new Map();
  await together(paths, async (path) => found.set(path, await read(book, path)));
  return found;
}
