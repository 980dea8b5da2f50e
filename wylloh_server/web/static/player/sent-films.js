// A TV that plays goes on with the film that somebody sends to it.

import { subscribe } from "../live/subscription.js";
import { onTv, showOnTv } from "../remote-control.js";

export function listenForFilms() {
  const about = document.querySelector("meta[name=wylloh-live]");
  if (!onTv() || !(about instanceof HTMLMetaElement)) return;
  subscribe({
    since: about.content,
    who: about.dataset.who ?? "",
    onUpdate: ({ open }) => open && showOnTv(open, { replace: true }),
  });
}
