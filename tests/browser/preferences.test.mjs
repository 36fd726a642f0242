// Unit: style.css for people who told their system what they need. Goal: nothing moves for who wants less motion, and
// with forced colours everything that colour alone showed can still be seen. Method: the built gateway, Chromium, each
// page with and without the preference: the difference is what the style sheet is there for.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openPage, startBrowser, violations } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { startUpstream } from "./upstream.mjs";

const phone = "+15550100001";
let upstream, gateway, browser, page;
before(async () => {
  upstream = await startUpstream();
  gateway = await Gateway.start({ sections: upstream.sections, limits: "" });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
  await upstream?.stop();
});

async function pageWith(preference, otp) {
  await page?.context().close();
  page = await openPage(browser, preference);
  await page.goto(otp.url);
}

async function enter(code) {
  await page.fill("#otp", code);
  await page.press("#otp", "Enter");
}

// For as long as the test takes.
const onTheWay = (more) => gateway.put({ provider: "voice", to: phone, ...more });

const moving = () => page.evaluate(() => document.getAnimations().map(({ animationName }) => animationName));
const transition = () => page.evaluate(() => getComputedStyle(document.querySelector("button")).transitionDuration);

for (const [reducedMotion, wait, draw, buttons] of [["no-preference", ["wait"], "draw", "0.15s, 0.15s"],
                                                    ["reduce", [], "none", "0s"]]) {
  test(`motion: ${reducedMotion}`, async () => {
    await pageWith({ reducedMotion }, await onTheWay());
    await page.waitForSelector(".sending:visible");
    assert.deepEqual(await moving(), wait);
    assert.equal(await transition(), buttons);

    await pageWith({ reducedMotion }, await gateway.put({ provider: "sms", to: phone, otp: "123456" }));
    await enter("123456");
    await page.waitForSelector("[data-page=verified]");
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".mark path")).animationName),
                 draw);
  });
}

// The colour of each thing's border, or of its own where it has none.
const borders = (selectors) => page.evaluate((all) => all.map((selector) =>
  getComputedStyle(document.querySelector(selector)).borderTopColor), selectors);
const dot = () => page.evaluate(() =>
  getComputedStyle(document.querySelector(".delivery p"), "::before").backgroundColor);
const system = (name) => page.evaluate((keyword) => {
  const probe = document.body.appendChild(document.createElement("i"));
  probe.style.color = keyword;
  const { color } = getComputedStyle(probe);
  probe.remove();
  return color;
}, name);

const transparent = "rgba(0, 0, 0, 0)";

for (const forcedColors of ["none", "active"]) {
  test(`forced colours: ${forcedColors}`, async () => {
    const forced = forcedColors === "active";
    const visible = (colours) => colours.map((colour) => colour !== transparent);
    await pageWith({ forcedColors, reducedMotion: "reduce" }, await onTheWay({ otp: "123456" }));
    await page.waitForSelector("[data-cooldown]:disabled");
    assert.equal(await dot() === await system("CanvasText"), forced);
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".quiet")).color) ===
                 await system("GrayText"), forced);
    await enter("654321");
    await page.waitForSelector("#error");
    const boxes = ["button", ".delivery", "#error"];
    assert.deepEqual(visible(await borders(boxes)), boxes.map(() => forced));
    assert.deepEqual(await violations(page), []);

    await enter("123456");
    await page.waitForSelector("[data-page=verified]");
    assert.deepEqual(visible(await borders([".mark"])), [forced]);
    assert.equal(await page.evaluate(() => getComputedStyle(document.querySelector(".mark")).stroke) ===
                 await system("CanvasText"), forced);
    assert.deepEqual(await violations(page), []);
    assert.deepEqual(page.complaints, []);
  });
}
