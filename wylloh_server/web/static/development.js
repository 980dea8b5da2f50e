// Reloads the page when a template or a stylesheet has changed on disk; part of pages under `wylloh serve --dev`.

import { find } from "./dom.js";
import { subscribe } from "./live/subscription.js";

const about = find(document, "meta[name=wylloh-live]", HTMLMetaElement);

subscribe({
  since: about.content,
  who: about.dataset.who ?? "",
  onUpdate: ({ topics, everything }) => {
    if (everything || topics.includes("development")) window.location.reload();
  },
});
