// Unit: the pages, from the link that an application hands out. Goal: each walk of a person ends where API.md
// says. Method: the built gateway, a real SMTP server, Chromium; everything is read from the page or the mail.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";

import { openPage, startBrowser } from "./browser.mjs";
import { codeIn, Gateway, linkIn } from "./gateway.mjs";
import { until } from "./process.mjs";

let gateway, browser, page;
before(async () => {
  gateway = await Gateway.start();
  browser = await startBrowser();
});
after(async () => {
  await browser?.close();
  await gateway?.stop();
});

function walk(name, steps, options) {
  test(name, async () => {
    page = await openPage(browser, options);
    await steps();
    assert.deepEqual(page.complaints, []);
    await page.context().close();
  });
}

const headed = (text) => page.locator("h1", { hasText: text }).waitFor();
const wrong = (code) => (code === "000000" ? "000001" : "000000");
async function enter(code) {
  await page.fill("#otp", code);
  await page.click("button:text('Verify')");
}

for (const javaScriptEnabled of [true, false]) {
  walk(`address, code, verified (script: ${javaScriptEnabled})`, async () => {
    const address = `walk-${javaScriptEnabled}@example.com`;
    const otp = await gateway.put();
    await page.goto(otp.url);
    assert.equal(new URL(page.url()).pathname, `/otp/app/${otp.id}/address`);
    await page.fill("#to", address);
    await page.click("button");
    await page.waitForURL(otp.url);
    assert.match(await page.textContent(".address"), /^w•••@example\.com$/);

    const code = codeIn(await gateway.mailTo(address));
    await enter(wrong(code));
    assert.match(await page.textContent("[role=alert]"), /wrong/);
    assert.match(await page.textContent(".facts"), /Attempt 2 of 5/);
    assert.equal(await gateway.verified(otp), false);

    await enter(` ${code.slice(0, 3)}-${code.slice(3)}`);
    await headed(/verified$/);
    assert.equal(await gateway.verified(otp), true);
  }, { javaScriptEnabled });
}

walk("wrong codes up to the lock", async () => {
  const otp = await gateway.put({ to: "lock@example.com", max_attempts: 2 });
  const code = codeIn(await gateway.mailTo("lock@example.com"));
  await page.goto(otp.url);
  await enter(wrong(code));
  await page.waitForSelector(".facts:has-text('Attempt 2 of 2')");
  await enter(wrong(code));
  await headed("Too many attempts");
  const again = await page.goto(`${otp.url}?otp=${code}&action=check`);
  assert.equal(again.status(), 429);
  assert.equal(await gateway.verified(otp), false);
});

walk("resend: the same code once more, and a reload sends nothing", async () => {
  const otp = await gateway.put({ to: "resend@example.com" });
  const first = codeIn(await gateway.mailTo("resend@example.com"));
  await page.goto(otp.url);
  await until("the delivery on the page", () => page.isVisible(".sent"));
  const reloaded = page.waitForEvent("load");
  await page.click("button:text('Send the code again')");
  await reloaded;
  assert.equal(page.url(), otp.url);
  assert.equal(codeIn(await gateway.mailTo("resend@example.com", 2)), first);
  await page.reload();
  await enter(first);
  await headed(/verified$/);
  const { mails } = gateway.mailServer;
  assert.equal(mails.filter((mail) => mail.to.includes("resend@example.com")).length, 2);
});

walk("a reload enters nothing once more", async () => {
  const posts = [];
  page.on("request", (request) => { if (request.method() === "POST") posts.push(request.url()); });
  const otp = await gateway.put();
  await page.goto(otp.url);
  await page.fill("#to", "a@@example.com");
  await page.locator("form").evaluate((form) => { form.noValidate = true; });
  await page.click("button");
  await page.waitForSelector("[role=alert]");
  await page.reload();
  await page.fill("#to", "reload@example.com");
  await page.click("button");
  const code = codeIn(await gateway.mailTo("reload@example.com"));
  await enter(wrong(code));
  await page.waitForSelector("[role=alert]");
  await page.reload();
  assert.equal(await page.isVisible("[role=alert]"), false);
  assert.match(await page.textContent(".facts"), /Attempt 2 of 5/);
  await enter(code);
  await headed(/verified$/);
  await page.reload();
  await headed(/verified$/);
  assert.equal(posts.length, 4, "two addresses and two codes");
});

walk("the mail's link fills the code in; a click verifies", async () => {
  const otp = await gateway.put({ to: "link@example.com" });
  const mail = await gateway.mailTo("link@example.com");
  const answer = await page.goto(linkIn(mail));
  assert.equal(answer.status(), 200);
  assert.equal(await page.inputValue("#otp"), codeIn(mail));
  assert.equal(page.url(), otp.url, "the code stays in no history");
  assert.equal(await gateway.verified(otp), false);
  await page.click("button:text('Verify')");
  await headed(/verified$/);
  assert.equal(page.url(), otp.url);
  assert.equal(await gateway.verified(otp), true);
});

walk("an address that the page collected can be changed there", async () => {
  const otp = await gateway.put();
  await page.goto(otp.url);
  await page.fill("#to", "typo@example.com");
  await page.click("button");
  await gateway.mailTo("typo@example.com");
  await page.click("text=Change address");
  await page.fill("#to", "right@example.com");
  await page.click("button");
  await enter(codeIn(await gateway.mailTo("right@example.com")));
  await headed(/verified$/);
});

walk("without script: send again, change the address, and be told what is wrong", async () => {
  const otp = await gateway.put();
  await page.goto(otp.url);
  await page.fill("#to", "plain-typo@example.com");
  await page.click("button");
  const first = codeIn(await gateway.mailTo("plain-typo@example.com"));
  await until("delivery", async () => (await gateway.call("GET", `/${otp.id}`)).data.delivery.state === "sent");
  await page.reload();
  assert.equal(await page.isVisible(".sent"), true);
  await page.click("button:text('Send the code again')");
  assert.equal(codeIn(await gateway.mailTo("plain-typo@example.com", 2)), first);
  await page.click("text=Change address");
  await page.fill("#to", "plain@example.com");
  await page.click("button");
  const code = codeIn(await gateway.mailTo("plain@example.com"));
  await enter(wrong(code));
  assert.match(await page.textContent("[role=alert]"), /wrong/);
  await enter(code);
  await headed(/verified$/);
}, { javaScriptEnabled: false });

walk("an address that is none is explained", async () => {
  const otp = await gateway.put();
  await page.goto(otp.url);
  await page.fill("#to", "nobody@nowhere@example.com");
  await page.evaluate(() => { document.forms[0].noValidate = true; });
  await page.click("button");
  await page.waitForSelector("[role=alert]");
  assert.equal(await page.inputValue("#to"), "nobody@nowhere@example.com");
});

walk("unknown ids are expired sessions", async () => {
  const answer = await page.goto(`${gateway.origin}/otp/app/no-such-id`);
  assert.equal(answer.status(), 404);
  await headed("Session expired");
});
