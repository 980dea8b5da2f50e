// Sentences that come while a page is open: shown for a while in a corner, the newest at its end, and read out
// politely. What a background task ends with takes the place of what was said when it began.

const SHOWN_MS = 9000;
const MOST = 3;

const region = document.getElementById("notices");
const said = document.getElementById("live-said");

/** Show that a task has begun, unless it has ended already: the news may come before the answer. */
export function begun(notice) {
  if (!ofTask(notice.task)) show(notice);
}

/** Show a sentence; with a link it leads there. It stays while the pointer or the focus is on it. */
export function show({ sentence, link, task }) {
  ofTask(task)?.remove();
  if (link && link === window.location.pathname) return; // that page says it itself
  const notice = Object.assign(document.createElement("p"), { className: "toast" });
  notice.append(link ? Object.assign(document.createElement("a"), { href: link, textContent: sentence }) : sentence);
  if (task) notice.dataset.task = task;
  const close = Object.assign(document.createElement("button"), { type: "button", textContent: "×", ariaLabel: "Dismiss" });
  close.addEventListener("click", () => notice.remove());
  notice.append(close);
  region.append(notice);
  while (region.childElementCount > MOST) region.firstElementChild.remove();
  leave(notice);
}

function ofTask(task) {
  return task ? [...region.children].find(({ dataset }) => dataset.task === task) : null;
}

/** Read a sentence out to who cannot see that a part of the page changed. */
export function announce(sentence) {
  said.textContent = sentence;
}

function leave(notice) {
  setTimeout(() => (notice.matches(":hover, :focus-within") ? leave(notice) : notice.remove()), SHOWN_MS);
}
