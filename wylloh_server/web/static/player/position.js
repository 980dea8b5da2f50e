// Remembers how far the film was watched: every ten seconds, when it pauses, and when the page goes away. A film that is
// still on its way to where it begins stands at 0: that is no place anybody has watched it to.

import { post, postLast } from "../api.js";

const EVERY_MS = 10_000;

/**
 * Return a function that reports the position now; its promise always resolves. Without a film nothing is reported.
 * @param {HTMLVideoElement} video
 * @param {string} film
 * @returns {() => Promise<void>}
 */
export function reportPosition(video, film) {
  if (!film) return () => Promise.resolve();
  const path = `/api/films/${film}/position`;
  let reported = -1;
  let begun = false;
  let telling = Promise.resolve();
  const moved = () => {
    const at = Math.round(video.currentTime * 10) / 10;
    if (!Number.isFinite(video.duration) || at === reported || !begun) return null;
    reported = at;
    return { at, of: video.duration };
  };
  const tell = () => {
    const position = moved();
    if (position) telling = post(path, position, { keepalive: true }).catch(() => {});
    return telling;
  };
  for (const name of ["playing", "seeked"]) video.addEventListener(name, () => (begun = true));
  video.addEventListener("emptied", () => (begun = false));
  setInterval(() => video.paused || tell(), EVERY_MS);
  video.addEventListener("pause", tell);
  window.addEventListener("pagehide", () => {
    const position = moved();
    if (position) postLast(path, position);
  });
  return tell;
}
