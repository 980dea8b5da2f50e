// Keeps an open page up to date. Elements with an id and `data-live="topic topic"` are redrawn when one of their topics
// changes: the page's own address is fetched again, and the element made equal to the one of the same id there.
// What is in `data-live-say` is read out when it changes. Scripts hear the event `live:drawn` on the element.
//
// News can be lost: a proxy cuts them, a tab sleeps. An element with `data-live-every="5"` is also redrawn when it is so
// many seconds old, and the event `live:refresh` on the document has everything redrawn.
//
// An element with an id and `data-live-reload="state"` has the whole page loaded anew, and nothing redrawn, once its
// state is another one there: a button that is drawn just before a page goes away would take a press that is lost.

import { findAll, findOptional } from "./dom.js";
import { morph } from "./live/morph.js";
import { subscribe } from "./live/subscription.js";
import { announce, show } from "./live/toasts.js";
import { showOnTv } from "./remote-control.js";

const CALM_MS = 150; // news come in swarms: one transaction changes several topics
const LONGEST_MS = 1000;
const AGAIN_MS = 4000;
const PATIENCE_MS = 20_000; // an answer that never comes must not keep later ones away
const BUSY = 429;

const about = findOptional(document, "meta[name=wylloh-live]", HTMLMetaElement);
/** @type {Set<string>} */
const stale = new Set(); // ids of elements that are to be redrawn
let since = 0;
let timer = 0;
let drawing = false;

/** @param {import("./live/event-stream.js").Update} update */
function onUpdate({ topics, notices, everything, open }) {
  if (open) showOnTv(open);
  notices.forEach(show);
  const changed = new Set(topics);
  for (const element of findAll(document, "[data-live][id]")) {
    if (everything || element.dataset.live?.split(/\s+/).some((topic) => changed.has(topic))) stale.add(element.id);
  }
  soon(CALM_MS);
}

function refresh() {
  onUpdate({ mark: "", topics: [], notices: [], everything: true });
}

/** Redraw what grows old by itself, while somebody looks. */
function watchAge() {
  /** @type {Map<string, number>} */
  const drawn = new Map();
  document.addEventListener("live:drawn", ({ target }) => {
    if (target instanceof HTMLElement) drawn.set(target.id, performance.now());
  });
  const begun = performance.now();
  setInterval(() => {
    if (document.hidden) return;
    for (const element of findAll(document, "[data-live-every][id]")) {
      const age = performance.now() - (drawn.get(element.id) ?? begun);
      if (age > Number(element.dataset.liveEvery) * 1000) stale.add(element.id);
    }
    soon(0);
  }, 1000);
}

/** @param {number} wait */
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
  // Before the page is asked for: what changes while the answer is on its way makes an element stale once more.
  const taken = ready.flatMap(take);
  try {
    const fresh = await fetched();
    if (fresh && inAnotherState(fresh)) window.location.reload();
    else if (fresh) for (const element of ready) renew(element, fresh);
  } catch {
    setTimeout(putBack, AGAIN_MS, taken);
  } finally {
    drawing = false;
    if (stale.size > 0) soon(CALM_MS);
  }
}

/**
 * Remove an element, and what it contains, from what is stale. Return the ids.
 * @param {HTMLElement} element
 * @returns {string[]}
 */
function take(element) {
  const ids = [element, ...element.querySelectorAll("[data-live][id]")].map(({ id }) => id);
  return ids.filter((id) => stale.delete(id));
}

/** @param {string[]} ids */
function putBack(ids) {
  for (const id of ids) stale.add(id);
  soon(0);
}

/**
 * @param {HTMLElement} element
 * @param {Document} fresh
 */
function renew(element, fresh) {
  if (typingIn(element)) {
    stale.add(element.id);
    return;
  }
  const wanted = fresh.getElementById(element.id);
  if (!wanted) {
    element.remove();
    return;
  }
  const before = element.dataset.liveSay;
  morph(element, wanted);
  if (element.dataset.liveSay && element.dataset.liveSay !== before) announce(element.dataset.liveSay);
  element.dispatchEvent(new CustomEvent("live:drawn", { bubbles: true }));
}

/**
 * The page as it is now; null when its address leads elsewhere, for example because the session has ended.
 * @returns {Promise<Document | null>}
 */
async function fetched() {
  const address = window.location.pathname + window.location.search;
  const reply = await fetch(address, {
    credentials: "same-origin",
    cache: "no-store",
    headers: { Accept: "text/html" },
    signal: AbortSignal.timeout(PATIENCE_MS),
  });
  if (reply.status >= 500 || reply.status === BUSY) throw new Error(`The server answered ${reply.status}.`);
  if (!reply.ok || reply.redirected) {
    stale.clear();
    return null;
  }
  return new DOMParser().parseFromString(await reply.text(), "text/html");
}

/** @param {Document} fresh */
function inAnotherState(fresh) {
  return findAll(document, "[data-live-reload][id]").some(({ id, dataset }) => {
    const there = fresh.getElementById(id)?.dataset.liveReload;
    return there !== undefined && there !== dataset.liveReload;
  });
}

/** @returns {HTMLElement[]} */
function outermost() {
  const elements = [...stale].map((id) => document.getElementById(id)).filter((element) => element !== null);
  return elements.filter((element) => !elements.some((other) => other !== element && other.contains(element)));
}

/** @param {Element} element */
function typingIn(element) {
  const current = document.activeElement;
  const field =
    "textarea, select, [contenteditable], input:not([type=checkbox], [type=radio], [type=button], [type=submit], [type=file])";
  return current !== null && element.contains(current) && current.matches(field);
}

document.addEventListener("focusout", () => setTimeout(soon, 0, 0));
document.addEventListener("visibilitychange", () => soon(0));

if (about && (about.dataset.who || document.querySelector("[data-live]"))) {
  subscribe({ since: about.content, who: about.dataset.who ?? "", onUpdate });
  document.addEventListener("live:refresh", refresh);
  watchAge();
}
