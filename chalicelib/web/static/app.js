// What pages gain with script: copying, keys, lists to filter, selecting rows, passkeys. Everything else works without it.

const all = (selector, inside = document) => [...inside.querySelectorAll(selector)];
const one = (selector, inside = document) => inside.querySelector(selector);

// A live region tells what happened to those who do not see it.
const told = document.createElement("p");
told.className = "sr";
told.setAttribute("role", "status");
document.body.append(told);

const begin = (inside) => {
  for (const button of all("[data-copy]", inside)) button.hidden = false;
  for (const field of all("[data-filter]", inside)) field.hidden = false;
  for (const box of all("[data-select-all]", inside)) box.hidden = false;
};
begin(document);
one("#errors")?.focus();

// ---- copying ----
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const word = button.lastChild;
  const before = word.textContent;
  if (before === "Copied") return;
  word.textContent = told.textContent = "Copied";
  setTimeout(() => { word.textContent = before; told.textContent = ""; }, 2000);
});

// ---- lists that are filtered while one types ----
document.addEventListener("input", (event) => {
  if (!event.target.matches?.("[data-filter]")) return;
  const wanted = event.target.value.toLowerCase();
  for (const item of all("ul:first-of-type > li", event.target.parentElement)) {
    item.hidden = !item.textContent.toLowerCase().includes(wanted);
  }
});

// ---- buttons that say where it goes ----
const name = () => {
  for (const button of all("[data-names]")) {
    const to = document.getElementById(button.dataset.names)?.value.trim();
    button.textContent = to ? `Send to ${to.slice(0, 80)}` : "Send the test message";
  }
};
name();
document.addEventListener("input", name);

// ---- rows: all of them, or from the last one to this one with shift ----
let last = null;
document.addEventListener("click", (event) => {
  const box = event.target;
  if (!box.matches?.("input[type=checkbox]")) return;
  if (box.dataset.selectAll !== undefined) {
    for (const each of all("tbody input[type=checkbox]", box.closest("table"))) each.checked = box.checked;
  } else if (box.closest("tbody")) {
    const boxes = all("tbody input[type=checkbox]", box.closest("table"));
    const [from, to] = [boxes.indexOf(last), boxes.indexOf(box)].sort((a, b) => a - b);
    if (event.shiftKey && from >= 0) for (const each of boxes.slice(from, to + 1)) each.checked = box.checked;
    last = box;
  }
  for (const word of all("[data-selected]")) {
    word.textContent = `${all(".rows tbody input:checked").length} selected`;
  }
});

// ---- keys; never while a field has the focus, and none changes anything by itself ----
const places = { o: "", m: "/messages", q: "/queue", h: "/held", d: "/domains", w: "/webhooks" };
let isGoing = 0;
const go = (step) => {
  const rows = all("a.row");
  if (!rows.length) return;
  const at = rows.indexOf(document.activeElement);
  rows[Math.min(Math.max(at + step, 0), rows.length - 1)].focus();
};
document.addEventListener("keydown", (event) => {
  if (document.body.dataset.keys === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest?.("input:not([type=checkbox]), select, textarea, [contenteditable]")) return;
  const base = document.body.dataset.base;
  if (Date.now() - isGoing < 1500 && base !== undefined && event.key in places) {
    location.assign(base + places[event.key]);
  } else if (event.key === "/") {
    one("#q")?.focus();
  } else if (event.key === "?") {
    one("#help")?.showPopover?.();
  } else if (event.key === "j" || event.key === "k") {
    go(event.key === "j" ? 1 : -1);
  } else if (event.key === "x") {
    document.activeElement?.closest("tr")?.querySelector("input[type=checkbox]")?.click();
  } else {
    isGoing = event.key === "g" ? Date.now() : 0;
    return;
  }
  isGoing = 0;
  event.preventDefault();
});

