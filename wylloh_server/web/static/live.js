// Keeps an open page true. Elements with an id and `data-live="topic topic"` are drawn anew when one of their topics
// changes: the page's own address is fetched again, and the element made equal to the one of the same id there.
// What is in `data-live-say` is read out when it changes. Scripts hear the event `live:drawn` on the element.

import { hear } from "./live/channel.js";
import { morph } from "./live/morph.js";
import { announce, show } from "./live/notices.js";

const CALM_MS = 150; // news come in swarms: one transaction changes several topics
const LONGEST_MS = 1000;
const AGAIN_MS = 4000;

const about = document.querySelector("meta[name=wylloh-live]");
const stale = new Set(); // ids of elements that are to be drawn anew
let since = 0;
let timer = 0;
let drawing = false;

function told({ topics, notices, everything }) {
  notices.forEach(show);
  const changed = new Set(topics);
  for (const element of document.querySelectorAll("[data-live][id]")) {
    if (everything || element.dataset.live.split(/\s+/).some((topic) => changed.has(topic))) stale.add(element.id);
  }
  soon(CALM_MS);
}

function soon(wait) {
  if (stale.size === 0) return;
  since ||= performance.now();
  clearTimeout(timer);
  timer = setTimeout(draw, Math.max(0, Math.min(wait, since + LONGEST_MS - performance.now())));
}

/** Draw what is stale and may be touched now. The rest waits: for the tab to be seen, for somebody to stop typing. */
async function draw() {
  since = 0;
  const ready = outermost().filter((element) => !typingIn(element));
  if (document.hidden || drawing || ready.length === 0) return;
  drawing = true;
  try {
    const fresh = await fetched();
    if (fresh) ready.filter((element) => !typingIn(element)).forEach((element) => renew(element, fresh));
  } catch {
    later();
  } finally {
    drawing = false;
    if (stale.size > 0) soon(CALM_MS);
  }
}

function later() {
  const waiting = [...stale];
  stale.clear();
  setTimeout(() => {
    waiting.forEach((id) => stale.add(id));
    soon(0);
  }, AGAIN_MS);
}

function renew(element, fresh) {
  const wanted = fresh.getElementById(element.id);
  for (const inner of [element, ...element.querySelectorAll("[data-live][id]")]) stale.delete(inner.id);
  if (!wanted) return element.remove();
  const before = element.dataset.liveSay;
  morph(element, wanted);
  if (element.dataset.liveSay && element.dataset.liveSay !== before) announce(element.dataset.liveSay);
  element.dispatchEvent(new CustomEvent("live:drawn", { bubbles: true }));
}

/** The page as it is now; null when its address leads elsewhere, for example because the session has ended. */
async function fetched() {
  const address = window.location.pathname + window.location.search;
  const reply = await fetch(address, { credentials: "same-origin", cache: "no-store", headers: { Accept: "text/html" } });
  if (reply.status >= 500) throw new Error(`The server answered ${reply.status}.`);
  if (!reply.ok || reply.redirected) {
    stale.clear();
    return null;
  }
  return new DOMParser().parseFromString(await reply.text(), "text/html");
}

function outermost() {
  const elements = [...stale].map((id) => document.getElementById(id)).filter(Boolean);
  return elements.filter((element) => !elements.some((other) => other !== element && other.contains(element)));
}

function typingIn(element) {
  const current = document.activeElement;
  const field = "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit])";
  return element.contains(current) && current.matches(field);
}

document.addEventListener("focusout", () => setTimeout(soon, 0, 0));
document.addEventListener("visibilitychange", () => soon(0));

if (about && (about.dataset.who || document.querySelector("[data-live]"))) {
  hear({ since: about.content, who: about.dataset.who, told });
}
