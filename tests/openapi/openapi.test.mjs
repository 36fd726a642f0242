// Unit: the HTTP API and the pages, from outside. Goal: every request gets an answer that web/openapi.yaml has,
// whatever it is made of; what the document calls valid is taken, what it forbids is a 400 that names the parameter; no
// 5xx; the Host header never comes back. Method: the built gateway; requests generated from its own document by
// fast-check, each answer judged by ajv; an error planted in the document, and wrong answers, must be found.
import assert from "node:assert/strict";
import { execFile } from "node:child_process";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { promisify } from "node:util";

import fc from "fast-check";
import { parse } from "yaml";

import { Document } from "./document.mjs";
import { EVIL } from "./hostile.mjs";
import { freePort, startGateway, until } from "./process.mjs";
import { requestsOf, SECRETS } from "./requests.mjs";
import { Wire } from "./wire.mjs";

const REQUESTS = process.env.OTPGW_LONG ? 100_000 : 10_000;
const CONTROL_REQUESTS = 2_000;
const REQUESTS_PER_ID = 400;
const AT_ONCE = 16;
const seed = Number(process.env.OTPGW_SEED ?? Math.floor(Math.random() * 2 ** 31));

let folder, program, port, admin, text;

before(async () => {
  folder = await mkdtemp(join(tmpdir(), "otpgw-openapi-"));
  ({ program, port } = await startGateway(folder, async (port) => {
    admin = await freePort();
    return `
[app]
address = "127.0.0.1:${port}"
root_url = "http://gateway.test"
data_dir = "${folder}/data"
[admin]
address = "127.0.0.1:${admin}"
[limits] # they would hide what else a request can meet
address_sends = []
address_guesses = []
ip_posts = []
resend_cooldown = 0
[auth.app]
namespace = "app"
secret = "${SECRETS.app}"
return_otp = true
[auth.quiet]
namespace = "quiet"
secret = "${SECRETS.quiet}"
return_otp = false
view_key = true
[providers.console]
enabled = true
[providers.second]
enabled = true
plugin = "console.so"
`;
  }));
  await until("its workers", () => program.log.match(/worker of .* is ready/g)?.length >= 2);
  text = await (await fetch(`http://127.0.0.1:${port}/api/openapi.yaml`)).text();
});
after(async () => {
  await program?.stop();
  await rm(folder, { recursive: true });
});

// What is wrong with the answer to a request: sentences.
function judge(document, request, answer) {
  if (!answer) return ["no answer"];
  const found = document.breaks(request.method, request.path, answer);
  if (JSON.stringify(answer).includes(EVIL)) found.push("another host's name came back");
  const { status, least, names, data } = request.wants ?? {};
  if (status && answer.status !== status) found.push(`${answer.status} instead of ${status}`);
  if (answer.status < least) found.push(`${answer.status}, which is no refusal`);
  if (found.length > 0 || !(names || data)) return found;
  const got = JSON.parse(answer.body);
  if (names && !got.message.toLowerCase().includes(names)) found.push(`the message does not name ${names}`);
  for (const [name, value] of Object.entries(data ?? {})) {
    if (JSON.stringify(got.data[name]) !== JSON.stringify(value)) found.push(`${name} is not what was given`);
  }
  if (data && !got.data.url.startsWith("http://gateway.test/otp/")) found.push(`the link is ${got.data.url}`);
  return found;
}

// Asks generated requests until one breaks something: {breaks, seen: how often each kind got each status}.
async function run(document, count, seed) {
  const wires = Array.from({ length: AT_ONCE }, () => new Wire(port));
  const seen = {};
  const breaks = [];
  const ask = async (request, i) => {
    const answer = await wires[i].ask(request.method, Buffer.from(request.bytes, "latin1"), request.last);
    const what = `${request.kind} ${answer?.status}`;
    seen[what] = (seen[what] ?? 0) + 1;
    const found = judge(document, request, answer);
    if (found.length > 0) breaks.push({ found, request: request.bytes, answer });
  };
  const requests = requestsOf(document, count / REQUESTS_PER_ID);
  await fc.check(
    fc.asyncProperty(fc.array(requests, { minLength: AT_ONCE, maxLength: AT_ONCE }), async (batch) => {
      await Promise.all(batch.map(ask));
      return breaks.length === 0;
    }),
    { seed, numRuns: Math.ceil(count / AT_ONCE), endOnFailure: true },
  );
  wires.forEach((wire) => wire.close());
  return { breaks, seen };
}

