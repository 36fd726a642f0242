// Unit: page.js over time. Goal: the time left is shown each second and read out twice, polling is frugal, and a
// page shows what happened elsewhere. Method: the built gateway, Chromium, the page's clock set by hand.
import assert from "node:assert/strict";
import { after, before, beforeEach, test } from "node:test";

import { openPage, startBrowser } from "./browser.mjs";
import { codeIn, Gateway } from "./gateway.mjs";
import { until } from "./process.mjs";

const digits = "123456";
let gateway, browser, page;
before(async () => {
  gateway = await Gateway.start({ limits: "resend_cooldown = 300" });
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});
beforeEach(async () => {
  await page?.context().close();
  page = await openPage(browser);
});

let made = 0;
const put = (parameters) => gateway.put({ to: `live-${++made}@example.com`, otp: digits, ...parameters });

// From now on the page's time goes on when a test says so.
async function stopClock() {
  const time = Date.now();
  await page.clock.install({ time });
  await page.clock.pauseAt(time + 3_600_000);  // never in the past of the page's clock, however slow the machine is
}

// What a page begins to count down from.
const secondsIn = async (selector, attribute) => Number(await page.getAttribute(selector, attribute));

test("the time left: each second for the eyes, at 60 and 30 s for the ears", async () => {
  await stopClock();
  await page.goto((await put({ ttl: 300 })).url);
  assert.equal(await page.getAttribute("#news", "role"), "status");
  assert.equal(await page.locator("#left").evaluate((time) => time.closest("[aria-live], [role=status]")), null);
  await page.clock.runFor((await secondsIn("#left", "data-seconds") - 64) * 1000);
  const heard = [];
  for (let left = 64; left > 5; left--) {
    const news = await page.textContent("#news");
    if (news !== (heard.at(-1)?.news ?? "")) heard.push({ at: await page.textContent("#left"), news });
    await page.clock.runFor(1000);
  }
  assert.deepEqual(heard.map(({ news }) => news), ["One minute left", "30 seconds left"]);
  assert.match(heard[0].at, /^(1:00|0:59)$/);
  assert.match(heard[1].at, /^0:(30|29)$/);
});

// Counts the questions that a page has asked, and those of which it has the answer.
const countQuestions = () => {
  window.asked = window.answered = 0;
  const { fetch } = window;
  window.fetch = (...words) => {
    asked++;
    return fetch(...words);
  };
  const { json } = Response.prototype;
  Response.prototype.json = function() { return json.call(this).finally(() => { answered++; }); };
};

test("polling: every 2 s, then ever more seldom to every 10 s", async () => {
  await stopClock();
  await page.addInitScript(countQuestions);
  await page.goto((await put()).url);
  const asked = [];
  for (let now = 0; now < 120; now++) {
    await page.clock.runFor(1000);
    await page.waitForFunction(() => answered === asked);
    if (await page.evaluate(() => asked) > asked.length) asked.push(now);
  }
  const pauses = asked.map((at, i) => at - (asked[i - 1] ?? 0));
  assert.ok(pauses[0] <= 3 && pauses[1] <= 4, `${pauses}`);
  assert.ok(pauses.slice(-4).every((pause) => pause >= 8 && pause <= 13), `${pauses}`);
  assert.ok(asked.length >= 12 && asked.length <= 17, `${asked}`);
});

