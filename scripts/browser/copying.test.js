// Copying: commands without prompts and output, by mouse and by keyboard.
import assert from "node:assert/strict";
import { test } from "node:test";
import { each, html, pages, site } from "./book.js";

const book = site();
const CLIPBOARD = { permissions: ["clipboard-read", "clipboard-write"] };
const withConsole = pages.filter((page) => html(page).includes("language-console"));

// Presses the button of a block and says what is in the clipboard then.
async function copied(page, block, press) {
  await page.evaluate(() => navigator.clipboard.writeText("nothing was copied"));
  await press(block.locator(".clip-button"));
  await page.waitForFunction(async () => (await navigator.clipboard.readText()) !== "nothing was copied");
  return page.evaluate(() => navigator.clipboard.readText());
}
const click = async (button) => {
  await button.locator("xpath=ancestor::pre").hover();
  await button.click();
};
const keyboard = async (button) => {
  await button.focus();
  await button.press("Enter");
};

test("a console block's button copies its commands, and a block without commands has none", async () => {
  assert.ok(withConsole.length > 0, "the book has console blocks");
  let several = 0;
  await book.visit(CLIPBOARD, async (page) => {
    await each(withConsole, async (path) => {
      await page.goto(`${book.origin}/${path}`);
      // What is folded has to be open to be pressed.
      await page.$$eval("details", (all) => all.forEach((it) => (it.open = true)));
      const wrong = [];
      for (const block of await page.locator("main pre:has(> code.language-console)").all()) {
        const lines = (await block.locator("code").textContent()).split("\n");
        const typed = lines.filter((line) => line.startsWith("$ ")).map((line) => line.slice(2));
        if (typed.length > 1) several += 1;
        if (typed.length === 0) {
          if (await block.locator(".clip-button").count()) wrong.push(`a button without a command: ${lines[0]}`);
          continue;
        }
        const got = await copied(page, block, click);
        if (got !== typed.join("\n")) wrong.push(`copied ${JSON.stringify(got)}, not ${JSON.stringify(typed)}`);
      }
      return wrong;
    });
  });
  assert.ok(several > 0, "some blocks have several commands");
});

test("a command that goes on is copied to its end", async () => {
  // No page has one now: a page of its own, with mdBook's and the course's scripts.
  const block = ["$ cat > a.yaml << 'EOF'", "kind: Secret", "$ is no prompt here", "EOF", "$ kubectl apply \\", "    --filename a.yaml",
    "secret/a created", "$ grep a <<< $b", "a", ""].join("\n");
  await book.visit(CLIPBOARD, async (page) => {
    const path = withConsole[0];
    const escaped = block.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
    const changed = html(path).replace("</h1>", `</h1><pre id="more"><code class="language-console">${escaped}</code></pre>`);
    await page.route(`**/${path}`, (route) => route.fulfill({ contentType: "text/html", body: changed }));
    await page.goto(`${book.origin}/${path}`);
    const got = await copied(page, page.locator("#more"), click);
    assert.equal(got, ["cat > a.yaml << 'EOF'", "kind: Secret", "$ is no prompt here", "EOF", "kubectl apply \\",
      "    --filename a.yaml", "grep a <<< $b"].join("\n"));
  });
});

test("other blocks are copied as they are", async () => {
  await book.visit(CLIPBOARD, async (page) => {
    await page.goto(`${book.origin}/setup.html`);
    const block = page.locator("main pre:has(> code.language-text)").first();
    const text = await block.locator("code").textContent();
    assert.equal((await copied(page, block, click)).trim(), text.trim());
  });
});

test("a copy button is reached with Tab, seen when it is reached, and pressed with Enter", async () => {
  await book.visit(CLIPBOARD, async (page) => {
    await page.goto(`${book.origin}/${withConsole[0]}`);
    const block = page.locator("main pre:has(> code.language-console)").first();
    const opacity = () => block.locator(".buttons").evaluate((it) => Number(getComputedStyle(it).opacity));
    assert.equal(await opacity(), 0, "nobody is there yet");
    const here = () => block.evaluate((it) => it.contains(document.activeElement));
    for (let presses = 0; presses < 120 && !(await here()); presses += 1) await page.keyboard.press("Tab");
    assert.ok(await here(), "120 presses of Tab do not reach it");
    await page.waitForFunction((it) => getComputedStyle(it).opacity === "1", await block.locator(".buttons").elementHandle());
    assert.match(await copied(page, block, keyboard), /^cargo course /);
  });
});

test("what is selected in a console block has its line breaks once", async () => {
  await book.visit({}, async (page) => {
    await page.goto(`${book.origin}/${withConsole[0]}`);
    const [selected, text] = await page.evaluate(() => {
      const block = document.querySelector("main code.language-console");
      getSelection().selectAllChildren(block);
      return [getSelection().toString(), block.textContent];
    });
    assert.equal(selected.trimEnd(), text.trimEnd());
  });
});
