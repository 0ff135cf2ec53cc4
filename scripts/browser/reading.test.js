// Reading: narrow screens, light and dark, keyboard, search, print.
import AxeBuilder from "@axe-core/playwright";
import assert from "node:assert/strict";
import { test } from "node:test";
import { each, lessons, pages, site, together } from "./book.js";

const book = site();
const PHONE = { viewport: { width: 375, height: 740 }, isMobile: true, hasTouch: true };

test("no page scrolls sideways on a phone", async () => {
  await book.visit(PHONE, async (page) => {
    await each(pages, async (path) => {
      await page.goto(`${book.origin}/${path}`);
      const wide = await page.evaluate(() => {
        const width = document.documentElement.clientWidth;
        if (document.documentElement.scrollWidth <= width && document.body.scrollWidth <= width) return [];
        const inside = (element) => element.closest("pre, .table-wrapper, figure.diagram, #mdbook-sidebar");
        return [...document.querySelectorAll("main *")]
          .filter((it) => it.getBoundingClientRect().right > width + 1 && !inside(it))
          .map((it) => `<${it.tagName.toLowerCase()}> ${it.textContent.slice(0, 60)}`)
          .concat(`${document.documentElement.scrollWidth} px wide`);
      });
      return wide;
    });
  });
});

test("what goes on beyond its place fades there, and nothing else does", async () => {
  await book.visit(PHONE, async (page) => {
    await page.goto(`${book.origin}/reference/conditions.html`);
    const fades = () => page.$$eval(".table-wrapper", (all) => all.map((it) => {
      const rest = it.scrollWidth - it.clientWidth - it.scrollLeft;
      return [rest, parseFloat(getComputedStyle(it).getPropertyValue("--goes-on"))];
    }));
    const atFirst = await fades();
    assert.ok(atFirst.some(([rest]) => rest > 40), "a table is wider than a phone");
    for (const [rest, fade] of atFirst) assert.equal(fade > 0, rest > 0, `${fade} px fade before ${rest} px`);
    await page.$$eval(".table-wrapper", (all) => all.forEach((it) => it.scrollTo(it.scrollWidth, 0)));
    await page.waitForFunction(() => [...document.querySelectorAll(".table-wrapper")]
      .every((it) => parseFloat(getComputedStyle(it).getPropertyValue("--goes-on")) < 1));
  });
});

test("a caption stays in sight while its drawing scrolls", async () => {
  await book.visit(PHONE, async (page) => {
    await page.goto(`${book.origin}/4-1-conditions/lesson.html`);
    const moved = await page.$$eval("figure.diagram", (all) => all.map((figure) => {
      const caption = figure.querySelector("figcaption");
      const wider = [...figure.querySelectorAll("*"), figure].find((it) => it.scrollWidth > it.clientWidth && getComputedStyle(it).overflowX === "auto");
      if (!wider) return null;
      const before = caption.getBoundingClientRect().left;
      wider.scrollTo(wider.scrollWidth, 0);
      return [before - caption.getBoundingClientRect().left, wider.contains(caption)];
    }));
    const scrolled = moved.filter(Boolean);
    assert.ok(scrolled.length > 0, "a drawing is wider than a phone");
    assert.deepEqual(scrolled, scrolled.map(() => [0, false]));
  });
});

test("axe finds nothing serious in light and in dark", async () => {
  const look = (path) => book.visit({}, async (page) => {
    await page.goto(`${book.origin}/${path}`);
    const wrong = [];
    for (const theme of ["light", "navy"]) {
      // As a click on the brush's menu does it.
      await page.evaluate((name) => document.getElementById(`mdbook-theme-${name}`).click(), theme);
      await page.waitForFunction((name) => document.documentElement.classList.contains(name), theme);
      // Without frames axe needs no second page to put their results together.
      const axe = new AxeBuilder({ page }).setLegacyMode(true);
      // What has nothing to do with colours is the same in both.
      const { violations } = await (theme === "light" ? axe : axe.withRules(["color-contrast", "link-in-text-block"])).analyze();
      const serious = violations.filter(({ impact }) => impact === "serious" || impact === "critical");
      for (const { id, nodes } of serious) {
        for (const node of nodes.slice(0, 3)) wrong.push(`${theme}: ${id}: ${node.target} ${node.failureSummary.replace(/\s+/g, " ")}`);
      }
    }
    return wrong;
  });
  await each(pages, look, together);
});

