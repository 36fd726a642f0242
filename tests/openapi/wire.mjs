// Sends bytes exactly as they are, and reads answers; no client library would send these.
import { once } from "node:events";
import { connect } from "node:net";

const LATE_MS = 20_000; // above the gateway's own deadlines

export class Wire {
  constructor(port) {
    this.port = port;
  }

  // One answer to one request: {status, headers: {name: value}, body}. `last`: the connection is of no more use then.
  async ask(method, bytes, last) {
    for (let again = true; ; again = false) {
      const fresh = !this.socket;
      if (fresh) await this.#open();
      this.socket.write(bytes);
      const answer = await this.#read(method);
      if (answer && !last && answer.headers.connection !== "close") return answer;
      this.close();
      // A connection that was kept may have ended meanwhile; a fresh one may not.
      if (answer || fresh || !again) return answer;
    }
  }

  close() {
    this.socket?.destroy();
    this.socket = undefined;
  }

  async #open() {
    const socket = connect(this.port, "127.0.0.1");
    socket.setNoDelay(true);
    this.socket = socket;
    this.buffer = Buffer.alloc(0);
    this.ended = false;
    this.wake = () => {};
    socket.on("data", (chunk) => {
      this.buffer = Buffer.concat([this.buffer, chunk]);
      this.wake();
    });
    for (const event of ["end", "close", "error"]) {
      socket.on(event, () => {
        if (socket !== this.socket) return; // the one before
        this.ended = true;
        this.wake();
      });
    }
    await once(socket, "connect");
  }

  // Nothing when the connection ends without an answer, or when time is up.
  async #read(method) {
    const timer = setTimeout(() => this.socket?.destroy(), LATE_MS);
    try {
      for (;;) {
        const answer = this.#parse(method);
        if (answer || this.ended) return answer;
        await new Promise((resolve) => (this.wake = resolve));
      }
    } finally {
      clearTimeout(timer);
    }
  }

  #parse(method) {
    const end = this.buffer.indexOf("\r\n\r\n");
    if (end < 0) return undefined;
    const [first, ...lines] = this.buffer.subarray(0, end).toString("latin1").split("\r\n");
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(first)?.[1]);
    const headers = {};
    for (const line of lines) {
      const [, name, value] = /^([^:]+): (.*)$/.exec(line);
      headers[name.toLowerCase()] = value;
    }
    const length = method === "HEAD" || status === 304 ? 0 : Number(headers["content-length"]);
    if (this.buffer.length < end + 4 + length) return undefined;
    const body = this.buffer.subarray(end + 4, end + 4 + length).toString("utf8");
    this.buffer = this.buffer.subarray(end + 4 + length);
    return { status, headers, body };
  }
}
