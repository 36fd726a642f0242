// An application's page on an origin of its own, under a strict CSP, with the script as README shows it. What
// its callbacks and its window get stands in window.seen.
import { once } from "node:events";
import { createServer } from "node:http";

const script = `
window.seen = { finished: [], cancelled: 0, messages: [], result: undefined, error: undefined };
addEventListener("message", (event) => seen.messages.push({ origin: event.origin, data: event.data }));
document.getElementById("go").addEventListener("click", () => {
  const asked = new URLSearchParams(location.search);
  OTPGateway(asked.get("namespace"), asked.get("id"),
    function(nm, id) { seen.finished.push([nm, id]); },
    function() { seen.cancelled++; },
  ).then((result) => { seen.result = result; }, (error) => { seen.error = error.message; });
});
`;

export async function startShop(gateway) {
  const html = `<!doctype html><html lang="en"><head><title>Shop</title></head><body>
<main><h1>Shop</h1><button id="go">Verify</button></main>
<script id="otpgateway-script" src="${gateway}/static/otp.js"></script>
<script src="/shop.js"></script></body></html>`;
  const policy = `default-src 'none'; script-src 'self' ${gateway}; style-src ${gateway}; frame-src 'self' ${gateway}`;
  const server = createServer((request, response) => {
    const isScript = request.url === "/shop.js";
    response.writeHead(200, {
      "content-type": isScript ? "text/javascript" : "text/html; charset=utf-8",
      "content-security-policy": policy,
    });
    response.end(isScript ? script : html);
  });
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address();
  return {
    origin: `http://127.0.0.1:${port}`,
    hostile: `http://localhost:${port}`,  // the same page where the gateway does not allow it
    stop: () => new Promise((resolve) => {
      server.close(resolve);
      server.closeAllConnections();
    }),
  };
}
