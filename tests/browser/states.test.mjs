// Unit: each page in each of its states. Goal: valid HTML, no violation that axe-core knows of in light and dark,
// nothing that moves, nothing too wide for a small phone or too small for a finger; in English and in Arabic.
// Method: the built gateway with providers that take, refuse or keep a message, Chromium.
import assert from "node:assert/strict";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";

import { assertSound, assertUsable, openPage, startBrowser } from "./browser.mjs";
import { Gateway } from "./gateway.mjs";
import { until } from "./process.mjs";
import { startShop } from "./shop.mjs";
import { startUpstream } from "./upstream.mjs";

let upstream, gateway, browser, shop, page, lang;
before(async () => {
  upstream = await startUpstream();
  gateway = await Gateway.start({ sections: upstream.sections });
  shop = await startShop(gateway.origin);
  browser = await startBrowser();
  page = await openPage(browser);
});
after(async () => {
  await browser?.close();
  await shop?.stop();
  await gateway?.stop();
  await upstream?.stop();
});

const phone = "+15550100001";
const return_url = "http://127.0.0.1:1/back";
const address = (name) => `${name}-${lang}@example.com`;
const show = (otp, query = "") => page.goto(`${otp.url}?lang=${lang}${query}`);
const submit = (selector) => page.locator(selector).evaluate((field) => {
  field.form.noValidate = true;
  field.form.querySelector("button").click();
});

async function enter(code) {
  await page.fill("#otp", code);
  await submit("#otp");
}

async function refused(parameters) {
  const otp = await gateway.put({ provider: "whatsapp", to: phone, ...parameters });
  await until("the refusal", async () => (await gateway.call("GET", `/${otp.id}`)).data.delivery.state === "failed");
  return otp;
}

// Does something while the gateway goes by another configuration.
async function withConfig(change, action) {
  const before = await gateway.reload(change);
  await action();
  await gateway.reload(() => before);
}