test("redocly's recommended rules find nothing", async () => {
  const file = join(folder, "openapi.yaml");
  await writeFile(file, text);
  const env = { ...process.env, REDOCLY_TELEMETRY: "off", REDOCLY_SUPPRESS_UPDATE_NOTICE: "true" };
  const lint = ["lint", "--extends=recommended", "--format=json", file];
  const { stdout } = await promisify(execFile)("node_modules/.bin/redocly", lint, { env });
  assert.deepEqual(JSON.parse(stdout).problems, []);
});

test("the document is for everybody, with an ETag", async () => {
  const url = `http://127.0.0.1:${port}/api/openapi.yaml`;
  const first = await fetch(url, { method: "HEAD" });
  assert.equal(first.headers.get("content-type"), "application/yaml");
  const again = await fetch(url, { headers: { "if-none-match": first.headers.get("etag") } });
  assert.equal(again.status, 304);
});

test("the document has every route, and no other", async () => {
  const metrics = await (await fetch(`http://127.0.0.1:${admin}/metrics`)).text();
  const labels = /^otpgateway_http_request_duration_seconds_count\{method="(\w+)",route="([^"]+)"\}/gm;
  const routes = [...metrics.matchAll(labels)]
    .filter(([, , route]) => route !== "none")
    .map(([, method, route]) => `${method} ${route.replace(/:(\w+)/g, "{$1}").replace("*", "{file}")}`);
  const documented = new Document(parse(text)).operations.map((one) => `${one.method} ${one.path}`);
  assert.deepEqual(routes.sort(), documented.sort());
});

test(`${REQUESTS} generated requests get answers that the document has`, async () => {
  console.log(`seed ${seed}; OTPGW_SEED repeats it`);
  const { breaks, seen } = await run(new Document(parse(text)), REQUESTS, seed);
  console.log(seen);
  if (breaks.length > 0) assert.fail(JSON.stringify(breaks, null, 1));
  assert.equal(program.child.exitCode, null, "the gateway ended");
});

for (const [number, [what, plant, sentence]] of [
  ["a status that is left out", ({ paths }) => delete paths["/api/providers"].get.responses["401"], "no 401"],
  ["a member that is left out", ({ Otp }) => delete Otp.properties.closed, "additional prop"],
  ["a wrong type", ({ Otp }) => (Otp.properties.ttl = { type: "string" }), "ttl must be string"],
  ["too wide a bound", ({ PutParameters }) => (PutParameters.properties.ttl.maximum *= 2), "400 instead of 200"],
].entries()) {
  test(`${what} in the document is found`, async () => {
    const wrong = parse(text);
    plant({ paths: wrong.paths, ...wrong.components.schemas });
    const { breaks } = await run(new Document(wrong), CONTROL_REQUESTS, seed + 1 + number);
    const said = breaks.flatMap(({ found }) => found);
    assert.ok(said.some((one) => one.includes(sentence)), `${said}`);
  });
}

test("answers of a broken gateway are found", () => {
  const document = new Document(parse(text));
  const request = { method: "GET", path: "/api/health" };
  const headers = { "content-type": "application/json; charset=utf-8", "cache-control": "no-store" };
  const right = { status: 200, headers, body: '{"status":"success","data":"OK"}' };
  assert.deepEqual(judge(document, request, right), []);
  for (const wrong of [
    undefined,
    { ...right, status: 500 },
    { ...right, status: 201 },
    { ...right, body: "{}" },
    { ...right, body: "OK" },
    { ...right, headers: {} },
    { ...right, headers: { ...headers, location: `http://${EVIL}/` } },
  ]) {
    assert.notDeepEqual(judge(document, request, wrong), [], JSON.stringify(wrong));
  }
});
