// Unit: pinpoint.so. Goal: its requests are signed as AWS wants them, and are in method, path, credential scope,
// headers and JSON what AWS's own SDK sends for the same message; it names AWS's exceptions as the SDK does. Method: the
// built gateway and @aws-sdk send to one server that recomputes each signature with @smithy/signature-v4 and takes no
// wrong one; as a control, wrong keys and altered requests must be refused.
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { request as httpRequest } from "node:http";
import { after, before, test } from "node:test";
import { PinpointClient, SendMessagesCommand } from "@aws-sdk/client-pinpoint";
import { PinpointSMSVoiceV2Client, SendTextMessageCommand } from "@aws-sdk/client-pinpoint-sms-voice-v2";
import { CREDENTIALS, json, startAws } from "./aws.mjs";
import { Gateway } from "./gateway.mjs";
import { until } from "./process.mjs";

const REGION = "ap-south-1";
const TEMPLATE = "Grüße! \"{{ .OTP }}\" is <your> code \\ for 😀 {{ .Namespace }}\ttab\u007f & more/\n";
const FULL = { sms_sender_id: "MYAPP", sms_entity_id: "1101", sms_template_id: "1107", sms_message_type: "PROMOTIONAL" };
const PROVIDERS = {
  pinpoint_sms: { application_id: "0123abcd" },
  pinpoint_full: { application_id: "0123abcd", template: "message.txt", ...FULL },
  pinpoint_bare: { application_id: "0123abcd", sms_message_type: "" },
  voice: { api: "sms-voice" },
  voice_full: {
    api: "sms-voice", template: "message.txt", ...FULL, origination_identity: "pool-0a1", configuration_set: "codes",
    max_price: "0.05", dry_run: true,
  },
  wrong_secret: { application_id: "0123abcd", secret_key: CREDENTIALS.secretAccessKey + "x" },
  wrong_voice_secret: { api: "sms-voice", secret_key: "another" },
  wrong_key: { api: "sms-voice", access_key: "AKIDOTHER" },
};
let aws, gateway, lastNumber = 9_876_500_000;
const freshNumber = () => "+91" + ++lastNumber;

before(async () => {
  aws = await startAws();
  const sections = Object.entries(PROVIDERS).map(([name, keys]) => {
    const all = {
      enabled: true, plugin: "pinpoint.so", region: REGION, access_key: CREDENTIALS.accessKeyId,
      secret_key: CREDENTIALS.secretAccessKey, endpoint: aws.endpoint, default_phone_code: "+91", max_conns: 2, ...keys,
    };
    return `[providers.${name}]\n` +
      Object.entries(all).map(([key, value]) => `${key} = ${JSON.stringify(value)}\n`).join("");
  });
  await writeFile("message.txt", TEMPLATE);
  gateway = await Gateway.start(sections.join(""));
});
after(async () => {
  await gateway?.stop();
  aws?.stop();
});

const clients = (endpoint, credentials = CREDENTIALS) => {
  const config = { region: REGION, endpoint, credentials, maxAttempts: 1 };
  return { pinpoint: new PinpointClient(config), voice: new PinpointSMSVoiceV2Client(config) };
};

// The same message through the SDK, from what the configuration says and the job's own facts.
function commandFor(keys, { to, text, context, seconds }) {
  const optional = (value) => (value === undefined || value === "" ? undefined : value);
  const type = keys.sms_message_type === undefined ? "TRANSACTIONAL" : optional(keys.sms_message_type);
  if (keys.api === "sms-voice") {
    return ["voice", new SendTextMessageCommand({
      DestinationPhoneNumber: to,
      OriginationIdentity: keys.origination_identity,
      MessageBody: text,
      MessageType: type,
      ConfigurationSetName: keys.configuration_set,
      MaxPrice: keys.max_price,
      TimeToLive: seconds,
      Context: context,
      DestinationCountryParameters: keys.sms_entity_id && { IN_ENTITY_ID: keys.sms_entity_id, IN_TEMPLATE_ID: keys.sms_template_id },
      DryRun: keys.dry_run,
    })];
  }
  return ["pinpoint", new SendMessagesCommand({
    ApplicationId: keys.application_id,
    MessageRequest: {
      Addresses: { [to]: { ChannelType: "SMS" } },
      Context: context,
      MessageConfiguration: {
        SMSMessage: {
          Body: text, MessageType: type, SenderId: keys.sms_sender_id, EntityId: keys.sms_entity_id,
          TemplateId: keys.sms_template_id,
        },
      },
    },
  })];
}

// All that makes a request what it is; the rest of the headers is each client's own.
const essence = ({ method, url, headers, region, service, body }) => ({
  method, url, region, service,
  type: headers["content-type"],
  target: headers["x-amz-target"],
  body: JSON.parse(body),
});
const requestsTo = (number) => aws.taken.filter((request) => request.body.includes(number));

