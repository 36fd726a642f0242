// Goal: what a webhook with a `secret` sends is what others take for signed. Method: the package standardwebhooks
// verifies the bytes and headers that a server got; as a control it must refuse them when anything is altered.
import assert from "node:assert/strict";
import { after, before, test } from "node:test";
import { Webhook } from "standardwebhooks";
import { Gateway, startUpstream } from "./gateway.mjs";

const SECRETS = {
  encoded: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
  plain: "a secret of letters: grüße {{}} 12345",
};
let upstream, gateway;

before(async () => {
  upstream = await startUpstream();
  const sections = Object.entries(SECRETS).map(([name, secret]) => `
[webhooks.${name}]
enabled = true
url = "${upstream.origin}/${name}"
secret = ${JSON.stringify(secret)}
`);
  sections.push(`
[webhooks.form]
enabled = true
url = "${upstream.origin}/form"
secret = "${SECRETS.encoded}"
content_type = "application/x-www-form-urlencoded"
body = "to={{to}}&code={{otp}}"
`);
  gateway = await Gateway.start(sections.join(""));
});
after(async () => {
  await gateway?.stop();
  upstream?.stop();
});

// Text stands for its bytes, as the package wants to be told.
const verifier = (secret) =>
  secret.startsWith("whsec_") ? new Webhook(secret) : new Webhook(Buffer.from(secret), { format: "raw" });

for (const [name, secret] of Object.entries({ ...SECRETS, form: SECRETS.encoded })) {
  test(`the signature of a webhook with a secret: ${name}`, async () => {
    const otp = await gateway.send({ provider: name, to: "Jürgen & +91 98765", extra: '{"ü": "\\u0001"}' });
    const { headers, body } = upstream.requests.find((request) => request.url === "/" + name);
    // verify() also reads the body as JSON, which a form is not.
    const verify = (by, bytes, changed = {}) => {
      try {
        return by.verify(bytes, { ...headers, ...changed });
      } catch (error) {
        if (name === "form" && error instanceof SyntaxError) return null;
        throw error;
      }
    };
    const good = verifier(secret);
    const read = verify(good, body.toString("utf8"));
    if (name !== "form") assert.equal(read.otp.otp, otp.otp);
    assert.equal(headers["webhook-id"], headers["idempotency-key"]);

    const text = body.toString("utf8");
    assert.throws(() => verify(good, text + " "), /No matching signature/);
    assert.throws(() => verify(good, text.replace(otp.otp, "000000")), /No matching signature/);
    assert.throws(() => verify(verifier("whsec_" + btoa("another secret, 24 bytes")), text), /No matching signature/);
    assert.throws(() => verify(good, text, { "webhook-id": "another" }), /No matching signature/);
    const stamp = Number(headers["webhook-timestamp"]);
    assert.throws(() => verify(good, text, { "webhook-timestamp": String(stamp + 1) }), /No matching signature/);
    assert.throws(() => verify(good, text, { "webhook-timestamp": String(stamp - 600) }), /too old/);
  });
}
