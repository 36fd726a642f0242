// How parameters travel, and the bytes of a request.
export const BOUNDARY = "----b0undary9a7c";

export const encode = encodeURIComponent;
const MULTIPART = `multipart/form-data; boundary=${BOUNDARY}`;
const FORM = "application/x-www-form-urlencoded";
const QUERY_BYTES_MAX = 1000; // more would not fit into the request line

export const form = (pairs) => pairs.map(([name, value]) => `${encode(name)}=${encode(value)}`).join("&");

function multipart(pairs) {
  const parts = pairs.map(
    ([name, value]) => `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"\r\n\r\n${value}\r\n`,
  );
  return `${parts.join("")}--${BOUNDARY}--\r\n`;
}

const member = ([name, value]) => `${JSON.stringify(name)}:${value}`;

// `extra` is JSON in a JSON body, and JSON text elsewhere; `pairs` are [name, text] and may repeat a name.
export const WAYS = ["form", "multipart", "query", "json", "json of strings"];

export function carry(pairs, way) {
  if (pairs.length === 0) return {};
  if (way === "query" && form(pairs).length <= QUERY_BYTES_MAX) return { query: form(pairs) };
  if (way === "multipart") return { type: MULTIPART, body: multipart(pairs) };
  if (way.startsWith("json")) {
    const plain = (value) => way === "json" && /^(-?[1-9]\d*|0|true|false)$/.test(value);
    const members = pairs.map(([name, value]) =>
      member([name, name === "extra" || plain(value) ? value : JSON.stringify(value)]),
    );
    return { type: "application/json; charset=utf-8", body: `{${members.join()}}` };
  }
  return { type: FORM, body: form(pairs) };
}

// {method, path, bytes}: latin1 text, one character a byte. `latin1`: the body is such text already. What else there is
// stays with the request.
export function build({ method, path, query, headers = [], type, body = "", latin1 = false, ...rest }) {
  const lines = [...headers];
  if (!lines.some(([name]) => name === "Host")) lines.unshift(["Host", "127.0.0.1"]);
  if (type) lines.push(["Content-Type", type]);
  const content = latin1 ? body : Buffer.from(body).toString("latin1");
  if (content || method !== "GET") lines.push(["Content-Length", String(content.length)]);
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join("");
  const target = path + (query ? `?${query}` : "");
  return { method, path, bytes: `${method} ${target} HTTP/1.1\r\n${head}\r\n${content}`, ...rest };
}