// ---- parts that htmx brings ----
document.addEventListener("htmx:beforeRequest", (event) => {
  const isPaused = one("[data-paused]") && !event.detail.requestConfig?.triggeringEvent?.isTrusted;
  // What comes by itself does not take away what somebody types, or has to mend.
  const fields = all("input[type=text], input[type=email], textarea", event.detail.target);
  const isHeld = fields.some((field) => field === document.activeElement || field.value !== field.defaultValue || one("#errors"));
  const comesByItself = !event.detail.requestConfig?.triggeringEvent?.isTrusted;
  if (document.hidden || isPaused || (comesByItself && isHeld)) event.preventDefault();
});
document.addEventListener("htmx:afterSwap", (event) => begin(event.target));
document.addEventListener("htmx:afterSettle", () => {
  for (const body of all("tbody[data-most]")) for (const row of [...body.rows].slice(Number(body.dataset.most))) row.remove();
});
const failed = (event) => {
  const part = event.detail.target;
  if (!part || one(".part-failed", part)) return;
  const said = document.createElement("p");
  said.className = "part-failed small muted";
  said.textContent = "Could not be loaded. It is tried again, or load the page again.";
  part.prepend(said);
};
document.addEventListener("htmx:responseError", failed);
document.addEventListener("htmx:sendError", failed);

// ---- forms that were begun ----
let isBegun = false;
document.addEventListener("input", (event) => { isBegun ||= Boolean(event.target.closest?.("form[data-guard]")); });
document.addEventListener("submit", () => { isBegun = false; });
addEventListener("beforeunload", (event) => { if (isBegun) event.preventDefault(); });

// ---- passkeys ----
const octets = (text) => Uint8Array.from(atob(text.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer)))
  .replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
const keys = (found) => (found ?? []).map((key) => ({ ...key, id: octets(key.id) }));
const asked = (options) => ({
  ...options,
  challenge: octets(options.challenge),
  ...(options.user && { user: { ...options.user, id: octets(options.user.id) } }),
  excludeCredentials: keys(options.excludeCredentials),
  allowCredentials: keys(options.allowCredentials),
});
const shown = (made) => {
  const response = { clientDataJSON: text(made.response.clientDataJSON) };
  for (const name of ["attestationObject", "authenticatorData", "signature", "userHandle"]) {
    if (made.response[name]) response[name] = text(made.response[name]);
  }
  if (made.response.getTransports) response.transports = made.response.getTransports();
  return {
    id: made.id, rawId: text(made.rawId), type: made.type, response,
    authenticatorAttachment: made.authenticatorAttachment, clientExtensionResults: {},
  };
};
// Why a passkey was not used, by the name of the error (WebAuthn level 3, sections 5.1.3 and 5.1.4.1).
const whyNot = (error, options) => ({
  NotAllowedError: "The passkey was not used: the question was closed, or not answered in time. Try again, or take another way.",
  InvalidStateError: "This device has a passkey of yours already. Use another device, or keep that one.",
  SecurityError: `Passkeys work at ${options.rpId ?? options.rp?.id} alone. Open this page there, or take another way.`,
}[error.name] ?? "The passkey was not used. Try again, or take another way.");
for (const form of all("form[data-passkey]")) {
  if (!window.PublicKeyCredential) continue;
  form.hidden = false;
  form.addEventListener("submit", async (event) => {
    const field = form.elements.credential;
    // Without its name the passkey would be made for nothing: what is missing is said by the server.
    if (field.value || form.elements.name?.value.trim() === "") return;
    event.preventDefault();
    const options = JSON.parse(form.dataset.options);
    try {
      const publicKey = asked(options);
      const call = form.dataset.passkey === "create" ? "create" : "get";
      field.value = JSON.stringify(shown(await navigator.credentials[call]({ publicKey })));
      form.requestSubmit();
    } catch (error) {
      one("[data-passkey-said]", form).textContent = whyNot(error, options);
    }
  });
}
