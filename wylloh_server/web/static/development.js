// Reloads the page when a template or a stylesheet has changed on disk; part of pages under `wylloh serve --dev`.

import { hear } from "./live/channel.js";

const about = document.querySelector("meta[name=wylloh-live]");

hear({
  since: about.content,
  who: about.dataset.who,
  told: ({ topics, everything }) => {
    if (everything || topics.includes("development")) window.location.reload();
  },
});
