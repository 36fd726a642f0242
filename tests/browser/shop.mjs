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
    { lang: asked.get("lang"), key: asked.get("key") },
  ).then((result) => { seen.result = result; }, (error) => { seen.error = error.message; });
});
`;

// The snippet of the original's documentation, word for word but for the gateway's address.
const snippet = (gateway) => `<!doctype html><html lang="en"><head><title>Snippet</title></head><body>
<script>const namespaceVal = "app", idVal = new URLSearchParams(location.search).get("id");</script>
<!-- The id #otpgateway-script is required for the script to work //-->
<script
id="otpgateway-script"
src="${gateway}/static/otp.js"
></script>
<script>
// 1. Make a call to the server to generate and send an OTP and return the
// the :namespace and :id for the OTP.
// 2. Invoke the verification UI for the user with the namespace and id values,
// and a callback which is triggered when the user finishes the flow.
OTPGateway(
namespaceVal,
idVal,
function(nm, id) {
console.log("finished", nm, id);
// 3. Post the namespace and id to your server that will make the
// status request to the gateway and on success, update the user's
// address in your records as it's now verified.
},
function() {
console.log("cancelled");
}
);
</script>
</body></html>`;

export async function startShop(gateway) {
  const html = `<!doctype html><html lang="en"><head><title>Shop</title></head><body>
<main><h1>Shop</h1><button id="go">Verify</button></main>
<script id="otpgateway-script" src="${gateway}/static/otp.js"></script>
<script src="/shop.js"></script></body></html>`;
  const policy = `default-src 'none'; script-src 'self' ${gateway}; style-src ${gateway}; frame-src 'self' ${gateway}`;
  const server = createServer((request, response) => {
    if (request.url.startsWith("/snippet")) {  // inline scripts: no CSP
      response.writeHead(200, { "content-type": "text/html; charset=utf-8" });
      return response.end(snippet(gateway));
    }
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
