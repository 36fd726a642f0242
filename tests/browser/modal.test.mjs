// Unit: otp.js and the pages in its frame. Goal: an allowed application gets exactly one message and one
// callback, any other window gets nothing; the modal is accessible and closes in each of the three ways.
// Method: the built gateway, an application's page on another origin under a strict CSP, Chromium.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:http";
import { after, before, test } from "node:test";

import { invalidHtml, makePatient, openPage, startBrowser, violations } from "./browser.mjs";
import { codeIn, Gateway } from "./gateway.mjs";
import { until } from "./process.mjs";
import { startShop } from "./shop.mjs";

let gateway, browser, shop, page, silence;

// A server that never answers.
async function startSilence() {
  silence = createServer(() => {}).listen(0, "127.0.0.1");
  await once(silence, "listening");
  return `http://127.0.0.1:${silence.address().port}`;
}

before(async () => {
  gateway = await Gateway.start({ sections: `
[auth.keyed]
namespace = "keyed"
secret = "secret"
origins = ["http://127.0.0.1:*"]
view_key = true
[auth.slow]
namespace = "slow"
secret = "secret"
origins = ["http://127.0.0.1:*"]
logo_url = "${await startSilence()}/logo.svg"
` });
  browser = await startBrowser();
  shop = await startShop(gateway.origin);
});
after(async () => {
  await browser?.close();
  await shop?.stop();
  await gateway?.stop();
  silence?.close();
  silence?.closeAllConnections();
});

const seen = () => page.evaluate(() => window.seen);
const frame = () => page.frameLocator(".otpgateway iframe");
const modalFrame = () => page.frames().find((one) => one.name() === "" && one.url().startsWith(gateway.origin));

// The field in the frame has the focus: the page there has been greeted, and gets the keys.
const ready = () => until("the focus in the field", () =>
  frame().locator("#otp").evaluate((field) => document.hasFocus() && field === document.activeElement));

async function openModal(otp, { origin = shop.origin, patient = true, locale = "en-GB", ...options } = {}) {
  page = await openPage(browser, { locale });
  if (patient) await makePatient(page);
  page.errors = [];
  page.on("console", (message) => {
    if (message.type() === "error") page.errors.push(message.text());
  });
  await page.goto(`${origin}/?${new URLSearchParams({ namespace: otp.namespace, id: otp.id, ...options })}`);
  await page.click("#go");
}

