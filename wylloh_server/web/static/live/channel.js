// How a page hears the server's news: through the worker all tabs share, or else by itself while it is in sight.

import { listen } from "./stream.js";

/** Call `told` with every piece of news, from the mark `since` on. `who` tells one session from another. */
export function hear({ since, who, told }) {
  if ("SharedWorker" in window) {
    try {
      return together(since, who, told);
    } catch {
      // A browser may have workers and still not allow this one.
    }
  }
  alone(since, told);
}

function together(since, who, told) {
  const worker = new SharedWorker(new URL("./worker.js", import.meta.url), { type: "module", name: `wylloh ${who}` });
  let mark = since;
  worker.port.addEventListener("message", ({ data }) => {
    mark = data.mark;
    told(data);
  });
  worker.port.start();
  worker.port.postMessage({ since });
  window.addEventListener("pagehide", () => worker.port.postMessage({ leaving: true }));
  window.addEventListener("pageshow", ({ persisted }) => persisted && worker.port.postMessage({ since: mark }));
  worker.addEventListener("error", () => alone(mark, told), { once: true });
}

function alone(since, told) {
  let mark = since;
  let stream = null;
  const look = () => {
    stream?.close();
    stream = document.hidden ? null : listen(mark, (news) => {
      mark = news.mark;
      told(news);
    });
  };
  document.addEventListener("visibilitychange", look);
  window.addEventListener("pagehide", () => stream?.close());
  look();
}
