// AWS for tests: takes a request only when an implementation of AWS's own (@smithy/signature-v4) computes the same
// signature from the bytes that came.
import { createHash, timingSafeEqual } from "node:crypto";
import { Sha256 } from "@aws-crypto/sha256-js";
import { SignatureV4 } from "@smithy/signature-v4";
import { startUpstream } from "./gateway.mjs";

export const CREDENTIALS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" };
const CLOCK_SKEW_MS_MAX = 15 * 60 * 1000;

class Refused extends Error {
  constructor(exception, message) {
    super(message);
    this.exception = exception;
  }
}

const authorization = (text = "") => {
  const found = text.match(
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/([^/]+)\/aws4_request, *SignedHeaders=([^,]+), *Signature=([0-9a-f]{64})$/);
  if (!found) throw new Refused("MissingAuthenticationTokenException", "no signature");
  const [, key, date, region, service, signed, signature] = found;
  return { key, date, region, service, signed: signed.split(";"), signature };
};

// Where the credential scope says that a request goes. Throws Refused.
async function verify({ method, url, headers, body }) {
  const { key, date, region, service, signed, signature } = authorization(headers.authorization);
  if (key !== CREDENTIALS.accessKeyId) throw new Refused("UnrecognizedClientException", "who is that?");
  const stamp = headers["x-amz-date"] ?? "";
  const when = Date.parse(stamp.replace(/^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/, "$1-$2-$3T$4:$5:$6Z"));
  if (!(Math.abs(Date.now() - when) < CLOCK_SKEW_MS_MAX) || !stamp.startsWith(date)) {
    throw new Refused("InvalidSignatureException", "Signature expired");
  }
  for (const name of ["host", ...Object.keys(headers).filter((header) => /^(content-type|x-amz-.*)$/.test(header))]) {
    if (!signed.includes(name)) throw new Refused("InvalidSignatureException", `${name} is not signed`);
  }
  for (const name of signed) {
    if (headers[name] === undefined) {
      throw new Refused("IncompleteSignatureException", `'${name}' is named as a SignedHeader, but it does not exist`);
    }
  }
  const hash = headers["x-amz-content-sha256"];
  if (hash && hash !== createHash("sha256").update(body).digest("hex")) {
    throw new Refused("InvalidSignatureException", "the body has another hash");
  }
  const signer = new SignatureV4({ credentials: CREDENTIALS, region, service, sha256: Sha256, applyChecksum: false });
  const again = await signer.sign(
    {
      method,
      protocol: "http:",
      hostname: "127.0.0.1",
      path: url,
      query: {},
      headers: Object.fromEntries(signed.map((name) => [name, headers[name]])),
      body,
    },
    { signingDate: new Date(when), signableHeaders: new Set(signed) });
  if (!timingSafeEqual(Buffer.from(authorization(again.headers.authorization).signature), Buffer.from(signature))) {
    throw new Refused("InvalidSignatureException", "another signature");
  }
  return { region, service };
}

export const json = (status, body, headers = {}) => ({
  status, body: JSON.stringify(body), headers: { "content-type": "application/json", ...headers },
});

function accept({ service, body }) {
  if (service === "sms-voice") return json(200, { MessageId: "voice-1" });
  const Result = {};
  for (const address of Object.keys(JSON.parse(body).Addresses)) {
    Result[address] = { DeliveryStatus: "SUCCESSFUL", MessageId: "pinpoint-1", StatusCode: 200 };
  }
  return json(200, { ApplicationId: "0123abcd", RequestId: "r-1", Result });
}

// `taken` holds the requests that were signed right; `answers`, by phone number, what stands in for an acceptance.
export async function startAws() {
  const taken = [];
  const answers = new Map();
  const upstream = await startUpstream(async (request) => {
    try {
      const signed = { ...request, ...(await verify(request)) };
      taken.push(signed);
      const number = [...answers.keys()].find((one) => request.body.includes(one));
      return number ? answers.get(number) : accept(signed);
    } catch (error) {
      if (!(error instanceof Refused)) throw error;
      return json(403, { message: error.message }, { "x-amzn-ErrorType": error.exception });
    }
  });
  return { endpoint: upstream.origin, taken, answers, stop: upstream.stop };
}
