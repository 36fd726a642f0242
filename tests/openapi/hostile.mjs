// What no client sends that means well.
import { BOUNDARY, encode } from "./carriers.mjs";
import fc from "fast-check";
import { text } from "./values.mjs";

export const EVIL = "evil.example"; // stands in Host and its relatives alone

// Ways of naming another host, none of which may come back, and what else answers go by.
export const headers = fc.constantFrom(
  ...[[], [], [["Host", EVIL]], [["Host", `${EVIL}:8080`]], [["Host", `a@${EVIL}`]], [["X-Forwarded-Host", EVIL]]],
  [["Forwarded", `host=${EVIL};proto=https`]],
  [["X-Forwarded-Proto", "https"], ["X-Original-URL", `https://${EVIL}/`]],
  [["Referer", `https://${EVIL}/`], ["Origin", `https://${EVIL}`]],
  ...["2001:db8::1, 10.0.0.1", ",,;", "unknown", "1".repeat(2000)].map((value) => [["X-Forwarded-For", value]]),
  ...["ar;q=1,hi", "*;q=0", ";q=,,", "x".repeat(2000)].map((value) => [["Accept-Language", value]]),
  ...["cross-site", "same-origin", ""].map((value) => [["Sec-Fetch-Site", value]]),
  ...["*", '"', "W/"].map((value) => [["If-None-Match", value]]),
  ...["gzip", "gzip;q=0, *", "br;q=x"].map((value) => [["Accept-Encoding", value]]),
);

export const authorizations = fc.oneof(
  fc.constantFrom(
    ...["Basic", "Basic ", "Basic !!!!", `Basic ${btoa("app")}`, `Basic ${btoa("app:wrong")}`],
    ...[`Basic ${btoa("nobody:secret")}`, `Basic ${btoa("app:secret\0")}`, `Basic ${btoa("APP:secret")}`],
    ...[`Bearer ${btoa("app:secret")}`, `Basic ${btoa("app:secret")}=`, `Basic ${btoa("app: secret")}`],
    ...[`Basic ${"A".repeat(12000)}`, undefined],
  ),
  fc.base64String({ maxLength: 60 }).map((value) => `Basic ${value}`),
);

const PIECES = [
  ...["%", "&", "=", "+", ";", "/", ".", "..", "%2e", "%2F", "%00", "%ff", "%C3%28", "%ED%A0%80", "a", "[", "]"],
  ...["\\", '"', "'", "{{", "<", "$("],
];
// Fits into a request line.
export const noise = fc.oneof(
  text.map((value) => encode(value).slice(0, 600)),
  fc.string({ unit: fc.constantFrom(...PIECES), maxLength: 30 }),
);

export const types = fc.constantFrom(
  ...[undefined, "application/json", "application/x-www-form-urlencoded", "multipart/form-data"],
  ...[`multipart/form-data; boundary=${BOUNDARY}`, "multipart/form-data; boundary=", 'multipart/form-data; boundary="'],
  ...["multipart/mixed; boundary=x", "text/plain", "application/json;;", ";", "APPLICATION/JSON", "application/xml"],
);

const garbage = fc.string({
  unit: fc.integer({ min: 0, max: 255 }).map((code) => String.fromCharCode(code)),
  maxLength: 300,
});
const almostJson = fc.oneof(
  fc.json({ maxDepth: 4 }).map((value) => Buffer.from(value).toString("latin1")),
  fc.constantFrom(
    ...['{"to":"\\ud800"}', '{"to":"\\u0000"}', '{"otp":1e999}', '{"extra":{"a":1,"a":2}}', "[]", '"x"', "{"],
    ...['{"to":}', '{"":1}', "[".repeat(8000), '{"a":'.repeat(3000), '{"__proto__":{"to":"x"}}'],
    ...['\xef\xbb\xbf{"to":"x"}', '{"to":"x"} {"to":"y"}', '{"provider":"console","to":null,"ttl":null}'],
  ),
);
const almostMultipart = fc
  .array(
    fc.constantFrom(
      ...[`--${BOUNDARY}`, `--${BOUNDARY}--`, "\r\n", "\r\n\r\n", "\n", "\r", ": ", "name=", "\0", "x".repeat(300)],
      ...['Content-Disposition: form-data; name="to"', "Content-Disposition: form-data", "Content-Type: text/plain"],
      ...['Content-Disposition: form-data; name="', 'filename="../../x"'],
    ),
    { maxLength: 20 },
  )
  .map((parts) => parts.join(""));