test("polling stops while nobody looks and goes on at once", async () => {
  await stopClock();
  await page.addInitScript(countQuestions);
  await page.goto((await put()).url);
  const look = (hidden) => page.evaluate((value) => {
    Object.defineProperty(document, "hidden", { value, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
  }, hidden);
  await look(true);
  await page.clock.runFor(60_000);
  assert.equal(await page.evaluate(() => asked), 0);
  await look(false);
  assert.equal(await page.evaluate(() => asked), 1);
});

test("resend waits for its cooldown, on the page and in the gateway", async () => {
  const otp = await put({ ttl: 900 });
  await gateway.mailTo(otp.to);
  await stopClock();
  await page.goto(otp.url);
  const button = page.locator("button[value=resend]");
  assert.equal(await button.isDisabled(), true);
  const cooldown = await secondsIn("button[value=resend]", "data-cooldown");
  assert.ok(cooldown > 1 && cooldown <= 300, `${cooldown}`);
  const shown = (count) => `Send the code again (${Math.floor(count / 60)}:${String(count % 60).padStart(2, "0")})`;
  assert.equal(await button.textContent(), shown(cooldown));
  await page.clock.runFor((cooldown - 1) * 1000);
  assert.equal(await button.textContent(), shown(1));
  assert.equal(await button.isDisabled(), true);
  await page.clock.runFor(1000);
  assert.equal(await button.isDisabled(), false);
  assert.equal(await button.textContent(), "Send the code again");
  await button.click();  // the page's clock ran ahead: the gateway knows better
  await page.waitForSelector("[role=alert]");
  assert.equal((await gateway.call("GET", `/${otp.id}`)).data.generate, 1);
});

test("a delivery that fails while the page is open ends the cooldown", async () => {
  const otp = await put();
  await gateway.mailTo(otp.to);
  await stopClock();
  await page.route("**/status*", (route) =>
    route.fulfill({ json: { status: "success", data: { closed: false, delivery: { state: "failed" } } } }));
  await page.goto(otp.url);
  const button = page.locator("button[value=resend]");
  assert.equal(await button.isDisabled(), true);
  await page.clock.runFor(4000);
  await page.waitForSelector(".failed:visible");
  await page.clock.runFor(2000);
  assert.equal(await button.isDisabled(), false);
  assert.equal(await button.textContent(), "Send the code again");
});

test("two tabs: verified in one, the other shows it", async () => {
  const otp = await put({ skip_delete: true });
  await page.goto(otp.url);
  const other = await page.context().newPage();
  await other.goto(otp.url);
  await other.fill("#otp", digits);
  await other.press("#otp", "Enter");
  await other.waitForSelector("[data-page=verified]");
  await page.waitForSelector("[data-page=verified]");
});

test("back to the form after the code was right: verified, and nothing is sent again", async () => {
  const otp = await put({ skip_delete: true });
  await page.goto(otp.url);
  await page.fill("#otp", digits);
  await page.press("#otp", "Enter");
  await page.waitForSelector("[data-page=verified]");
  const posts = [];
  page.on("request", (request) => { if (request.method() === "POST") posts.push(request.url()); });
  await page.goBack();
  await page.waitForSelector("[data-page=verified]");
  assert.deepEqual(posts, []);
});

test("a page that comes back as it was left asks anew", async () => {
  const otp = await put({ skip_delete: true });
  await stopClock();  // so that it is not polling that notices
  await page.goto(otp.url);
  await gateway.call("POST", `/${otp.id}`, { otp: digits });
  await page.evaluate(() => dispatchEvent(new PageTransitionEvent("pageshow", { persisted: true })));
  await page.waitForSelector("[data-page=verified]");
});

test("expired while open", async () => {
  await stopClock();
  await page.route("**/status*", (route) => route.abort());  // so that it is not polling that notices
  const otp = await put();
  await page.goto(otp.url);
  await gateway.call("POST", `/${otp.id}`, { otp: digits });  // and it is gone
  await page.clock.runFor((await secondsIn("#left", "data-seconds") - 1) * 1000);
  assert.equal(await page.textContent("#left"), "0:01");
  await page.clock.runFor(1000);
  await page.waitForSelector("text=Session expired");
});

test("locked: the time runs out before the person's eyes, then a new code may be asked for", async () => {
  await page.goto((await put({ ttl: 20, max_attempts: 1 })).url);
  await page.fill("#otp", "654321");
  await page.press("#otp", "Enter");
  await page.waitForSelector("text=Too many attempts");
  await page.waitForSelector("text=Session expired");
});

test("mail scanners follow every link, and nothing changes", async () => {
  const otp = await gateway.put({ to: "scanned@example.com", skip_delete: true });
  const mail = await gateway.mailTo("scanned@example.com");
  await until("delivery", async () => (await gateway.call("GET", `/${otp.id}`)).data.delivery.state === "sent");
  const state = async () => {
    const { data } = await gateway.call("GET", `/${otp.id}`);
    return { ...data, ttl: undefined };
  };
  const before = await state();
  const code = codeIn(mail);
  const queue = [`${otp.url}?otp=${code}&action=check`, `${otp.url}?otp=000000&action=check`, `${otp.url}?action=resend`,
                 `${otp.url}/address?to=thief@example.com`, `${otp.url}/status`];
  const seen = new Set(queue);
  while (queue.length) {
    const url = queue.pop();
    await fetch(url, { method: "HEAD" });
    const answer = await fetch(url);
    assert.ok(answer.status < 500, url);
    for (const [, found] of (await answer.text()).matchAll(/(?:href|src|action)="([^"#]*)"/g)) {
      const next = new URL(found.replaceAll("&amp;", "&"), url).href;
      if (next.startsWith(gateway.origin) && !seen.has(next)) queue.push(next), seen.add(next);
    }
  }
  assert.ok(seen.size > 6, "followed nothing");
  assert.deepEqual(await state(), before);
  assert.equal(await gateway.verified(otp), false);
  assert.equal(gateway.mailServer.mails.filter(({ to }) => to.includes("scanned@example.com")).length, 1);
});
