// The real gateway with the provider under test, and an HTTP server that keeps what the provider sends.
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { startGateway } from "./process.mjs";

// Answers every request with answer(request); `requests` holds {method, url, headers, body: Buffer}.
export async function startUpstream(answer = () => ({ status: 200, body: "" })) {
  const requests = [];
  const server = createServer(async (incoming, outgoing) => {
    const chunks = [];
    for await (const chunk of incoming) chunks.push(chunk);
    const { method, url, headers } = incoming;
    const request = { method, url, headers, body: Buffer.concat(chunks) };
    requests.push(request);
    const { status, body, headers: more } = await answer(request);
    outgoing.writeHead(status, more).end(body);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return {
    origin: `http://127.0.0.1:${server.address().port}`,
    requests,
    stop() {
      server.closeAllConnections();
      server.close();
    },
  };
}

export class Gateway {
  // `sections`: TOML of the providers.
  static async start(sections) {
    const gateway = new Gateway();
    gateway.folder = await mkdtemp(join(tmpdir(), "otpgw-providers-"));
    const { program, port } = await startGateway(gateway.folder, (port) => `
[app]
address = "127.0.0.1:${port}"
data_dir = "${gateway.folder}/data"
[admin]
address = ""
[limits]
address_sends = []
address_guesses = []
ip_posts = []
resend_cooldown = 0
[auth.app]
namespace = "app"
secret = "secret"
${sections}`);
    gateway.program = program;
    gateway.origin = `http://127.0.0.1:${port}`;
    return gateway;
  }

  async stop() {
    await this.program.stop();
    await rm(this.folder, { recursive: true });
  }

  async call(method, path, parameters) {
    const answer = await fetch(this.origin + "/api/otp" + path, {
      method,
      headers: { authorization: "Basic " + btoa("app:secret") },
      body: parameters && new URLSearchParams(parameters),
    });
    return { ...(await answer.json()), status: answer.status };
  }

  // Makes an OTP and waits until its message has been sent; the OTP object.
  async send(parameters) {
    const { data, status, message } = await this.call("PUT", "", { wait: "15", ...parameters });
    if (data?.delivery?.state !== "sent") {
      throw new Error(`PUT: ${status} ${message} ${JSON.stringify(data?.delivery)}\n${this.program.log}`);
    }
    return data;
  }
}
