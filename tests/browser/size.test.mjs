// Unit: what people wait for. Goal: applications load at most 4 KiB of script; a page comes, without any cache, in at
// most 20 KiB, and is painted once its HTML and one style sheet are there. Method: gzip; Chromium counts.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

import { openPage, startBrowser } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";

test("otp.js is at most 4 KiB", async () => {
  assert.ok(gzipSync(await readFile(`${process.env.OTPGW_BIN}/../share/otpgateway/static/otp.js`)).length <= 4096);
});

test("a code page is at most 20 KiB, headers and all", async (t) => {
  const gateway = await Gateway.start();
  const browser = await startBrowser();
  try {
    const page = await openPage(browser);
    const devTools = await page.context().newCDPSession(page);
    await devTools.send("Network.enable");
    await devTools.send("Network.setCacheDisabled", { cacheDisabled: true });
    let bytes = 0;
    devTools.on("Network.loadingFinished", ({ encodedDataLength }) => { bytes += encodedDataLength; });
    const otp = await gateway.put({ to: "size@example.com" });
    await page.goto(otp.url, { waitUntil: "networkidle" });
    t.diagnostic(`${bytes} bytes`);
    assert.ok(bytes > 4000 && bytes <= 20 * 1024, `${bytes}`);
    const blocking = await page.evaluate(() => performance.getEntriesByType("resource")
      .filter(({ renderBlockingStatus }) => renderBlockingStatus === "blocking").map(({ name }) => name));
    assert.deepEqual(blocking, [`${gateway.origin}/static/style.css`]);
  } finally {
    await browser.close();
    await gateway.stop();
  }
});
