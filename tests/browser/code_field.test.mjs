// Unit: the field that takes the code. Goal: it fits the code, takes what people type, paste and autofill, and
// nothing is submitted or counted that the person did not send, once. Method: the built gateway, Chromium.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { focused, openPage, startBrowser } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { until } from "./process.mjs";
import { startUpstream } from "./upstream.mjs";

const digits = "123456";
const phone = "+15550100002";
let upstream, gateway, browser, page;
before(async () => {
  upstream = await startUpstream();
  gateway = await Gateway.start({ sections: upstream.sections });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
  await upstream?.stop();
});
beforeEach(async () => {
  await page?.context().close();
  page = await openPage(browser, { permissions: ["clipboard-read", "clipboard-write"] });
});

let made = 0;
const put = (parameters) => gateway.put({ to: `field-${++made}@example.com`, otp: digits, ...parameters });
const attributes = () => page.locator("#otp").evaluate((field) =>
  Object.fromEntries([...field.attributes].map(({ name, value }) => [name, value])));
const ready = () => focused(page, "otp");
const verified = () => page.waitForSelector("[data-page=verified]");

test("a code of digits: numeric keyboard, autofill, one field", async () => {
  await page.goto((await put()).url);
  const { autocomplete, inputmode, pattern, minlength, name } = await attributes();
  assert.deepEqual({ autocomplete, inputmode, minlength, name },
                   { autocomplete: "one-time-code", inputmode: "numeric", minlength: "6", name: "otp" });
  assert.ok(new RegExp(`^(?:${pattern})$`, "v").test(" 123-456"));
  assert.equal(await page.locator("input:not([type=hidden])").count(), 1);
  await ready();
});

test("a code of letters: no numeric keyboard, no pattern", async () => {
  await page.goto((await put({ otp: "aB3-x" })).url);
  const { autocomplete, inputmode, pattern } = await attributes();
  assert.deepEqual({ autocomplete, inputmode, pattern },
                   { autocomplete: "one-time-code", inputmode: undefined, pattern: undefined });
  await page.fill("#otp", "aB3-x");
  await page.press("#otp", "Enter");
  await verified();
});

test("addresses are autofilled by their kind", async () => {
  for (const [provider, type, autocomplete] of [["smtp", "email", "email"], ["sms", "tel", "tel"]]) {
    await page.goto((await gateway.put({ provider })).url);
    assert.equal(await page.getAttribute("#to", "type"), type);
    assert.equal(await page.getAttribute("#to", "autocomplete"), autocomplete);
  }
});

for (const typed of ["123-456", " 123456", "123 456", "١٢٣٤٥٦", "१२३४५६", "１２３‐４５６"]) {
  test(`typed: "${typed}"`, async () => {
    await page.goto((await put()).url);
    await ready();
    await page.keyboard.type(typed);
    await page.keyboard.press("Enter");
    await verified();
  });
}

for (const [copied, pasted] of [
  ["123-456", "123-456"],
  [" 123456", " 123456"],
  ["Your code for 2 cups is 123-456. It expires in 5 minutes.", "123-456"],
]) {
  test(`pasted: "${copied}"`, async () => {
    const otp = await put();
    await page.goto(otp.url);
    await ready();
    await page.evaluate((text) => navigator.clipboard.writeText(text), copied);
    await page.keyboard.press("Control+V");
    await until("the paste", async () => (await page.inputValue("#otp")) === pasted);
    assert.equal(await gateway.verified(otp), false, "submitted by itself");
    await page.keyboard.press("Enter");
    await verified();
  });
}

test("what can't be the code is not sent, and costs no attempt", async () => {
  await page.goto((await put()).url);
  await ready();
  for (const typed of ["12345", "12345a"]) {
    await page.fill("#otp", "");
    await page.keyboard.type(typed);
    await page.keyboard.press("Enter");
    assert.equal(await page.locator("#otp:invalid").count(), 1, typed);
  }
  assert.match(await page.textContent(".facts"), /Attempt 1 of 5/);
});

test("two clicks count one wrong code", async () => {
  const otp = await put();
  await page.goto(otp.url);
  await page.fill("#otp", "654321");
  await page.evaluate(() => {
    const button = document.querySelector("button[value=check]");
    button.click();
    button.click();
  });
  await page.waitForSelector("#error");
  assert.equal((await gateway.call("GET", `/${otp.id}`)).data.attempts, 2);
});

// As Chrome on Android does it; no browser without a SIM can.
const webOtp = () => {
  window.OTPCredential = class {};
  navigator.credentials.get = (options) => {
    window.asked = options;
    options.signal.addEventListener("abort", () => sessionStorage.setItem("aborted", "yes"));
    return new Promise((resolve) => { window.receive = resolve; });
  };
};

test("WebOTP fills the field and submits nothing", async () => {
  const otp = await put({ provider: "sms", to: phone });
  await page.addInitScript(webOtp);
  await page.goto(otp.url);
  assert.deepEqual(await page.evaluate(() => asked.otp), { transport: ["sms"] });
  await page.evaluate((code) => receive({ code }), digits);
  await until("the code", async () => (await page.inputValue("#otp")) === digits);
  assert.match(await page.textContent("#news"), /filled in/);
  assert.equal(await gateway.verified(otp), false);
  await page.press("#otp", "Enter");
  await verified();
  assert.equal(await page.evaluate(() => sessionStorage.getItem("aborted")), "yes");
  assert.deepEqual(page.complaints, []);
});

test("WebOTP is asked for text messages alone, and never overwrites", async () => {
  await page.addInitScript(webOtp);
  await page.goto((await put()).url);
  assert.equal(await page.evaluate(() => window.asked), undefined);
  await page.goto((await put({ provider: "sms", to: phone })).url);
  await ready();
  await page.keyboard.type("1");
  await page.evaluate((code) => receive({ code }), digits);  // what awaits it runs before anything else does
  assert.equal(await page.inputValue("#otp"), "1");
});

test("the keyboard alone: wrong code, resend, right code", async () => {
  const otp = await put({ provider: "sms", to: phone });
  await page.goto(otp.url);
  await ready();
  await page.keyboard.type("654321");
  await page.keyboard.press("Tab");
  const ring = () => page.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
  assert.equal(await page.evaluate(() => document.activeElement.value), "check");
  assert.equal(await ring(), "solid");
  await page.keyboard.press("Space");
  await page.waitForSelector("#error");
  const field = await attributes();
  assert.equal(field["aria-invalid"], "true");
  assert.equal(field["aria-describedby"], "error");
  await upstream.codeTo(phone);
  await until("delivery", async () => (await gateway.call("GET", `/${otp.id}`)).data.delivery.state === "sent");
  await ready();
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.value), "resend");
  assert.equal(await ring(), "solid");
  const reloaded = page.waitForEvent("load");
  await page.keyboard.press("Enter");
  await reloaded;
  assert.equal((await gateway.call("GET", `/${otp.id}`)).data.generate, 2);
  await ready();
  await page.keyboard.type(await upstream.codeTo(phone));
  await page.keyboard.press("Enter");
  await verified();
});