test("the book is dark where the reader's system is", async () => {
  await book.visit({ colorScheme: "dark" }, async (page) => {
    await page.goto(`${book.origin}/introduction.html`);
    const color = await page.evaluate(() => getComputedStyle(document.body).backgroundColor);
    const parts = color.match(/[\d.]+/g).map(Number);
    assert.ok(parts.slice(0, 3).every((part) => part < 80), color);
  });
});

test("the arrow keys turn pages, and / opens the search", async () => {
  await book.visit({}, async (page) => {
    await page.goto(`${book.origin}/introduction.html`);
    await page.keyboard.press("ArrowRight");
    await page.waitForURL("**/setup.html");
    await page.keyboard.press("ArrowLeft");
    await page.waitForURL("**/introduction.html");
    await page.keyboard.press("/");
    await page.waitForFunction(() => document.activeElement?.id === "mdbook-searchbar");
  });
});

test("the table of contents folds and unfolds with the keyboard", async () => {
  await book.visit({}, async (page) => {
    await page.goto(`${book.origin}/introduction.html`);
    const unfolded = () => page.evaluate(() => document.documentElement.classList.contains("sidebar-visible"));
    const before = await unfolded();
    for (const key of ["Enter", " "]) {
      await page.focus("#mdbook-sidebar-toggle");
      await page.keyboard.press(key);
    }
    assert.equal(await unfolded(), before, "twice is back to where it was");
    await page.focus("#mdbook-sidebar-toggle");
    await page.keyboard.press("Enter");
    assert.notEqual(await unfolded(), before);
  });
});

test("the first thing that Tab reaches is visible, and the text can be reached", async () => {
  await book.visit({}, async (page) => {
    await page.goto(`${book.origin}/${lessons[0]}`);
    let reached = false;
    for (let presses = 0; presses < 80 && !reached; presses += 1) {
      await page.keyboard.press("Tab");
      reached = await page.evaluate(() => Boolean(document.activeElement?.closest("main")));
    }
    assert.ok(reached, "80 presses of Tab do not reach the text");
    const outline = await page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
    assert.notEqual(outline, "none");
  });
});

test('search finds "finalizer stuck"', async () => {
  await book.visit({}, async (page) => {
    await page.goto(`${book.origin}/introduction.html`);
    await page.keyboard.press("/");
    await page.waitForFunction(() => document.activeElement?.id === "mdbook-searchbar");
    await page.keyboard.type("finalizer stuck");
    await page.waitForSelector("#mdbook-searchresults li a");
    const found = await page.$$eval("#mdbook-searchresults li a", (all) => all.map((it) => it.getAttribute("href")));
    assert.ok(found.some((link) => link.includes("troubleshooting")), found.join("\n"));
    const [first] = await page.$$("#mdbook-searchresults li a");
    await first.click();
    await page.waitForURL(/highlight=/);
    await page.waitForSelector("main mark");
  });
});

test("no table is cut off on paper", async () => {
  // A4 less the margins of Chromium, at 96 px per inch.
  await book.visit({ viewport: { width: 718, height: 1000 } }, async (page) => {
    await page.emulateMedia({ media: "print" });
    await each(pages, async (path) => {
      await page.goto(`${book.origin}/${path}`);
      return page.$$eval(".table-wrapper", (all) => all
        .filter((it) => it.scrollWidth > it.clientWidth || it.getBoundingClientRect().right > innerWidth)
        .map((it) => `${it.scrollWidth} px in ${it.clientWidth}: ${it.textContent.trim().slice(0, 40)}`));
    });
  });
});

test("print shows what is folded, and the whole book becomes a PDF", async () => {
  await book.visit({}, async (page) => {
    await page.goto(`${book.origin}/${lessons[0]}`);
    await page.emulateMedia({ media: "print" });
    const hidden = await page.$$eval("details:not([open]) > p", (all) => all.filter((it) => it.getBoundingClientRect().height < 5).length);
    assert.equal(hidden, 0, "folded answers are not printed");
    const folded = await page.$$eval("details:not([open])", (all) => all.length);
    assert.ok(folded > 0);
    await page.goto(`${book.origin}/print.html`);
    const bytes = await page.pdf({ format: "A4" });
    assert.equal(bytes.subarray(0, 5).toString(), "%PDF-");
  });
});
