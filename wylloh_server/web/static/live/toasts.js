// Sentences that come while a page is open: shown for a while in a corner, the newest at its end, and read out
// politely. What a background task ends with takes the place of what was said when it began.

import { byId, findAll } from "../dom.js";

const SHOWN_MS = 9000;
const MOST = 3;

/** @typedef {import("./event-stream.js").Notice} Notice */

const region = byId("notices");
const status = byId("live-announcement");

/**
 * Show that a task has begun, unless it has ended already: the news may come before the answer.
 * @param {Notice} notice
 */
export function showStarted(notice) {
  if (!ofTask(notice.task)) show(notice);
}

/**
 * Show a sentence; with a link it leads there. It stays while the pointer or the focus is on it.
 * @param {Notice} notice
 */
export function show({ sentence, link, task }) {
  ofTask(task)?.remove();
  if (link && link === window.location.pathname) return; // that page says it itself
  const notice = Object.assign(document.createElement("p"), { className: "toast" });
  notice.append(link ? Object.assign(document.createElement("a"), { href: link, textContent: sentence }) : sentence);
  if (task) notice.dataset.task = task;
  const close = Object.assign(document.createElement("button"), {
    type: "button",
    textContent: "×",
    ariaLabel: "Dismiss",
  });
  close.addEventListener("click", () => notice.remove());
  notice.append(close);
  region.append(notice);
  while (region.childElementCount > MOST) region.firstElementChild?.remove();
  leave(notice);
}

/**
 * @param {string | undefined} task
 * @returns {HTMLElement | null}
 */
function ofTask(task) {
  return (task && findAll(region, "[data-task]").find(({ dataset }) => dataset.task === task)) || null;
}

/**
 * Read a sentence out to who cannot see that a part of the page changed.
 * @param {string} sentence
 */
export function announce(sentence) {
  status.textContent = sentence;
}

/** @param {HTMLElement} notice */
function leave(notice) {
  setTimeout(() => (notice.matches(":hover, :focus-within") ? leave(notice) : notice.remove()), SHOWN_MS);
}
