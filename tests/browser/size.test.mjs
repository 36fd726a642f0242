// Unit: what people wait for. Goal: applications load at most 4 KiB of script; a page is painted, as it stays, in one
// round trip and comes, without any cache, in at most 20 KiB. Method: gzip; Chromium counts bytes, and paints while
// every request but the page's own is held back.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { gzipSync } from "node:zlib";

import { assertStill, openPage, startBrowser } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { until } from "./process.mjs";
import { startUpstream } from "./upstream.mjs";

// What a server sends before it hears back: 10 segments (RFC 6928) of 1460 bytes.
const firstFlight = 14600;

let upstream, gateway, themed, browser;
before(async () => {
  upstream = await startUpstream();
  gateway = await Gateway.start({ limits: "", sections: `
[auth.themed]
namespace = "themed"
secret = "secret"
accent = "#8a1c5c"
logo_url = "/static/wide.svg"
${upstream.sections}` });
  themed = gateway.as("themed");
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
  await upstream?.stop();
});

test("otp.js is at most 4 KiB", async () => {
  const script = await (await fetch(`${gateway.origin}/static/otp.js`)).text();
  assert.match(script, /"modal_open":"Open the verification page"/);
  assert.ok(gzipSync(script).length <= 4096, `${gzipSync(script).length}`);
});

for (const lang of ["en", "hi"]) {
  test(`a code page is one flight, and with all it loads at most 20 KiB, headers and all (${lang})`, async (t) => {
    const page = await openPage(browser);
    const devTools = await page.context().newCDPSession(page);
    await devTools.send("Network.enable");
    await devTools.send("Network.setCacheDisabled", { cacheDisabled: true });
    const types = {}, bytes = {};
    devTools.on("Network.responseReceived", ({ requestId, type }) => { types[requestId] = type; });
    devTools.on("Network.loadingFinished", ({ requestId, encodedDataLength }) => {
      bytes[types[requestId]] = (bytes[types[requestId]] ?? 0) + encodedDataLength;
    });
    const otp = await gateway.put({ to: `size-${lang}@example.com` });
    await page.goto(`${otp.url}?lang=${lang}`, { waitUntil: "networkidle" });
    const all = Object.values(bytes).reduce((sum, one) => sum + one, 0);
    t.diagnostic(`${all} bytes: ${JSON.stringify(bytes)}`);
    assert.ok(bytes.Document > 4000 && bytes.Document <= firstFlight);
    assert.ok(all <= 20 * 1024);
    await page.context().close();
  });
}

// Where everything but the logo is and how it is painted; not the times, which go on.
const look = (page) => page.evaluate(() => [...document.querySelectorAll("body, body :not(img)")].map((element) => {
  const { x, y, width, height } = element.getBoundingClientRect();
  const { color, backgroundColor, borderColor, borderRadius, fontSize, fontWeight, display } = getComputedStyle(element);
  const place = [element.tagName, x, y, width, height, backgroundColor, borderColor, borderRadius, fontSize, fontWeight, display];
  // Script disables a button that has to wait.
  return element.matches("[data-cooldown]") ? place : [...place, color];
}));

const sent = { provider: "voice", to: "+15550100001" };  // on its way for as long as the test takes
const phone = { viewport: { width: 360, height: 800 }, colorScheme: "dark" };
const desktop = { viewport: { width: 1280, height: 800 }, colorScheme: "light" };
const pages = [
  ["code on a phone", phone, async () => (await gateway.put(sent)).url],
  ["code on a desktop", desktop, async () => (await gateway.put(sent)).url],
  ["code in the modal", phone, async () => (await gateway.put(sent)).url + "?view=popup"],
  ["code of a namespace with colours and a logo", desktop, async () => (await themed.put(sent)).url],
  ["address of such a namespace", phone, async () => (await themed.put()).url],
  ["expired", desktop, () => `${gateway.origin}/otp/app/no-such-id`],
];
const wideLogo = '<svg xmlns="http://www.w3.org/2000/svg" width="112" height="28"><path d="M0 0h112v28H0z"/></svg>';

for (const [name, device, address] of pages) {
  test(`${name}: painted as it stays before anything else is there`, async () => {
    const page = await openPage(browser, { ...device, reducedMotion: "reduce" });
    const held = [];
    const released = new Promise((resolve) => { held.release = resolve; });
    await page.route("**", async (route) => {
      if (route.request().isNavigationRequest()) return route.continue();
      held.push(new URL(route.request().url()).pathname);
      await released;
      if (route.request().url().endsWith("/wide.svg")) return route.fulfill({ contentType: "image/svg+xml", body: wideLogo });
      return route.continue();
    });
    const url = await address();
    await page.goto(url, { waitUntil: "commit" });
    await page.waitForFunction(() => document.readyState === "interactive" &&
      performance.getEntriesByName("first-contentful-paint").length === 1);
    const ofTheme = url.includes("/themed/");
    assert.equal(await page.evaluate(() => getComputedStyle(document.documentElement).getPropertyValue("--accent")),
                 ofTheme ? "#8a1c5c" : device === phone ? "#9db6ff" : "#2450d6");
    const painted = await look(page);
    await until("the other requests", () => held.length === 2);
    assert.deepEqual([...held].sort(), [ofTheme ? "/static/wide.svg" : "/static/logo.svg", "/static/page.js"].sort());

    held.release();
    await page.waitForFunction(() => document.readyState === "complete" && document.images[0].naturalWidth > 0);
    assert.deepEqual(await look(page), painted);
    await assertStill(page);
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

for (const lang of ["en", "hi", "ar"]) {
  test(`nothing moves when the code has been sent (${lang})`, async () => {
    const page = await openPage(browser);
    const otp = await gateway.put({ to: "somebody.long@example-domain.com" });
    await page.goto(`${otp.url}?lang=${lang}`);
    const below = (state) => page.evaluate((delivery) => {
      document.querySelector("section").dataset.delivery = delivery;
      return document.querySelector("form").getBoundingClientRect().top;
    }, state);
    for (const width of [320, 360, 412]) {
      await page.setViewportSize({ width, height: 800 });
      await page.waitForFunction((wanted) => innerWidth === wanted, width);
      const before = await below("sending");
      assert.equal(await below("sent"), before);
      if (width === 320) assert.notEqual(await below("failed"), before, "it could not move anyway");
    }
    await page.context().close();
  });
}
