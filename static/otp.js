// Shows the gateway's verification page in a modal on an application's page:
//
//   <script id="otpgateway-script" src="https://gateway.example/static/otp.js"></script>
//   OTPGateway(namespace, id, onFinish(namespace, id), onCancel(), {key, lang})
//
// At most one of the callbacks is called, once: onFinish when the person has verified the address, onCancel
// when they closed the modal (button, Escape, click beside it). `key` is that of the OTP's url, `lang` the
// page's language; callbacks and options may be left out.
//
// The Promise that it returns resolves to {namespace, id} or, when cancelled, to null. It rejects with an
// Error when a modal is open already or an argument is missing; no callback is called then.
//
// The result is a hint for the interface: the server asks the gateway for the status before it trusts it.
window.OTPGateway = (() => {
  "use strict";

  const script = document.getElementById("otpgateway-script") || document.currentScript;
  const gateway = script.src.replace(/\/static\/otp\.js([?#].*)?$/, "");
  const gatewayOrigin = new URL(script.src).origin;
  const readyWithin = 5000;  // ms; the page answers in far less, unless its framing is forbidden
  // What the modal says before its page does, and where that can't be shown. The gateway puts web/locales here: the
  // default language first.
  const words = {"en":{"dir":"ltr","verification":"Verification","close":"Close",
    "modal_failed":"The verification can’t be shown here.","modal_open":"Open the verification page"}};
  let shown = null;  // the modal that is open: {dialog, cancel}

  const style = document.createElement("link");
  style.rel = "stylesheet";
  style.href = gateway + "/static/otp.css";
  document.head.append(style);

  function element(name, properties, attributes = {}) {
    const made = Object.assign(document.createElement(name), properties);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    return made;
  }

  // "hi-IN" finds "hi".
  function wordsIn(languages) {
    for (const language of languages) {
      for (let tag = String(language || "").toLowerCase(); tag; tag = tag.replace(/-?[^-]*$/, "")) {
        if (Object.hasOwn(words, tag)) return words[tag];
      }
    }
    return Object.values(words)[0];
  }

  function pageAddress(namespace, id, parameters) {
    const url = new URL(`${gateway}/otp/${encodeURIComponent(namespace)}/${encodeURIComponent(id)}`);
    for (const [key, value] of Object.entries(parameters)) if (value) url.searchParams.set(key, value);
    return url.href;
  }

  // Calls done(true) or done(false), once, after the modal has gone.
  function show(namespace, id, { key, lang }, done) {
    const dialog = element("dialog", { className: "otpgateway" }, { "aria-busy": "true" });
    // Sizes as attributes: should the page's CSP keep otp.css out, the frame is usable all the same.
    const frame = element("iframe", { allow: "otp-credentials" }, { width: 400, height: 560 });
    const close = element("button", { type: "button", textContent: "\u00d7" });
    // The modal's words and size: these, until the page in it knows better.
    function adopt({ title, close: closeLabel, dir, height }) {
      frame.title = title;
      dialog.setAttribute("aria-label", title);
      close.setAttribute("aria-label", closeLabel);
      dialog.dir = dir;
      if (height > 0) frame.height = height;
    }
    const ours = wordsIn([lang, ...navigator.languages]);
    adopt({ title: ours.verification, close: ours.close, dir: ours.dir });
    frame.src = pageAddress(namespace, id, { view: "popup", lang, key });

    const before = document.activeElement;
    let ended = false;
    function end(finished) {
      if (ended) return;  // the dialog's own close event comes late, perhaps when the next one is open
      ended = true;
      shown = null;
      clearTimeout(timer);
      removeEventListener("message", onMessage);
      dialog.close();
      dialog.remove();
      before?.focus?.();
      done(finished);
    }
    const cancel = () => end(false);

    // Any frame, window or browser extension may post messages: only the page in this frame counts.
    function onMessage(event) {
      const { data } = event;
      if (event.origin === gatewayOrigin && event.source === frame.contentWindow && data &&
          data.type === "otpgateway-finished" && data.namespace === namespace && data.id === id) {
        end(true);
      }
    }

    // Each page in the frame is greeted with a port, which it answers when it may be framed here.
    frame.addEventListener("load", () => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = ({ data }) => {
        clearTimeout(timer);
        dialog.removeAttribute("aria-busy");
        if (data === "escape") cancel();
        else adopt(data);
      };
      frame.contentWindow.postMessage({ type: "otpgateway-hello", namespace, id }, gatewayOrigin, [port2]);
    });

    function offerLink() {
      console.error(`OTPGateway: the page did not answer within ${readyWithin / 1000} s. Either it is too slow, or ` +
                    `"${location.origin}" is not in auth.NAME.origins (the section of namespace "${namespace}") in ` +
                    "the gateway's configuration: add it there.");
      const link = element("a", { href: pageAddress(namespace, id, { lang, key }), target: "_blank",
                                  rel: "noopener", textContent: ours.modal_open });
      const text = element("p");
      text.append(ours.modal_failed, " ", link);
      frame.replaceWith(text);
      dialog.removeAttribute("aria-busy");
      link.focus();
    }

    dialog.addEventListener("close", cancel);  // Escape
    dialog.addEventListener("click", (event) => {
      if (event.target === dialog) cancel();  // beside it: nothing of the dialog itself is uncovered
    });
    close.addEventListener("click", cancel);
    addEventListener("message", onMessage);

    dialog.append(frame, close);
    document.body.append(dialog);
    shown = { dialog, cancel };
    const timer = setTimeout(offerLink, readyWithin);
    dialog.showModal();
    frame.focus();
  }

  return function OTPGateway(namespace, id, onFinish, onCancel, options) {
    const result = new Promise((resolve, reject) => {
      // An application that replaced its whole page took the modal along.
      if (shown && !shown.dialog.isConnected) shown.cancel();
      if (shown || !namespace || !id) {
        const error = new Error(shown ? "OTPGateway: a verification is open already"
                                      : "OTPGateway: namespace and id are needed");
        console.warn(error.message);
        reject(error);
        return;
      }
      show(String(namespace), String(id), options || {}, (finished) => {
        resolve(finished ? { namespace, id } : null);
        if (finished) {
          if (onFinish) onFinish(namespace, id);
        } else if (onCancel) {
          onCancel();
        }
      });
    });
    result.catch(() => {});  // who uses the callbacks alone gets no second report
    return result;
  };
})();
