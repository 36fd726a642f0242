// What every test needs that starts programs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";

// A port that nobody listens on, below the range from which outgoing connections take theirs.
export async function freePort() {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000);
    const server = createServer().listen(port, "127.0.0.1");
    const free = await once(server, "listening").then(() => true, () => false);
    if (!free) continue;
    server.close();
    await once(server, "close");
    return port;
  }
}

// Asks until it is true, or fails with what was waited for. A minute is for machines that are busy.
export async function until(what, ask, milliseconds = 60_000) {
  const end = Date.now() + milliseconds;
  for (;;) {
    const answer = await ask();
    if (answer) return answer;
    if (Date.now() > end) throw new Error(`waited ${milliseconds} ms for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 25));
  }
}

export async function ended(child) {
  if (child.exitCode === null && child.signalCode === null) await once(child, "exit");
}

// A program under test. `log` is what it has written so far, and all of it once it is `closed`.
export class Program {
  constructor(name, ...words) {
    this.child = spawn(join(process.env.OTPGW_BIN, name), words, { stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    this.closed = false;
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (chunk) => (this.log += chunk));
    }
    this.child.on("close", () => (this.closed = true));
  }

  async stop() {
    this.child.kill("SIGTERM");
    await ended(this.child);
  }
}

// A gateway that listens: {program, port}. configuration(port) is its TOML, which goes into the folder: once more with
// another port when somebody has taken this one in the meantime.
export async function startGateway(folder, configuration) {
  const file = join(folder, "config.toml");
  for (;;) {
    const port = await freePort();
    await writeFile(file, await configuration(port));
    const program = new Program("otpgateway", `--config=${file}`);
    const listens = () => program.log.includes(`listening on 127.0.0.1:${port}`);
    try {
      await until("the gateway", () => listens() || program.closed);
      if (listens()) return { program, port };
      if (!/in use/i.test(program.log)) throw new Error("the gateway did not start");
    } catch (error) {
      await program.stop();
      throw new Error(`${error.message}\n${program.log}`);
    }
  }
}