export const bodies = fc.oneof(
  ...[garbage, almostJson, almostMultipart, noise],
  fc.constantFrom("x".repeat(16384), "&".repeat(16000), "a=1&".repeat(100)),
);

export const METHODS = [
  ...["OPTIONS", "PATCH", "TRACE", "CONNECT", "PROPFIND", "get", "GETT", "Q~!"],
  ...["PUT", "POST", "DELETE", "HEAD", "GET"],
];
export const PATHS = [
  ...["/api", "/api/", "/api/otp/", "//api/otp/abcdef", "/api/otp/abcdef/status/", "/api/otp/%ff%ff%ff%ff%ff%ff"],
  ...["/otp", "/otp/app", "/otp//abcdef", "/hooks/console", "/metrics", "/ready", "/favicon.ico", "/%00"],
  ...["/static", "/static/", "/static/../web/openapi.yaml", "/static/%2e%2e/web/openapi.yaml"],
  ...["/static/..%2fweb%2fopenapi.yaml", "/api/openapi.yaml/", "/api/../api/health"],
];

// Requests that are none: they are refused, and the connection ends.
const get = (line, ...headers) => ["GET", "/", `${line}\r\n${headers.join("\r\n")}\r\n\r\n`];
const post = (header, body) => [
  "POST",
  "/api/otp/abcdef",
  `POST /api/otp/abcdef HTTP/1.1\r\nHost: a\r\n${header}\r\n\r\n${body}`,
];
export const BROKEN = [
  get("GET / HTTP/1.1", "Host: a", "Host: a"),
  get("GET / HTTP/1.1"),
  get("GET / HTTP/2.0", "Host: a"),
  get("GET /", "Host: a"),
  get("GET  / HTTP/1.1", "Host: a"),
  get("GET * HTTP/1.1", "Host: a"),
  get(`GET ${EVIL} HTTP/1.1`, "Host: a"),
  get(`GET http://${EVIL}#a HTTP/1.1`, "Host: a"),
  get("GET http:///a HTTP/1.1", "Host: a"),
  get(`GET /${"x".repeat(3000)} HTTP/1.1`, "Host: a"),
  get("GET / HTTP/1.1", "Host: a\nA: b"),
  get("GET / HTTP/1.1", "Host: a", "A : b"),
  get("GET / HTTP/1.1", "Host: a", " folded"),
  get("GET / HTTP/1.1", "Host: a", "A: \x01"),
  get("GET / HTTP/1.1", "Host: a", "Expect: miracles"),
  get("GET / HTTP/1.1", "Host: a", ...Array(70).fill("A: b")),
  get("GET / HTTP/1.1", "Host: a", `A: ${"b".repeat(17000)}`),
  post("Content-Length: 3\r\nTransfer-Encoding: chunked", "abc"),
  post("Content-Length: 3\r\nContent-Length: 3", "abc"),
  post("Content-Length: 3, 3", "abc"),
  post("Content-Length: +3", "abc"),
  post("Content-Length: -1", ""),
  post("Content-Length: 20000", "x"),
  post("Content-Length: 99999999999999999999", ""),
  post("Transfer-Encoding: gzip", ""),
  post("Transfer-Encoding: xchunked", ""),
  post("Transfer-Encoding: chunked, chunked", "0\r\n\r\n"),
  post("Transfer-Encoding: chunked", "zz\r\n"),
  post("Transfer-Encoding: chunked", "-1\r\n\r\n"),
  post("Transfer-Encoding: chunked", "5000\r\n"),
  post("Transfer-Encoding: chunked", "fffffffffffffffff\r\n"),
  post("Transfer-Encoding: chunked", "3\r\nabcd\r\n0\r\n\r\n"),
].map(([method, path, bytes]) => ({ kind: "broken", method, path, bytes, last: true, wants: { least: 400 } }));
