// Remembers how far the film was watched: every ten seconds, when it pauses, and when the page goes away.

import { post } from "../api.js";

const EVERY_MS = 10_000;

/** Gives a function that tells the server now; its promise is kept, whatever comes of it, once the server knows. */
export function rememberPosition(video, film) {
  let told = -1;
  let telling = Promise.resolve();
  const tell = () => {
    const at = Math.round(video.currentTime * 10) / 10;
    if (!Number.isFinite(video.duration) || at === told || video.readyState === 0) return telling;
    told = at;
    telling = post(`/api/films/${film}/position`, { at, of: video.duration }, { keepalive: true }).catch(() => {});
    return telling;
  };
  setInterval(() => video.paused || tell(), EVERY_MS);
  video.addEventListener("pause", tell);
  window.addEventListener("pagehide", tell);
  return tell;
}
