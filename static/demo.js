// The shop's side of demo.html: what an application does with otp.js.
"use strict";
(() => {
  const asked = new URLSearchParams(location.search);
  const namespace = asked.get("namespace");
  const id = asked.get("id");
  const options = { key: asked.get("key"), lang: asked.get("lang") };
  const button = document.getElementById("verify");
  const result = document.getElementById("result");

  const gateway = new URL("..", location.href).href.replace(/\/$/, "");
  for (const place of document.querySelectorAll(".gateway")) place.textContent = gateway;

  function say(state, text) {
    result.className = state;
    result.textContent = text;
  }

  if (!namespace || !id) {
    button.disabled = true;
    say("", "Open this page with ?namespace=…&id=… of an OTP to try it.");
    return;
  }
  button.addEventListener("click", () => {
    say("", "");
    OTPGateway(
      namespace,
      id,
      () => say("good", "Verified. A shop's server would now ask the gateway for the status, and take the order."),
      () => say("bad", "Cancelled. Nothing was ordered."),
      options,
    );
  });
})();
