// The real gateway with a configuration and a data folder of its own, and a real SMTP server behind it.
import { spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { ended, startGateway, until } from "./process.mjs";

async function startMailServer() {
  const child = spawn(process.env.OTPGW_PYTHON, ["mail_server.py"], { stdio: ["pipe", "pipe", "inherit"] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const port = Number((await lines.next()).value);
  const mails = [];
  (async () => {
    for await (const line of lines) mails.push(JSON.parse(line));
  })();
  return {
    port,
    mails,
    async stop() {
      child.stdin.end();
      await ended(child);
    },
  };
}

export class Gateway {
  // `limits` is TOML of that section, `sections` what follows the configuration's own.
  static async start({ origins = ["http://127.0.0.1:*"], sections = "", limits = "resend_cooldown = 0" } = {}) {
    const gateway = new Gateway();
    gateway.namespace = "app";
    gateway.folder = await mkdtemp(join(tmpdir(), "otpgw-browser-"));
    gateway.mailServer = await startMailServer();
    try {
      const { program, port } = await startGateway(gateway.folder, (port) => `
[app]
address = "127.0.0.1:${port}"
root_url = "http://127.0.0.1:${port}"
data_dir = "${gateway.folder}/data"
[admin]
address = ""
[limits]
address_sends = []
address_guesses = []
ip_posts = []
${limits}
[store]
engine = "sqlite"
[auth.app]
namespace = "app"
name = "Corner Shop"
secret = "secret"
origins = ${JSON.stringify(origins)}
[providers.smtp]
enabled = true
host = "127.0.0.1"
port = ${gateway.mailServer.port}
auth_protocol = "none"
tls_type = "none"
from_email = "Test <t@example.com>"
max_conns = 2
timeout = "5s"
${sections}`);
      gateway.program = program;
      gateway.origin = `http://127.0.0.1:${port}`;
      await gateway.put({ to: "first@example.com" });
      await gateway.mailTo("first@example.com");  // now its worker is there, too
    } catch (error) {
      await gateway.stop();
      throw new Error(`${error.message}\n${gateway.program?.log ?? ""}`);
    }
    return gateway;
  }

  // Returns the configuration that was there before.
  async reload(change) {
    const file = join(this.folder, "config.toml");
    const before = await readFile(file, "utf8");
    await writeFile(file, change(before));
    const read = this.program.log.length;
    this.program.child.kill("SIGHUP");
    await until("the reload", () => this.program.log.slice(read).includes("the configuration has been read again"));
    return before;
  }

  async stop() {
    await this.program?.stop();
    await this.mailServer.stop();
    await rm(this.folder, { recursive: true });
  }

  // The same gateway, asked by another application.
  as(namespace) {
    return Object.assign(Object.create(this), { namespace });
  }

  async call(method, path, parameters = {}) {
    const answer = await fetch(this.origin + "/api/otp" + path, {
      method,
      headers: { authorization: "Basic " + btoa(`${this.namespace}:secret`) },
      body: method === "GET" ? undefined : new URLSearchParams(parameters),
    });
    return { ...(await answer.json()), status: answer.status };
  }

  // Makes an OTP with a random id; the answer's `data`.
  async put(parameters = {}) {
    const answer = await this.call("PUT", "", { provider: "smtp", ...parameters });
    if (answer.status !== 200) throw new Error(`PUT: ${answer.status} ${answer.message}`);
    return answer.data;
  }

  async verified(otp) {
    return (await this.call("POST", `/${otp.id}/status`)).status === 200;
  }

  async mailTo(address, count = 1) {
    const mails = () => this.mailServer.mails.filter((mail) => mail.to.includes(address));
    await until(`mail ${count} to ${address}`, () => mails().length >= count);
    return mails()[count - 1];
  }
}

export const codeIn = (mail) => (mail.plain || mail.html.replace(/<[^>]*>/g, " ")).match(/\b\d{6}\b/)[0];
export const linkIn = (mail) => mail.html.match(/href="([^"]*\/otp\/[^"]*)"/)[1].replaceAll("&amp;", "&");