for (const [name, keys] of Object.entries(PROVIDERS).filter(([name]) => !name.startsWith("wrong"))) {
  test(`what ${name} sends is signed, and is what AWS's SDK sends`, async () => {
    const to = freshNumber();
    const otp = await gateway.send({ provider: name, to, ttl: "120" });
    assert.equal(otp.delivery.upstream_id, keys.api === "sms-voice" ? "voice-1" : "pinpoint-1");
    const [ours, ...more] = requestsTo(to);
    assert.deepEqual(more, []);
    const { body } = essence(ours);
    assert.deepEqual(Object.keys(body.Context).sort(), ["job", "namespace"]);
    assert.equal(body.Context.namespace, "app");
    if (keys.api === "sms-voice") assert.ok(body.TimeToLive > 90 && body.TimeToLive <= 120, `${body.TimeToLive} s`);

    const text = keys.template
      ? TEMPLATE.replace("{{ .OTP }}", otp.otp).replace("{{ .Namespace }}", "app")
      : body.MessageBody ?? body.MessageConfiguration.SMSMessage.Body;
    assert.ok(text.includes(otp.otp));
    const [client, command] = commandFor(keys, { to, text, context: body.Context, seconds: body.TimeToLive });
    await clients(aws.endpoint)[client].send(command);
    const theirs = requestsTo(to)[1];
    assert.notEqual(theirs.headers["user-agent"], ours.headers["user-agent"]);
    assert.deepEqual(essence(ours), essence(theirs));
  });
}

for (const [name, exception] of [["wrong_secret", "InvalidSignatureException"], ["wrong_voice_secret", "InvalidSignatureException"],
                                 ["wrong_key", "UnrecognizedClientException"]]) {
  test(`a control: ${name} is refused, and the provider waits`, async () => {
    const to = freshNumber();
    const { data: { id } } = await gateway.call("PUT", "", { provider: name, to });
    const delivery = await until("the refusal", async () => {
      const { data } = await gateway.call("GET", "/" + id);
      return data.delivery.detail.includes("AWS") && data.delivery;
    });
    assert.match(delivery.detail, new RegExp(`^AWS answered 403 ${exception}: wrong access_key, secret_key or region`));
    assert.equal(delivery.state, "queued");
    assert.deepEqual(requestsTo(to), []);
  });
}

test("a control: a request that was altered is refused", async () => {
  for (const provider of ["pinpoint_sms", "voice"]) {
    const to = freshNumber();
    await gateway.send({ provider, to });
    const [good] = requestsTo(to);
    const replay = async (change) => {
      const { method, url, headers, body } = { ...good, ...change };
      const outgoing = httpRequest(aws.endpoint + url, { method, headers });
      const status = new Promise((resolve, reject) => {
        outgoing.on("response", (answer) => resolve(answer.resume().statusCode)).on("error", reject);
      });
      outgoing.end(body);
      return status;
    };
    const header = (name, value) => ({ headers: { ...good.headers, [name]: value } });
    assert.equal(await replay({}), 200);
    assert.equal(await replay({ body: Buffer.from(good.body.toString("utf8").replace(to, "+910000000000")) }), 403);
    assert.equal(await replay({ url: "/v1/apps/other/messages" }), 403);
    assert.equal(await replay(header("content-type", "text/plain")), 403);
    assert.equal(await replay(header("x-amz-date", "20200101T000000Z")), 403);
    assert.equal(await replay(header("authorization", good.headers.authorization.replace("ap-south-1", "us-east-1"))), 403);
    assert.equal(await replay(header("authorization", good.headers.authorization.replace(/.$/, (c) => (c === "0" ? "1" : "0")))), 403);
    if (provider === "voice") assert.equal(await replay(header("x-amz-target", "PinpointSMSVoiceV2.SendVoiceMessage")), 403);
  }
  await assert.rejects(
    clients(aws.endpoint, { ...CREDENTIALS, secretAccessKey: "other" }).voice.send(
      new SendTextMessageCommand({ DestinationPhoneNumber: "+1", MessageBody: "x" })),
    { name: "InvalidSignatureException" });
});

test("an exception has the name that AWS's SDK gives it", async () => {
  const refusals = {
    voice: [
      json(400, { __type: "ConflictException", Reason: "DESTINATION_PHONE_NUMBER_OPTED_OUT" }),
      json(400, { __type: "com.amazonaws.pinpointsmsvoicev2#ValidationException", Reason: "FIELD_VALIDATION_FAILED" }),
      json(400, { Reason: "COUNTRY_NOT_ENABLED" }, { "x-amzn-ErrorType": "ValidationException:http://internal.amazon.com/" }),
    ],
    pinpoint_sms: [
      json(400, { Message: "no", RequestID: "r" }, { "x-amzn-ErrorType": "BadRequestException:http://internal.amazon.com/" }),
      json(413, { Message: "no", RequestID: "r", code: "PayloadTooLargeException" }),
      json(400, { Message: "no", __type: "com.amazonaws.pinpoint#BadRequestException" }),
    ],
  };
  for (const [provider, answers] of Object.entries(refusals)) {
    for (const answer of answers) {
      const to = freshNumber();
      aws.answers.set(to, answer);
      const failed = await gateway.call("PUT", "", { provider, to, wait: "15" });
      assert.equal(failed.data.delivery.state, "failed");
      const [, ours, reason] = failed.data.delivery.detail.match(/^AWS answered \d+ (\w+) ?(\w*):/);
      const [client, command] = commandFor(PROVIDERS[provider], { to, text: "x", context: { namespace: "app" }, seconds: 60 });
      const error = await clients(aws.endpoint)[client].send(command).then(() => assert.fail("taken"), (thrown) => thrown);
      assert.equal(ours, error.name);
      assert.equal(reason, error.Reason ?? "");
      assert.equal(requestsTo(to).length, 2);
    }
  }
});
