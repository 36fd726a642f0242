// Takes README's pictures of the pages into the folder that is given: node screenshots.mjs FOLDER
import { join } from "node:path";
import { makePatient, openPage, startBrowser } from "./browser.mjs";
import { codeIn, Gateway } from "./gateway.mjs";
import { startUpstream } from "./upstream.mjs";

const folder = process.argv[2];
const phone = { viewport: { width: 360, height: 690 }, deviceScaleFactor: 1.5 };
const desktop = { viewport: { width: 720, height: 720 } };

const upstream = await startUpstream();
const gateway = await Gateway.start({ sections: upstream.sections });
const browser = await startBrowser();

const sms = () => gateway.put({ provider: "sms", to: "+15550109999" });

async function picture(name, options, steps) {
  const page = await openPage(browser, { reducedMotion: "reduce", ...options });
  await steps(page);
  await page.screenshot({ path: join(folder, `${name}.png`), caret: "hide" });
  await page.context().close();
}

async function openSent(page, otp, query = "") {
  await page.goto(otp.url + query);
  await page.waitForSelector(".sent:visible");
}

try {
  await picture("code", desktop, async (page) => openSent(page, await sms()));
  await picture("wrong-dark", { ...phone, colorScheme: "dark" }, async (page) => {
    await openSent(page, await sms());
    await page.fill("#otp", "000 000");
    await page.press("#otp", "Enter");
    await page.waitForSelector("[role=alert]");
  });
  await picture("address", phone, async (page) => page.goto((await gateway.put()).url));
  await picture("verified", phone, async (page) => {
    const otp = await gateway.put({ to: "john@doe.com", skip_delete: true });
    await page.goto(otp.url);
    await page.fill("#otp", codeIn(await gateway.mailTo("john@doe.com")));
    await page.press("#otp", "Enter");
    await page.waitForSelector("[data-page=verified]");
  });
  await picture("arabic", phone, async (page) => openSent(page, await sms(), "?lang=ar"));
  await picture("modal", desktop, async (page) => {
    const otp = await gateway.put({ to: "jane@doe.com" });
    await gateway.mailTo("jane@doe.com");
    await makePatient(page);
    await page.goto(`${gateway.origin}/static/demo.html?namespace=${gateway.namespace}&id=${otp.id}`);
    await page.click("#verify");
    await page.frameLocator("iframe").locator(".sent").waitFor();
    await page.waitForSelector(".otpgateway:not([aria-busy])");
  });
} finally {
  await browser.close();
  await gateway.stop();
  await upstream.stop();
}
