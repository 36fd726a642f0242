// Chromium, and what every page of the gateway must be.
import AxeBuilder from "@axe-core/playwright";
import { HtmlValidate } from "html-validate";
import assert from "node:assert/strict";
import { chromium } from "playwright-core";

const flags = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
               "--disable-background-networking", "--disable-component-update", "--disable-sync"];

export const startBrowser = () =>
  chromium.launch({ executablePath: process.env.OTPGW_CHROMIUM, headless: true, args: flags });

// A fresh profile with one page; `page.complaints` collects the CSP violations and errors of scripts,
// `page.source()` is the HTML as the server sent it.
export async function openPage(browser, options = {}) {
  const context = await browser.newContext(options);
  context.setDefaultTimeout(60_000);  // for machines that are busy
  const page = await context.newPage();
  page.complaints = [];
  page.on("pageerror", (error) => page.complaints.push(error.message));
  page.on("console", (message) => {
    if (/Content Security Policy/.test(message.text())) page.complaints.push(message.text());
  });
  let answer;
  page.on("response", (response) => {
    if (response.request().isNavigationRequest() && response.frame() === page.mainFrame()) answer = response;
  });
  page.source = () => answer.text();
  return page;
}

// Waits until that field has the focus: browsers give it to `autofocus` after `load`, and keys pressed before are lost.
export const focused = (page, id) => page.waitForFunction((wanted) => document.activeElement?.id === wanted, id);

// From now on otp.js waits a minute for the page in its frame and not 5 s, which a busy machine may need.
export const makePatient = (page) => page.addInitScript(() => {
  const { setTimeout } = window;
  window.setTimeout = (action, delay, ...words) => setTimeout(action, delay === 5000 ? 60_000 : delay, ...words);
});

// The accessibility violations of the page as it stands, of these rules or all. (axe would fetch the style sheets
// again: a CSP complains.)
export async function violations(page, rules) {
  const runOnly = rules && { type: "rule", values: rules };
  const result = await new AxeBuilder({ page }).options({ preload: false, ...(rules && { runOnly }) }).analyze();
  return result.violations.map(({ id, nodes }) => [id, nodes.map((node) => node.html)]);
}

const validator = new HtmlValidate({ extends: ["html-validate:standard"] });

export async function invalidHtml(html) {
  const report = await validator.validateString(html);
  return report.results.flatMap(({ messages }) =>
    messages.map(({ ruleId, message, line }) => `${ruleId}: ${message}: ${html.split("\n")[line - 1]}`));
}

async function assertFitsPhone(page) {
  const size = page.viewportSize();
  await page.setViewportSize({ width: 320, height: 640 });
  const tooWide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  assert.equal(tooWide, 0, "scrolls sideways at 320 px");
  await page.setViewportSize(size);
  await page.waitForFunction((width) => innerWidth === width, size.width);  // or the next page begins too narrow
}

// Everything that can be pressed is as tall as a fingertip.
async function assertTouchable(page) {
  const small = await page.evaluate(() => [...document.querySelectorAll("a, button, input:not([type=hidden])")]
    .filter((target) => target.getBoundingClientRect().height < 44).map((target) => target.outerHTML));
  assert.deepEqual(small, [], "lower than 44 px");
}

// Nothing has moved since it was first painted.
export async function assertStill(page) {
  const shifts = await page.evaluate(async () => {
    const seen = [];
    const note = (entries) => {
      for (const { value, sources } of entries) seen.push([value, sources.map(({ node }) => node?.nodeName)]);
    };
    const observer = new PerformanceObserver((list) => note(list.getEntries()));
    observer.observe({ type: "layout-shift", buffered: true });
    for (let frames = 0; frames < 2; frames++) await new Promise(requestAnimationFrame);  // all is painted
    note(observer.takeRecords());
    return seen;
  });
  assert.deepEqual(shifts, [], "the layout shifts");
}

// Valid, still, right on a small phone and for fingers.
export async function assertSound(page) {
  await assertStill(page);
  assert.deepEqual(await invalidHtml(await page.source()), []);
  await assertTouchable(page);
  await assertFitsPhone(page);
}

// All that, and without a violation in light and dark: there only colours differ.
export async function assertUsable(page) {
  await assertSound(page);
  await page.emulateMedia({ colorScheme: "light", reducedMotion: "reduce" });
  assert.deepEqual(await violations(page), [], "light");
  await page.emulateMedia({ colorScheme: "dark", reducedMotion: "reduce" });
  assert.deepEqual(await violations(page, ["color-contrast"]), [], "dark");
}
