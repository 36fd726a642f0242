// The pages work without this script. It counts the time down, shows how the delivery goes, notices when
// the code was accepted elsewhere, takes the code out of a text message where the browser offers that, and
// talks to otp.js when the page is in its modal. All its words come from the page.
"use strict";
(() => {
  const section = document.querySelector("[data-page]");
  const { id, origins } = document.body.dataset;
  const { page, url, status } = section.dataset;
  const field = document.getElementById("otp");
  const news = document.getElementById("news");  // what screen readers read out

  // The code of a message's link is in the field now, and shall not stay in the history. And a reload, which phones do
  // with a tab that they had put away, shall not post what was entered once more.
  history.replaceState(null, "", url || location.href);

  // The page as the server sees it now: by GET, so nothing is posted twice.
  const reload = () => location.replace(url || location.href);

  // ---- Times ----
  function clockFace(seconds) {
    const two = (n) => String(n).padStart(2, "0");
    const hours = Math.floor(seconds / 3600);
    const minutes = Math.floor(seconds / 60) % 60;
    return (hours ? hours + ":" + two(minutes) : minutes) + ":" + two(seconds % 60);
  }

  // Calls tick(seconds left) now and each second, the last time with 0. By the wall clock: the others stand
  // still while a phone sleeps.
  function countDown(seconds, tick) {
    const end = Date.now() + seconds * 1000;
    (function step() {
      const left = Math.min(seconds, Math.max(0, Math.ceil((end - Date.now()) / 1000)));
      tick(left);
      if (left > 0) setTimeout(step, (end - Date.now()) % 1000 || 1000);
    })();
  }

  const left = document.getElementById("left");
  if (left) {
    let before = Number(left.dataset.seconds);
    countDown(before, (seconds) => {
      left.textContent = clockFace(seconds);
      // Read out twice, not each second.
      for (const [at, words] of [[60, left.dataset.oneMinute], [30, left.dataset.halfMinute]]) {
        if (before > at && seconds <= at) news.textContent = words;
      }
      before = seconds;
      if (seconds === 0) reload();
    });
  }

  const resend = document.querySelector("[data-cooldown]");
  if (resend && resend.dataset.cooldown > 0) {
    const label = resend.textContent;
    countDown(Number(resend.dataset.cooldown), (seconds) => {
      // What could not be delivered need not be waited for.
      const waits = seconds > 0 && !["failed", "expired"].includes(section.dataset.delivery);
      resend.disabled = waits;
      resend.textContent = waits ? `${label} (${clockFace(seconds)})` : label;
    });
  }

  // ---- The delivery ----
  // Asked every 2 s, then more and more seldom to every 10 s: after the delivery has ended only to notice
  // that the code was accepted elsewhere (another tab, the link in the message on a phone). Never while hidden.
  const firstPause = 2000;
  const lastPause = 10000;
  let pause = firstPause;
  let timer = 0;

  async function ask() {
    clearTimeout(timer);
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
      if (document.hidden) clearTimeout(timer);
      else ask();
    });
  }
  // Back from another page, as it was left: it may say what is no longer so.
  addEventListener("pageshow", (event) => {
    if (event.persisted) reload();
  });

  // ---- The code ----
  // A whole message pasted: the one code in it is meant.
  field?.addEventListener("paste", (event) => {
    const length = Number(field.dataset.digits);
    const text = event.clipboardData.getData("text");
    if (!length || text.length <= field.maxLength) return;
    const codes = text.match(new RegExp(`(?<!\\p{Nd})\\p{Nd}(?:[ -]?\\p{Nd}){${length - 1}}(?!\\p{Nd})`, "gu"));
    if (codes?.length !== 1) return;
    event.preventDefault();
    field.value = codes[0];
  });

  // WebOTP: Chrome on Android hands over the code of a text message that is bound to this site.
  const smsAwaited = new AbortController();
  if (field && "sms" in field.dataset && "OTPCredential" in window) {
    navigator.credentials.get({ otp: { transport: ["sms"] }, signal: smsAwaited.signal }).then(({ code }) => {
      if (field.value) return;
      field.value = code;
      news.textContent = field.dataset.filled;
    }, () => {});  // declined, no such message, not allowed in this frame
  }

  // A second click must not count a wrong code twice.
  const againAfter = 5000;  // ms; the person may have stopped the first
  let submittedAt = -againAfter;
  addEventListener("submit", (event) => {
    if (event.timeStamp - submittedAt < againAfter) return event.preventDefault();
    submittedAt = event.timeStamp;
    smsAwaited.abort();
  });

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
    if (!data || data.type !== "otpgateway-hello" || data.id !== id) return;
    port = event.ports[0];
    if (!port) return;
    // The modal's own words and size, now and whenever the size changes.
    const { dir } = document.documentElement;
    const { close } = document.body.dataset;
    const tell = () => port.postMessage({ title: document.title, close, dir, height: document.body.offsetHeight });
    tell();
    new ResizeObserver(tell).observe(document.body);
    // Browsers don't honour autofocus in a frame of another origin.
    if (document.hasFocus()) document.querySelector("[autofocus]")?.focus();
    if (page === "verified") {
      parent.postMessage({ type: "otpgateway-finished", namespace: data.namespace, id }, event.origin);
    }
  });

  // Keys pressed in a frame never reach the page around it.
  addEventListener("keydown", (event) => {
    if (port && event.key === "Escape") port.postMessage("escape");
  });
})();
