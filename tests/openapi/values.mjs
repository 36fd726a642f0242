// What the document allows a parameter to be, and what it forbids.
import fc from "fast-check";

export const CODE = "123456"; // often, so that some checks are right
const TEXT_BYTES_MAX = 2000; // of what has no bound of its own, in a body of at most 16 KiB

const bytes = (text) => Buffer.byteLength(text);
const hasControl = (text) => /[\x00-\x1f\x7f-\x9f]/.test(text);
const textOf = (length) =>
  fc.oneof(...["grapheme-ascii", "grapheme", "binary"].map((unit) => fc.string({ unit, ...length })));

export const text = textOf({ maxLength: 60 }).filter(
  (value) => !value.includes("\0") && bytes(value) <= TEXT_BYTES_MAX,
);

// What the document alone can't know: this gateway's providers, and what they take.
const known = {
  provider: fc.constantFrom("console", "console", "second", "console,second"),
  to: fc.oneof(fc.emailAddress(), text).filter((value) => bytes(value) <= 254 && !hasControl(value)),
  otp: fc.oneof(fc.constant(CODE), text.filter((value) => [...value].length <= 6 && !hasControl(value))),
  locale: fc.constantFrom("en", "hi-IN", "zh-Hant-TW", "xx"),
  return_url: fc.constantFrom("http://gateway.test/", "http://gateway.test/back?to=%22%3E", "http://gateway.test"),
  client_ip: fc.oneof(fc.ipV4(), fc.ipV6()),
  wait: fc.constantFrom(0, 0, 1),
};

function isAllowed(schema, value) {
  const length = [...value].length;
  return (
    !value.includes("\0") &&
    length >= (schema.minLength ?? 0) &&
    length <= (schema.maxLength ?? Infinity) &&
    bytes(value) <= (schema["x-bytes-max"] ?? Infinity) &&
    (!schema.pattern || new RegExp(schema.pattern, "u").test(value))
  );
}

// Values that the schema allows, as JSON has them.
export function allowed(name, schema) {
  if (known[name]) return known[name];
  if (schema.enum) return fc.constantFrom(...schema.enum);
  if (schema.type === "integer") return fc.integer({ min: schema.minimum, max: schema.maximum });
  if (schema.type === "boolean") return fc.boolean();
  if (schema.type === "string") {
    const { minLength = 0, maxLength = 60 } = schema;
    return textOf({ minLength, maxLength }).filter((value) => isAllowed(schema, value));
  }
  return fc.jsonValue({ maxDepth: 3 }).filter((value) => bytes(JSON.stringify(value)) <= schema["x-bytes-max"]);
}

const FAULTS = {
  extra: ["{", "[1,]", "{'a':1}", "NaN", "01", '"\t"', `"${"x".repeat(4096)}"`, "[".repeat(2000)],
  otp: ["1234567", "12\x0734", "\x7f", "\x85"],
  provider: ["nobody", "console,nobody", "console,console", ",", "Console", "a,b,c,d,e,f"],
  locale: ["e", "en_US", "en-", "-", "x".repeat(36)],
  return_url: ["javascript:alert(1)", "https://elsewhere.test/", "//gateway.test/", "ftp://gateway.test/", "/back"],
  client_ip: ["localhost", "1.2.3", "1.2.3.4:80", "256.1.1.1", "[::1]", "::g"],
  action: ["checks", "CHECK", "delete", "check,resend"],
};

// Values that it forbids, as text. Nothing for a parameter that takes any text.
export function forbidden(name, schema) {
  if (FAULTS[name]) return FAULTS[name];
  if (schema.type === "boolean") return ["yes", "TRuE", "2", "null!", "on"];
  if (schema.type === "integer") {
    const beyond = [schema.minimum - 1, schema.maximum + 1, "9".repeat(30)].map(String);
    return [...beyond, "1.5", "1e1", "abc", " 1", "0x1", "-"];
  }
  if (schema["x-bytes-max"]) return ["x", "é", "💥"].map((unit) => unit.repeat(schema["x-bytes-max"] + 1));
  return [];
}

export const FORBIDDEN_IDS = [
  ...["a", "12345", "💥".repeat(5), "x".repeat(129), "é".repeat(129)],
  ...["abc/defg", "abc\ndefg", "abcdef\x7f", "abcdef\x85", "\x1b[2Jxxxxx"],
];
