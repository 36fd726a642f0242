// What every test needs that starts programs.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer } from "node:net";
import { join } from "node:path";

export async function freePort() {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  server.close();
  await once(server, "close");
  return port;
}

// Asks until it is true, or fails with what was waited for.
export async function until(what, ask, milliseconds = 10_000) {
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

// A program under test. `log` is what it has written so far.
export class Program {
  constructor(name, ...words) {
    this.child = spawn(join(process.env.OTPGW_BIN, name), words, { stdio: ["ignore", "pipe", "pipe"] });
    this.log = "";
    for (const stream of [this.child.stdout, this.child.stderr]) {
      stream.on("data", (chunk) => (this.log += chunk));
    }
  }

  async stop() {
    this.child.kill("SIGTERM");
    await ended(this.child);
  }
}
