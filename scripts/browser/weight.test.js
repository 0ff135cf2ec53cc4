// How much a page costs a reader with a slow connection.
import { test } from "node:test";
import { each, lessons, pages, site } from "./book.js";

const book = site();
const MOST_BYTES = 300_000;
const TEXT_WITHIN_MS = 1000;
// Fast 3G as WebPageTest defines it: 1.6 Mbit/s down, 768 kbit/s up, 150 ms there and back.
const FAST_3G = { offline: false, downloadThroughput: 1_600_000 / 8, uploadThroughput: 768_000 / 8, latency: 150 };

// Bytes on the wire and the time of the first text, with an empty cache.
async function measure(path, network) {
  return book.visit({}, async (page) => {
    const session = await page.context().newCDPSession(page);
    await session.send("Network.enable");
    await session.send("Network.setCacheDisabled", { cacheDisabled: true });
    if (network) await session.send("Network.emulateNetworkConditions", network);
    let bytes = 0;
    session.on("Network.loadingFinished", ({ encodedDataLength }) => (bytes += encodedDataLength));
    await page.goto(`${book.origin}/${path}`, { waitUntil: "networkidle" });
    await page.waitForFunction(() => performance.getEntriesByName("first-contentful-paint").length > 0);
    const text = await page.evaluate(() => performance.getEntriesByName("first-contentful-paint")[0].startTime);
    return { bytes, text };
  });
}

test(`every page transfers less than ${MOST_BYTES / 1000} kB`, async (t) => {
  await each(pages, async (path) => {
    const { bytes } = await measure(path);
    t.diagnostic(`${path}: ${Math.round(bytes / 1000)} kB`);
    return bytes < MOST_BYTES ? [] : [`${bytes} bytes`];
  });
});

test(`lessons show their text within ${TEXT_WITHIN_MS} ms on fast 3G`, async (t) => {
  await each(lessons, async (path) => {
    // The best of three: the machine may be busy with something else.
    const times = [];
    for (let tries = 0; tries < 3; tries += 1) times.push((await measure(path, FAST_3G)).text);
    t.diagnostic(`${path}: ${times.map((time) => Math.round(time)).join(", ")} ms`);
    return Math.min(...times) <= TEXT_WITHIN_MS ? [] : [`${Math.round(Math.min(...times))} ms`];
  });
});
