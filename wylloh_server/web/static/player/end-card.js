// What is there when the film is over: the next film, this one again, or the way back.

import { find, findOptional } from "../dom.js";

const LAST_SECONDS = 0.3;

/**
 * @typedef {object} Parts
 * @property {HTMLVideoElement} video
 * @property {() => unknown} play
 * @property {(shown: boolean) => void} shown is told when the card comes and goes
 */

/**
 * Show the card when the film ends, until it plays again.
 * @param {HTMLElement} root
 * @param {Parts} parts
 */
export function showEndCard(root, { video, play, shown }) {
  const hide = () => {
    if (root.hidden) return;
    root.hidden = true;
    shown(false);
  };
  const isAtEnd = () => video.currentTime > 0 && video.duration - video.currentTime < LAST_SECONDS;
  const show = () => {
    if (!root.hidden) return;
    root.hidden = false;
    shown(true);
    find(root, ".button-primary").focus();
  };
  video.addEventListener("ended", show);
  // A stream whose sound is a little longer than its picture waits there for a picture that never comes.
  video.addEventListener("waiting", () => {
    if (video.paused || !isAtEnd()) return;
    video.pause();
    show();
  });
  // A browser tells of playing a moment late: the film may stand at its end by then.
  video.addEventListener("playing", () => video.paused || hide());
  // Somebody who goes to another moment wants to see it.
  video.addEventListener("seeking", () => {
    if (root.hidden || isAtEnd()) return;
    hide();
    play();
  });
  find(root, "#watch-again").addEventListener("click", () => {
    video.currentTime = 0;
    play();
  });
  const next = findOptional(root, "#next-film", HTMLAnchorElement);
  // In place of this film, so that Back leads to where one came from.
  next?.addEventListener("click", (event) => {
    if (event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    window.location.replace(next.href);
  });
}
