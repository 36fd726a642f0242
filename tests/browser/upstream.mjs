// Where webhooks send: takes each message, or does not, as its path says. `sections` is their configuration:
// providers `sms` (taken), `voice` (never answered), `whatsapp` (refused).
import { once } from "node:events";
import { createServer } from "node:http";
import { until } from "./process.mjs";

export async function startUpstream() {
  const messages = [];
  const server = createServer(async (request, response) => {
    const chunks = await request.toArray();
    const message = JSON.parse(Buffer.concat(chunks));
    if (request.url === "/never") return;
    response.statusCode = request.url === "/refused" ? 400 : 200;
    if (response.statusCode === 200) messages.push(message.otp);
    response.end("{}");
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const section = (kind, path) => `
[webhooks.${kind}]
enabled = true
url = "http://127.0.0.1:${server.address().port}${path}"
channel_kind = "${kind}"
default_phone_code = "+1"
max_address_len = 20
timeout = "120s"
`;
  return {
    sections: section("sms", "/taken") + section("voice", "/never") + section("whatsapp", "/refused"),
    codeTo: async (address) => {
      const find = () => messages.findLast((message) => message.to === address);
      await until(`a message to ${address}`, find);
      return find().otp;
    },
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}
