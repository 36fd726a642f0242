// Chromium, and what every page of the gateway must be.
import AxeBuilder from "@axe-core/playwright";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const startBrowser = () =>
  chromium.launch({ executablePath: process.env.OTPGW_CHROMIUM, headless: true, args: flags });

// A fresh profile with one page; `page.complaints` collects the CSP violations and errors of scripts.
export async function openPage(browser, options = {}) {
  const context = await browser.newContext(options);
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) page.complaints.push(message.text());
  });
  return page;
}

// The accessibility violations of the page as it stands. (axe would fetch the style sheets again: a CSP complains.)
export async function violations(page) {
  const result = await new AxeBuilder({ page }).options({ preload: false }).analyze();
  return result.violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]);
}

// No violation in light or dark, and nothing to scroll sideways on a small phone.
export async function assertUsable(page) {
  for (const colorScheme of ["light", "dark"]) {
    await page.emulateMedia({ colorScheme, reducedMotion: "reduce" });
    assert.deepEqual(await violations(page), []);
  }
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.equal(tooWide, 0, "scrolls sideways at 320 px");
  await page.setViewportSize(size);
}
