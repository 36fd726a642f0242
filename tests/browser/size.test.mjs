// Unit: otp.js. Goal: applications load at most 4 KiB. Method: gzip it.
import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";
import { gzipSync } from "node:zlib";

test("otp.js is at most 4 KiB", async () => {
  assert.ok(gzipSync(await readFile(`${process.env.OTPGW_BIN}/../share/otpgateway/static/otp.js`)).length <= 4096);
});
