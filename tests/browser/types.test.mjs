// Unit: otp.d.ts. Goal: it describes otp.js as README does, and lets mistakes not pass. Method: TypeScript checks
// a program that uses it; where a line must be refused, @ts-expect-error makes a line that passes the error.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { test } from "node:test";
import { promisify } from "node:util";

const types = `${process.env.OTPGW_BIN}/../share/otpgateway/static/otp.d.ts`;

const program = `
const nothing: Promise<OTPGateway.Finished | null> = OTPGateway("app", "0123456789");
OTPGateway("app", "0123456789", function (nm, id) { console.log(nm.length, id.length); }, function () {});
window.OTPGateway("app", "0123456789", null, undefined, { key: "k", lang: "hi" });
const options: OTPGateway.Options = { lang: null };
nothing.then((result) => {
  if (result) console.log(result.namespace + result.id);
  // @ts-expect-error: null when cancelled
  result.id;
});
// @ts-expect-error: the id is missing
OTPGateway("app");
// @ts-expect-error: no such option
OTPGateway("app", "0123456789", null, null, { language: "hi" });
// @ts-expect-error: the callback gets strings
OTPGateway("app", "0123456789", (namespace: number) => {});
export { options };
`;

test("the declarations fit the documented calls and no others", async () => {
  const folder = await mkdtemp(join(tmpdir(), "otpgw-types-"));
  try {
    const file = join(folder, "application.ts");
    await writeFile(file, program);
    const words = ["node_modules/typescript/bin/tsc", "--noEmit", "--strict", "--target", "es2022", types, file];
    const done = await promisify(execFile)(process.execPath, words).catch((error) => error);
    assert.equal(done.stdout, "");
  } finally {
    await rm(folder, { recursive: true });
  }
});