const states = {
  "address, e-mail": async () => show(await gateway.put()),
  "address, phone": async () => show(await gateway.put({ provider: "sms" })),
  "address, described": async () => show(await gateway.put({ address_description: "Wherever <you> are." })),
  "address, none": async () => {
    await show(await gateway.put());
    await submit("#to");
    await page.waitForSelector("#error");
  },
  "address, wrong": async () => {
    await show(await gateway.put());
    await page.fill("#to", "nobody@nowhere@example.com");
    await submit("#to");
    await page.waitForSelector("#error");
  },
  "address, to be changed": async () => {
    await show(await gateway.put());
    await page.fill("#to", address("change"));
    await submit("#to");
    await page.click(".delivery a");
    await page.waitForSelector("[data-page=address]");
  },
  "code, sent": async () => {
    await show(await gateway.put({ provider: "sms", to: phone }));
    await page.waitForSelector(".sent:visible");
  },
  "code, being sent": async () => {
    await show(await gateway.put({ provider: "voice", to: phone }));
    await page.waitForSelector(".sending:visible");
  },
  "code, not delivered": async () => {
    await show(await refused());
    await page.waitForSelector(".failed:visible");
  },
  "code, not delivered and never again": async () => {
    await show(await refused({ max_generate: 1 }));
    await page.waitForSelector(".failed:visible");
  },
  "code, not of digits": async () => show(await gateway.put({ to: address("letters"), otp: "aB3xYz" })),
  "code, wrong": async () => {
    await show(await gateway.put({ to: address("wrong"), otp: "123456", return_url }));
    await enter("654321");
    await page.waitForSelector("#error");
  },
  "code, none": async () => {
    await show(await gateway.put({ to: address("none") }));
    await submit("#otp");
    await page.waitForSelector("#error");
  },
  "code, from the link": async () => {
    await show(await gateway.put({ to: address("link") }), "&otp=123456&action=check");
    await page.waitForSelector(".note");
  },
  verified: async () => {
    await show(await gateway.put({ to: address("verified"), otp: "123456", return_url }));
    await enter("123456");
    await page.waitForSelector("[data-page=verified]");
  },
  expired: () => page.goto(`${gateway.origin}/otp/app/no-such-id?lang=${lang}`),
  locked: async () => {
    await show(await gateway.put({ to: address("locked"), otp: "123456", max_attempts: 1, return_url }));
    await enter("654321");
    await page.waitForSelector("[data-page=message]");
  },
  "an unknown action": async () => {
    await show(await gateway.put({ to: address("action") }));
    await page.evaluate(() => { document.querySelector("form button").value = "other"; });
    await page.fill("#otp", "123456");
    await submit("#otp");
    await page.waitForSelector("[data-page=message]");
  },
  "busy: the provider has been switched off": async () => {
    await show(await gateway.put({ provider: "voice" }));
    const off = (config) => config.replace("[webhooks.voice]\nenabled = true", "[webhooks.voice]\nenabled = false");
    await withConfig(off, async () => {
      await page.fill("#to", phone);
      const answered = page.waitForResponse((answer) => answer.request().method() === "POST");
      await submit("#to");
      assert.equal((await answered).status(), 503);
      await page.waitForSelector("[data-page=message]");
    });
  },
  // Nothing that can be done from outside leads there: the page of an unknown OTP takes its place.
  "internal error": async () => {
    const pages = join(gateway.folder, "pages");
    await mkdir(pages, { recursive: true });
    for (const name of ["message.html", "message_title.html"]) {
      const ours = await readFile(join(process.env.OTPGW_BIN, "../share/otpgateway/web", name), "utf8");
      const other = { expired: "internal", internal: "expired" };
      await writeFile(join(pages, name), ours.replace(/(\{\{[#^/])(expired|internal)\}\}/g,
                                                      (_, open, flag) => `${open}${other[flag]}}}`));
    }
    await withConfig((config) => `${config}\n[web]\ntemplates_dir = "${pages}"\n`, async () => {
      await states.expired();
    });
    assert.match(await page.textContent("h1"), lang === "ar" ? /خطأ داخلي/ : /Internal error/);
  },
  "a form of another site": async () => {
    const otp = await gateway.put({ to: address("forged") });
    await page.goto(shop.hostile);
    await page.evaluate((url) => {
      const form = document.createElement("form");
      Object.assign(form, { method: "post", action: url });
      document.body.append(form);
      form.submit();
    }, `${otp.url}?lang=${lang}`);
    await page.waitForSelector("[data-page=message]");
  },
};

for (const language of ["en", "ar"]) {
  for (const [name, reach] of Object.entries(states)) {
    test(`${name} (${language})`, async () => {
      lang = language;
      page.complaints.length = 0;
      await reach();
      assert.equal(await page.getAttribute("html", "lang"), lang);
      assert.equal(await page.getAttribute("html", "dir"), lang === "ar" ? "rtl" : "ltr");
      if (["code, wrong", "verified", "locked"].includes(name)) {
        assert.equal(await page.getAttribute(".return a", "href"), return_url);
      }
      if (await page.isVisible("#error")) {
        assert.equal(await page.getAttribute("input:not([type=hidden])", "aria-describedby"), "error");
      }
      await (lang === "en" ? assertUsable : assertSound)(page);
      assert.deepEqual(page.complaints, []);
    });
  }
}

test("the way back has room around it also when a long name takes two lines", async () => {
  lang = "en";
  const long = (config) => config.replace('"Corner Shop"', '"Corner Shop of all the Teapots and Cups of this Town"');
  await withConfig(long, () => states.verified());
  const room = await page.locator(".return a").evaluate((link) => {
    const text = document.createRange();
    text.selectNodeContents(link);
    const [inner, outer] = [text.getBoundingClientRect(), link.getBoundingClientRect()];
    return { lines: inner.height / parseFloat(getComputedStyle(link).lineHeight), above: inner.top - outer.top,
             beside: Math.abs((inner.left - outer.left) - (outer.right - inner.right)), left: inner.left - outer.left };
  });
  assert.ok(room.lines > 1.5, "it is on one line");
  assert.ok(room.above >= 8 && room.left >= 8 && room.beside < 2, JSON.stringify(room));
});
