// Shares one connection among all tabs of a browser: over HTTP/1.1 it opens no more than six to a server, and a
// film needs some of them.

import { isAfter, listen } from "./event-stream.js";

const KEPT = 200;
const EVERYTHING = { topics: [], notices: [], everything: true };
/** @typedef {import("./event-stream.js").Update} Update */

/** @type {Set<MessagePort>} */
const pages = new Set();
/** @type {Update[]} */
const heard = [];
/** @type {{close: () => void} | null} */
let stream = null;
let begun = "";

self.addEventListener("connect", (event) => {
  const [port] = /** @type {MessageEvent} */ (event).ports;
  port.addEventListener("message", ({ data }) => (data.leaving ? leave(port) : join(port, data.since)));
  port.start();
});

/**
 * @param {MessagePort} port
 * @param {string} since
 */
function join(port, since) {
  pages.add(port);
  if (stream) {
    catchUp(port, since);
    return;
  }
  begun = since;
  heard.length = 0;
  stream = listen(since, tell);
}

/** @param {MessagePort} port */
function leave(port) {
  pages.delete(port);
  if (pages.size > 0) return;
  stream?.close();
  stream = null;
}

/** @param {Update} news */
function tell(news) {
  heard.push(news);
  if (heard.length > KEPT) begun = heard.shift()?.mark ?? begun;
  for (const port of pages) port.postMessage(news);
}

/**
 * A page drawn a while before it joined missed what the others have heard since.
 * @param {MessagePort} port
 * @param {string} since
 */
function catchUp(port, since) {
  const before = isAfter(begun, since);
  if (before !== false) {
    port.postMessage({ ...EVERYTHING, mark: heard.at(-1)?.mark ?? begun });
    return;
  }
  for (const news of heard) if (isAfter(news.mark, since)) port.postMessage(news);
}
