// The pages work without this script. It counts the time down, shows how the delivery goes, notices when
// the code was accepted elsewhere, and talks to otp.js when the page is in its modal.
"use strict";
(() => {
  const section = document.querySelector("[data-page]");
  const { namespace, id, origins } = document.body.dataset;
  const { page, url, status } = section.dataset;

  // The code of a message's link is in the field now, and shall not stay in the history.
  if (url && location.search.includes("otp=")) history.replaceState(null, "", url);

  // ---- The time left ----
  // The page comes back from the server when it has run out: by GET, so nothing is posted twice.
  const left = document.getElementById("left");
  const reload = () => location.replace(url || location.href);

  function clockFace(seconds) {
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(seconds % 60);
  }

  if (left) {
    const end = performance.now() + left.dataset.seconds * 1000;
    const ticking = setInterval(() => {
      const seconds = Math.max(0, Math.ceil((end - performance.now()) / 1000));
      left.textContent = clockFace(seconds);
      if (seconds > 0) return;
      clearInterval(ticking);
      if (page === "code") reload();
    }, 1000);
  }

  // ---- The delivery ----
  // Asked every 2 s, then more and more seldom to every 10 s: after the delivery has ended only to notice
  // that the code was accepted elsewhere (the link in the message, on a phone). Never while hidden.
  const firstPause = 2000;
  const lastPause = 10000;
  let pause = firstPause;
  let timer = 0;
  const field = document.getElementById("otp");

  async function ask() {
    try {
      const answer = await fetch(status, { cache: "no-store", credentials: "omit" });
      if (answer.status === 400) return reload();
      if (answer.ok) {
        const { data } = await answer.json();
        if (data.closed) return reload();
        // Another provider has taken over: the page says where to look for the code. What was typed stays.
        if (String(data.delivery.step ?? 0) !== section.dataset.step && !field.value) return reload();
        section.dataset.delivery = data.delivery.retrying ? "retrying" : data.delivery.state;
      }
    } catch {
      // The network is away: the next time tells.
    }
    pause = Math.min(pause * 1.25, lastPause);
    plan();
  }

  function plan() {
    clearTimeout(timer);
    if (!document.hidden) timer = setTimeout(ask, pause);
  }

  if (page === "code") {
    plan();
    document.addEventListener("visibilitychange", () => {
      pause = firstPause;
      plan();
    });
  }

  // ---- The modal ----
  // otp.js greets with a port. Only a window of an allowed origin gets an answer, and the answer goes to the
  // port; the one message that the application's window itself ever gets is "finished".
  function allowed(origin) {
    return [location.origin, ...origins.split(" ")].some((pattern) => {
      if (!pattern.endsWith(":*")) return origin === pattern;
      const host = pattern.slice(0, -2);
      return origin === host || (origin.startsWith(host + ":") && /^\d+$/.test(origin.slice(host.length + 1)));
    });
  }

  let port = null;
  addEventListener("message", (event) => {
    const { data } = event;
    if (port || event.source !== parent || parent === window || !allowed(event.origin)) return;
    if (!data || data.type !== "otpgateway-hello" || data.namespace !== namespace || data.id !== id) return;
    port = event.ports[0];
    if (!port) return;
    port.postMessage("ready");
    // Browsers don't honour autofocus in a frame of another origin.
    if (document.hasFocus()) document.querySelector("[autofocus]")?.focus();
    if (page === "verified") {
      parent.postMessage({ type: "otpgateway-finished", namespace, id }, event.origin);
    }
  });

  // Keys pressed in a frame never reach the page around it.
  addEventListener("keydown", (event) => {
    if (port && event.key === "Escape") port.postMessage("escape");
  });
})();
