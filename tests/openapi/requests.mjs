// Requests made from the document: right ones, ones with a single fault, hostile ones. A request is
//   {kind, method, path, bytes, last, wants}
// with `last` when the connection ends with it. `wants` is what its answer must be beside what the document says:
//   {status, least (status), names (a parameter, in the message), data (members of the OTP)}
import fc from "fast-check";

import { build, carry, encode, WAYS } from "./carriers.mjs";
import { authorizations, bodies, BROKEN, EVIL, headers, METHODS, noise, PATHS, types } from "./hostile.mjs";
import { allowed, forbidden, FORBIDDEN_IDS } from "./values.mjs";

export const SECRETS = { app: "secret", quiet: "other-secret" }; // quiet has return_otp = false and view_key = true

const asText = ([name, value]) => [name, name === "extra" ? JSON.stringify(value) : String(value)];
const authorization = (name_space) => [["Authorization", `Basic ${btoa(`${name_space}:${SECRETS[name_space]}`)}`]];
const authorizationFor = (operation, name_space) => (operation.secured ? authorization(name_space) : []);
const fill = (operation, values) =>
  operation.path.replace(/\{(\w+)\}/g, (_, name) => (name === "file" ? values.file : encode(values[name])));

// `ids`: how many are used again and again, so that checks meet codes, locks and closed OTPs.
export function requestsOf(document, ids) {
  const { operations } = document;
  const secured = operations.filter((one) => one.secured);
  const withBody = secured.filter((one) => one.body);
  const isNew = { createOtp: fc.constant(true), putOtp: fc.boolean() };
  const newId = allowed("id", document.operation("getOtp").parameters.find((one) => one.name === "id").schema);
  const usedId = fc.integer({ min: 1, max: ids }).map((n) => `used-${n}`);
  const name_space = fc.constantFrom(...Object.keys(SECRETS));
  const places = fc.record({
    id: fc.oneof({ weight: 4, arbitrary: usedId }, { weight: 1, arbitrary: newId }),
    namespace: fc.constantFrom(...Object.keys(SECRETS), "nobody"),
    file: fc.constantFrom("otp.js", "style.css", "demo.html", "no-such-file.js"),
  });

  // [name, value] of all parameters that must be there, and of some of the others.
  function parametersOf(operation) {
    const query = operation.parameters.filter((one) => one.in === "query");
    const schemas = [...Object.entries(operation.body ?? {}), ...query.map((one) => [one.name, one.schema])];
    const values = Object.fromEntries(schemas.map(([name, schema]) => [name, allowed(name, schema)]));
    const requiredKeys = [...operation.required, ...query.filter((one) => one.required).map((one) => one.name)];
    return fc.record(values, { requiredKeys }).map(Object.entries);
  }

  // Whatever the document calls valid. A PUT on a new id must be taken, and comes back as it was given.
  const valid = fc.constantFrom(...operations).chain((operation) =>
    fc
      .record({
        place: places,
        isNew: isNew[operation.id] ?? fc.constant(false),
        fresh: fc.tuple(newId, fc.noBias(fc.uuid())).map(([id, unique]) => [...id].slice(0, 60).join("") + unique),
        name_space,
        parameters: parametersOf(operation),
        way: operation.body ? fc.constantFrom(...WAYS) : fc.constant("query"),
        more: headers,
        key: fc.option(fc.constantFrom("key-1", "key-2")),
        head: fc.boolean(),
      })
      .map(({ place, isNew, fresh, name_space, parameters, way, more, key, head }) => {
        const id = isNew ? fresh : place.id;
        const takesKey = operation.parameters.some((one) => one.name === "Idempotency-Key");
        return build({
          kind: "valid",
          method: operation.method === "GET" && head ? "HEAD" : operation.method,
          path: fill(operation, { ...place, id }),
          headers: [
            ...authorizationFor(operation, name_space),
            ...more,
            ...(key && takesKey && !isNew ? [["Idempotency-Key", key]] : []),
          ],
          ...carry(parameters.map(asText), way),
          wants: isNew ? { status: 200, data: echo(operation, id, name_space, Object.fromEntries(parameters)) } : {},
        });
      }),
  );

  function echo(operation, id, name_space, parameters) {
    const data = { namespace: name_space, attempts: 1, generate: 1, closed: false };
    if (operation.id === "putOtp") data.id = id;
    for (const name of ["to", "extra", "max_attempts", "max_generate"]) {
      if (name in parameters) data[name] = parameters[name];
    }
    if (parameters.otp && name_space !== "quiet") data.otp = parameters.otp;
    return data;
  }

  // One fault, and nothing beside it that could be looked at first: 400, and the message names the parameter.
  const faulty = fc.constantFrom(...withBody).chain((operation) => {
    const anyText = operation.id === "checkOrResend" ? ["otp", "wait"] : [];
    const faults = Object.entries(operation.body)
      .filter(([name]) => !anyText.includes(name))
      .flatMap(([name, schema]) => forbidden(name, schema).map((value) => [name, value]));
    return fc
      .record({ place: places, name_space, fault: fc.constantFrom(...faults), way: fc.constantFrom(...WAYS) })
      .map(({ place, name_space, fault, way }) => {
        const [name] = fault;
        // JSON text that is broken makes another fault of it: the whole body is no JSON then.
        if (name === "extra" && way.startsWith("json")) way = "form";
        const needsProvider = operation.required.includes("provider") && name !== "provider";
        return build({
          kind: "fault",
          method: operation.method,
          path: fill(operation, { ...place, id: `faulty-${name}` }),
          headers: authorization(name_space),
          ...carry(needsProvider ? [["provider", "console"], fault] : [fault], way),
          wants: { status: 400, names: name },
        });
      });
  });

  const twice = fc.constantFrom(...withBody).chain((operation) =>
    fc
      .tuple(places, fc.constantFrom(...Object.keys(operation.body)), fc.constantFrom(...WAYS, "form and query"))
      .map(([place, name, way]) => {
        const pair = [name, "1"];
        const both = way === "form and query";
        return build({
          kind: "twice",
          method: operation.method,
          path: fill(operation, place),
          headers: authorization("app"),
          ...(both ? { ...carry([pair], "form"), ...carry([pair], "query") } : carry([pair, pair], way)),
          wants: { status: 400, names: name },
        });
      }),
  );

  const wrongId = fc
    .tuple(fc.constantFrom(...secured.filter((one) => one.path.includes("{id}"))), fc.constantFrom(...FORBIDDEN_IDS))
    .map(([operation, id]) =>
      build({
        kind: "id",
        method: operation.method,
        path: fill(operation, { id }),
        query: "provider=console",
        headers: authorization("app"),
        wants: { status: 400, names: "id" },
      }),
    );

  const unauthorized = fc
    .tuple(fc.constantFrom(...secured), places, authorizations)
    .map(([operation, place, value]) =>
      build({
        kind: "authorization",
        method: operation.method,
        path: fill(operation, place),
        headers: value ? [["Authorization", value]] : [],
        wants: { status: 401 },
      }),
    );

  // Bytes that nobody asked for, wherever a request has room for them.
  const hostile = fc
    .record({
      operation: fc.constantFrom(...operations),
      place: places,
      noise: fc.option(noise),
      query: noise,
      named: fc.boolean(),
      type: types,
      body: bodies,
      known: fc.boolean(),
      more: headers,
    })
    .map(({ operation, place, noise, query, named, type, body, known, more }) => {
      const path = noise === null ? fill(operation, place) : operation.path.replace(/\{\w+\}/g, () => noise);
      return build({
        kind: "hostile",
        method: operation.method,
        path,
        query: (named ? "provider=console&" : "") + query,
        headers: [...(known ? authorizationFor(operation, "app") : []), ...more],
        type,
        body,
        latin1: true,
      });
    });

  const somewhere = fc
    .tuple(fc.constantFrom(...operations), places)
    .map(([operation, place]) => fill(operation, place));
  const elsewhere = fc
    .tuple(fc.constantFrom(...METHODS), fc.oneof(somewhere, fc.constantFrom(...PATHS)), headers)
    .map(([method, path, more]) =>
      build({ kind: "elsewhere", method, path, headers: [...authorization("app"), ...more] }),
    );

  const absolute = fc.constantFrom("http", "https").map((scheme) => {
    const request = build({
      kind: "absolute",
      method: "PUT",
      path: "/api/otp",
      query: "provider=console",
      headers: authorization("app"),
      wants: { status: 200, data: {} },
    });
    return { ...request, bytes: request.bytes.replace("PUT ", `PUT ${scheme}://${EVIL}`) };
  });

  return fc.oneof(
    { weight: 40, arbitrary: valid },
    { weight: 16, arbitrary: faulty },
    { weight: 16, arbitrary: hostile },
    { weight: 6, arbitrary: unauthorized },
    { weight: 5, arbitrary: twice },
    { weight: 5, arbitrary: elsewhere },
    { weight: 4, arbitrary: wrongId },
    { weight: 3, arbitrary: fc.constantFrom(...BROKEN) },
    { weight: 1, arbitrary: absolute },
  );
}
