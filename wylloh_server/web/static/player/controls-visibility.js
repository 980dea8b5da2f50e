// When the controls are there, and when they leave the picture alone.

import { find } from "../dom.js";
import { onTv } from "../remote-control.js";

const LINGER_MS = { near: 3000, tv: 6000 };

export class ControlsVisibility {
  #player;
  #video;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;
  #held;

  /**
   * @param {HTMLElement} player
   * @param {HTMLVideoElement} video
   */
  constructor(player, video) {
    this.#player = player;
    this.#video = video;
    this.#timer = undefined;
    this.#held = false;
    for (const name of ["pointermove", "focusin"]) player.addEventListener(name, () => this.show());
    for (const name of ["play", "pause", "seeking"]) video.addEventListener(name, () => this.show());
    // A film that waited for data and goes on brings nothing back that somebody has put away.
    video.addEventListener("playing", () => this.open && this.show());
  }

  get open() {
    return this.#player.dataset.controls === "open";
  }

  /** Show the controls, and hide them after a while unless something keeps them. */
  show() {
    this.#player.dataset.controls = "open";
    clearTimeout(this.#timer);
    const tv = onTv();
    if (this.#held || this.#video.paused || (!tv && this.#steered())) return;
    this.#timer = setTimeout(() => this.hide(), tv ? LINGER_MS.tv : LINGER_MS.near);
  }

  hide() {
    clearTimeout(this.#timer);
    const { activeElement } = document;
    if (find(this.#player, "#controls").contains(activeElement)) /** @type {HTMLElement} */ (activeElement).blur();
    this.#player.dataset.controls = "closed";
  }

  /** Somebody who moves between the controls with Tab must not lose them. A remote's next key brings them back. */
  #steered() {
    return this.#player.querySelector("#controls :focus-visible") !== null;
  }

  /**
   * Keep the controls, for example while a menu is open.
   * @param {boolean} on
   */
  hold(on) {
    this.#held = on;
    this.show();
  }
}
