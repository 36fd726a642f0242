// The OpenAPI document as a judge: which operation a request asks for, and whether an answer is one of its answers.
import Ajv2020 from "ajv/dist/2020.js";

// What a request gets before anything looks at its path (the document's "Before a route is looked for").
const REFUSALS = new Set([400, 408, 413, 414, 417, 431, 501, 505]);
const METHODS = ["get", "put", "post", "delete"];
const ERROR = "#/components/schemas/Error";

// Clients may meet members that are newer than they are; a test may not.
function close(node) {
  if (node === null || typeof node !== "object") return;
  if (node.type === "object" && node.properties) node.additionalProperties ??= false;
  Object.values(node).forEach(close);
}

const pointer = (...words) => "#/" + words.map((word) => word.replaceAll("~", "~0").replaceAll("/", "~1")).join("/");
const mediaOf = (type) => type.split(";")[0].trim().toLowerCase();

export class Document {
  constructor(document) {
    this.document = structuredClone(document);
    close(this.document);
    this.ajv = new Ajv2020({ strict: false, validateFormats: false, allErrors: true });
    this.ajv.addSchema(this.document, "document");
    this.operations = [];
    for (const [path, item] of Object.entries(this.document.paths)) {
      for (const method of METHODS.filter((name) => item[name])) {
        const operation = item[method];
        this.operations.push({
          id: operation.operationId,
          path,
          method: method.toUpperCase(),
          segments: path.split("/").slice(1),
          secured: operation.security === undefined,
          parameters: [...(item.parameters ?? []), ...(operation.parameters ?? [])].map((one) => this.#resolve(one)),
          body: this.#bodyOf(operation).properties,
          required: this.#bodyOf(operation).required ?? [],
          responses: operation.responses,
          at: ["paths", path, method, "responses"],
        });
      }
    }
  }

  operation(id) {
    return this.operations.find((one) => one.id === id);
  }

  // {operation} when path and method have one, {allow} when only the path has, {} when neither.
  route(method, path) {
    const segments = path.split("/").slice(1);
    const here = this.operations.filter((one) => matches(one.segments, segments));
    const operation = here.find((one) => one.method === (method === "HEAD" ? "GET" : method));
    return operation ? { operation } : here.length > 0 ? { allow: here.map((one) => one.method) } : {};
  }

  // What is wrong with the answer: sentences. `answer`: {status, headers: {name: value}, body: text}.
  breaks(method, path, answer) {
    const { operation, allow } = this.route(method, path);
    if (answer.status >= 500 && ![501, 503, 505].includes(answer.status)) return [`an unexpected ${answer.status}`];
    const response = operation?.responses[answer.status];
    if (response) return this.#judge(method, answer, operation, this.#resolve(response));
    if (!operation && !allow && answer.status === 404) return this.#envelope(method, answer);
    if (allow && answer.status === 405) {
      const got = answer.headers.allow ?? "";
      const all = [...allow, ...(allow.includes("GET") ? ["HEAD"] : [])];
      const missing = all.filter((name) => !got.split(", ").includes(name));
      return [...this.#envelope(method, answer), ...missing.map((name) => `Allow lacks ${name}: ${got}`)];
    }
    if (REFUSALS.has(answer.status)) return this.#envelope(method, answer);
    return [`the document has no ${answer.status} for ${operation?.id ?? "an unknown path"}`];
  }

  #judge(method, answer, operation, response) {
    const found = [];
    for (const [name, reference] of Object.entries(response.headers ?? {})) {
      const header = this.#resolve(reference);
      const value = answer.headers[name.toLowerCase()];
      if (value === undefined) {
        if (header.required) found.push(`the header ${name} is missing`);
      } else if (!this.ajv.validate(header.schema, value)) {
        found.push(`the header ${name} is ${value}`);
      }
    }
    const content = response.content;
    if (!content) return answer.body === "" ? found : [...found, "a body where there is none"];
    const type = answer.headers["content-type"] ?? "";
    const media = content[mediaOf(type)] ? mediaOf(type) : content["*/*"] ? "*/*" : undefined;
    if (!media) return [...found, `the Content-Type is ${type}`];
    if (method === "HEAD") return found;
    if (media !== "application/json") {
      if (media === "text/html" && !answer.body.startsWith("<!doctype html>")) found.push("the page is no page");
      return found;
    }
    return [...found, ...this.#json(answer, this.#referTo(operation, answer.status))];
  }

  #envelope(method, answer) {
    const found = answer.headers["cache-control"] === "no-store" ? [] : ["Cache-Control: no-store is missing"];
    if (mediaOf(answer.headers["content-type"] ?? "") !== "application/json") found.push("the Content-Type is not JSON");
    return method === "HEAD" ? found : [...found, ...this.#json(answer, ERROR)];
  }

  #json(answer, reference) {
    let value;
    try {
      value = JSON.parse(answer.body);
    } catch {
      return ["the body is not JSON"];
    }
    const validate = this.ajv.getSchema("document" + reference);
    if (validate(value)) return [];
    return validate.errors.map(({ instancePath, message, params }) =>
      [instancePath, message, ...Object.values(params)].join(" "),
    );
  }

  // The schema of an answer's JSON, as a reference into the document.
  #referTo(operation, status) {
    const { $ref } = operation.responses[status];
    const words = $ref ? $ref.slice(2).split("/") : [...operation.at, String(status)];
    return pointer(...words, "content", "application/json", "schema");
  }

  #resolve(node) {
    if (!node.$ref) return node;
    return this.#resolve(node.$ref.slice(2).split("/").reduce((at, word) => at[word], this.document));
  }

  // The schema of its parameters.
  #bodyOf({ requestBody }) {
    return requestBody ? this.#resolve(this.#resolve(requestBody).content["application/json"].schema) : {};
  }
}

function matches(pattern, segments) {
  const rest = pattern.at(-1) === "{file}";
  if (rest ? segments.length < pattern.length : segments.length !== pattern.length) return false;
  return pattern.every((word, i) => (word.startsWith("{") ? rest || segments[i] !== "" : word === segments[i]));
}
