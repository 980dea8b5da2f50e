// Shares one connection among all tabs of a browser: over HTTP/1.1 it opens no more than six to a server, and a
// film needs some of them.

import { isAfter, listen } from "./stream.js";

const KEPT = 200;
const EVERYTHING = { topics: [], notices: [], everything: true };

const pages = new Set();
const heard = [];
let stream = null;
let begun = "";

self.addEventListener("connect", ({ ports: [port] }) => {
  port.addEventListener("message", ({ data }) => (data.leaving ? leave(port) : join(port, data.since)));
  port.start();
});

function join(port, since) {
  pages.add(port);
  if (stream) return catchUp(port, since);
  begun = since;
  heard.length = 0;
  stream = listen(since, tell);
}

function leave(port) {
  pages.delete(port);
  if (pages.size > 0) return;
  stream?.close();
  stream = null;
}

function tell(news) {
  heard.push(news);
  if (heard.length > KEPT) begun = heard.shift().mark;
  for (const port of pages) port.postMessage(news);
}

/** A page drawn a while before it joined missed what the others have heard since. */
function catchUp(port, since) {
  const before = isAfter(begun, since);
  if (before !== false) return port.postMessage({ ...EVERYTHING, mark: heard.at(-1)?.mark ?? begun });
  for (const news of heard) if (isAfter(news.mark, since)) port.postMessage(news);
}