test("the whole way in the modal: one callback, one message", async () => {
  const otp = await gateway.put();
  await openModal(otp);
  await frame().locator("#to").fill("modal@example.com");
  await frame().locator("button").click();
  await frame().locator("#otp").waitFor();
  const code = codeIn(await gateway.mailTo("modal@example.com"));
  await ready();
  assert.deepEqual(await violations(page), []);

  await page.keyboard.type(code);
  await page.keyboard.press("Enter");
  await until("the callback", async () => (await seen()).finished.length);
  await page.evaluate(() => postMessage("the last"));
  await until("the last message", async () => (await seen()).messages.some(({ data }) => data === "the last"));
  const got = await seen();
  assert.deepEqual(got.finished, [["app", otp.id]]);
  assert.deepEqual(got.result, { namespace: "app", id: otp.id });
  assert.equal(got.cancelled, 0);
  assert.deepEqual(got.messages, [
    { origin: gateway.origin, data: { type: "otpgateway-finished", namespace: "app", id: otp.id } },
    { origin: shop.origin, data: "the last" },
  ]);
  assert.equal(await page.locator("dialog").count(), 0);
  assert.equal(await page.evaluate(() => document.activeElement.id), "go", "focus returns");
  assert.equal(await gateway.verified(otp), true);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

for (const [how, close] of [
  ["the close button", () => page.click("dialog button[aria-label=Close]")],
  ["Escape", () => page.locator("dialog button").press("Escape")],
  ["Escape in the frame", () => frame().locator("#otp").press("Escape")],
  ["a click beside it", () => page.mouse.click(5, 5)],
]) {
  test(`${how} cancels, once`, async () => {
    const otp = await gateway.put({ to: "cancel@example.com" });
    await openModal(otp);
    await ready();
    await close();
    await until("the callback", async () => (await seen()).cancelled);
    await page.mouse.click(5, 5);
    await page.keyboard.press("Escape");
    const got = await seen();
    assert.equal(got.cancelled, 1);
    assert.equal(got.result, null);
    assert.deepEqual(got.finished, []);
    assert.deepEqual(got.messages, []);
    assert.equal(await page.locator("dialog").count(), 0);
    await page.click("#go");
    await frame().locator("#otp").waitFor();  // and it opens again
    await page.context().close();
  });
}

test("the dialog is named as its page, keeps the focus, and is as tall as the page", async () => {
  const otp = await gateway.put({ to: "named@example.com" });
  await openModal(otp, { lang: "ar" });
  const dialog = page.getByRole("dialog", { name: "أدخِل الرمز" });
  await dialog.waitFor();
  assert.equal(await dialog.getAttribute("dir"), "rtl");
  assert.equal(await page.getAttribute("dialog iframe", "title"), "أدخِل الرمز");
  assert.equal(await page.getAttribute("dialog iframe", "allow"), "otp-credentials");
  await page.getByRole("button", { name: "إغلاق" }).waitFor();
  await until("no scrolling in the frame", () => frame().locator("html").evaluate((html) =>
    html.scrollHeight <= innerHeight && innerHeight - document.body.offsetHeight < 2));
  const behind = new Set();
  for (let i = 0; i < 12; i++) {
    await page.keyboard.press(i < 8 ? "Tab" : "Shift+Tab");
    behind.add(await page.evaluate(() => document.activeElement.closest("dialog, body").nodeName +
                                         document.activeElement.id));
  }
  assert.ok(!behind.has("BODYgo"), [...behind].join());
  await page.context().close();
});

test("an application that replaces its page can open the modal again", async () => {
  const otp = await gateway.put({ to: "replaced@example.com" });
  await openModal(otp);
  await frame().locator("#otp").waitFor();
  await page.evaluate(() => document.querySelector("dialog").remove());
  const again = page.evaluate((id) => OTPGateway("app", id), otp.id);
  await ready();
  assert.equal((await seen()).cancelled, 1);
  await page.keyboard.press("Escape");
  assert.equal(await again, null);
  await page.context().close();
});

test("pages behind a key: the modal shows them with it, and an expired session without", async () => {
  const otp = await gateway.as("keyed").put({ to: "keyed@example.com" });
  await openModal(otp);
  await frame().getByText("Session expired").waitFor();
  await page.context().close();

  await openModal(otp, { key: new URL(otp.url).searchParams.get("key") });
  await frame().locator(".sent").waitFor();  // polling has the key, too
  await frame().locator("#otp").fill(codeIn(await gateway.mailTo("keyed@example.com")));
  await frame().locator("#otp").press("Enter");
  await until("the callback", async () => (await seen()).finished.length);
  assert.deepEqual((await seen()).finished, [["keyed", otp.id]]);
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});

test("a logo that does not come keeps nobody waiting", async () => {
  const otp = await gateway.as("slow").put({ to: "slow@example.com" });
  const asked = once(silence, "request");
  await openModal(otp);
  await asked;
  await ready();
  await page.keyboard.type(codeIn(await gateway.mailTo("slow@example.com")));
  await page.keyboard.press("Enter");
  await until("the callback", async () => (await seen()).finished.length);
  await page.context().close();
});

test("the snippet of the original's documentation works word for word", async () => {
  const otp = await gateway.put({ to: "snippet@example.com" });
  const said = [];
  page = await openPage(browser);
  await makePatient(page);
  page.on("console", (message) => {
    if (message.type() === "log") said.push(message.text());
  });
  await page.goto(`${shop.origin}/snippet?id=${otp.id}`);
  await frame().locator("#otp").fill(codeIn(await gateway.mailTo("snippet@example.com")));
  await frame().locator("#otp").press("Enter");
  await until("the callback", () => said.length);
  assert.deepEqual(said, [`finished app ${otp.id}`]);
  assert.deepEqual(await page.evaluate(() => Object.keys(window).filter((name) => /otpg|gateway/i.test(name))),
                   ["OTPGateway"]);
  await page.context().close();
});

test("a second call while it is open is refused, the first goes on", async () => {
  const otp = await gateway.put({ to: "second@example.com" });
  await openModal(otp);
  await frame().locator("#otp").waitFor();
  const error = await page.evaluate((id) => OTPGateway("app", id).catch(({ message }) => message), otp.id);
  assert.match(error, /open already/);
  assert.equal(await page.locator("dialog").count(), 1);
  await page.context().close();
});

test("messages of other windows finish nothing", async () => {
  const otp = await gateway.put({ to: "foreign@example.com" });
  await openModal(otp);
  await frame().locator("#otp").waitFor();
  await page.evaluate((url) => {
    document.body.append(Object.assign(document.createElement("iframe"), { name: "other", src: url }));
  }, `${otp.url}?view=popup`);
  await page.frameLocator("iframe[name=other]").locator("#otp").waitFor();
  const finished = { type: "otpgateway-finished", namespace: "app", id: otp.id };
  const post = (data) => parent.postMessage(data, "*");
  await page.frame("other").evaluate(post, finished);  // the gateway's origin, but not the modal's frame
  await page.evaluate(post, finished);                 // the application's window itself
  for (const wrong of [{ type: "other" }, { namespace: "other" }, { id: "other-id" }]) {
    await modalFrame().evaluate(post, { ...finished, ...wrong });
  }
  await until("the messages", async () => (await seen()).messages.length === 5);
  assert.deepEqual((await seen()).messages.map(({ origin }) => origin).sort(),
                   [shop.origin, ...Array(4).fill(gateway.origin)].sort());
  assert.deepEqual((await seen()).finished, []);
  assert.equal(await page.locator("dialog").count(), 1);
  await modalFrame().evaluate(post, finished);  // a control
  await until("the callback", async () => (await seen()).finished.length);
  await page.context().close();
});

test("an origin that is not allowed: blocked frame, no message, a link and a reason", async () => {
  const otp = await gateway.put({ to: "hostile@example.com" });
  await openModal(otp, { origin: shop.hostile, patient: false, locale: "hi-IN" });
  const link = page.locator("dialog a");
  await link.waitFor();
  assert.equal(await link.getAttribute("href"), otp.url);
  assert.equal(await link.getAttribute("rel"), "noopener");
  assert.equal(await page.textContent("dialog p"), "सत्यापन यहाँ नहीं दिखाया जा सकता। सत्यापन पेज खोलें");
  assert.ok(page.errors.some((text) => text.includes("auth.NAME.origins")), page.errors.join("\n"));
  assert.ok(page.complaints.some((text) => text.includes("frame-ancestors")), "the frame was not blocked");
  assert.deepEqual((await seen()).messages, []);
  await page.keyboard.press("Escape");
  await until("the callback", async () => (await seen()).cancelled);
  await page.context().close();
});

test("before its page is there, the modal has the words of the person's language", async () => {
  for (const [locale, lang, dir, label] of [["hi-IN", undefined, "ltr", "सत्यापन"], ["hi-IN", "ar-EG", "rtl", "التحقق"],
                                            ["xx", undefined, "ltr", "Verification"]]) {
    const otp = await gateway.put({ to: "words@example.com" });
    await openModal(otp, { origin: shop.hostile, ...(lang && { lang }), locale });
    assert.equal(await page.getAttribute("dialog", "aria-label"), label);
    assert.equal(await page.getAttribute("dialog", "dir"), dir);
    await page.context().close();
  }
});

for (const whose of ["origin", "hostile"]) {
  test(`a window that opens the page itself gets no message, not even on a port (${whose})`, async () => {
    const to = `opener-${whose}@example.com`;
    const otp = await gateway.put({ to, skip_delete: true });
    const code = codeIn(await gateway.mailTo(to));
    page = await openPage(browser);
    await page.goto(shop[whose]);
    const opened = page.waitForEvent("popup");
    await page.evaluate((url) => { window.other = open(url); }, otp.url);
    const popup = await opened;
    await popup.fill("#otp", code);
    await popup.click("button:text('Verify')");
    await popup.waitForSelector("h1:has-text('verified')");
    await popup.waitForLoadState();  // its script listens
    await popup.evaluate(() => {  // heard after the page has heard it
      addEventListener("message", ({ ports }) => {
        opener.postMessage("the last", "*");
        ports[0].postMessage("the last");
      });
    });
    const answers = await page.evaluate((id) => new Promise((resolve) => {
      const { port1, port2 } = new MessageChannel();
      const got = [];
      port1.onmessage = ({ data }) => {
        got.push(data);
        if (data === "the last") resolve(got);
      };
      window.other.postMessage({ type: "otpgateway-hello", namespace: "app", id }, "*", [port2]);
    }), otp.id);
    assert.deepEqual(answers, ["the last"]);
    await until("the last message", async () => (await seen()).messages.length);
    assert.deepEqual((await seen()).messages, [{ origin: gateway.origin, data: "the last" }]);
    await page.context().close();
  });
}

test("the demonstration page works and is accessible", async () => {
  const otp = await gateway.put({ to: "demo@example.com" });
  const code = codeIn(await gateway.mailTo("demo@example.com"));
  page = await openPage(browser);
  await makePatient(page);
  await page.goto(`${gateway.origin}/static/demo.html`);
  assert.equal(await page.isDisabled("#verify"), true);
  assert.deepEqual(await invalidHtml(await page.source()), []);
  assert.deepEqual(await violations(page), []);
  await page.goto(`${gateway.origin}/static/demo.html?namespace=app&id=${otp.id}`);
  await page.click("#verify");
  await frame().locator("#otp").fill(code);
  await frame().locator("button:text('Verify')").click();
  await page.waitForSelector("#result.good");
  assert.deepEqual(page.complaints, []);
  await page.context().close();
});
