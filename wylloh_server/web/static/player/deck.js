// When the controls are there, and when they leave the picture alone.

import { onTv } from "../remote.js";

const LINGER_MS = { near: 3000, tv: 6000 };

export class Deck {
  constructor(player, video) {
    this._player = player;
    this._video = video;
    this._timer = 0;
    this._held = false;
    for (const name of ["pointermove", "focusin"]) player.addEventListener(name, () => this.show());
    for (const name of ["play", "pause", "seeking"]) video.addEventListener(name, () => this.show());
    // A film that waited for data and goes on brings nothing back that somebody has put away.
    video.addEventListener("playing", () => this.open && this.show());
  }

  get open() {
    return this._player.dataset.deck === "open";
  }

  /** Show the controls, and hide them after a while unless something keeps them. */
  show() {
    this._player.dataset.deck = "open";
    clearTimeout(this._timer);
    const tv = onTv();
    if (this._held || this._video.paused || (!tv && this._steered())) return;
    this._timer = setTimeout(() => this.hide(), tv ? LINGER_MS.tv : LINGER_MS.near);
  }

  hide() {
    clearTimeout(this._timer);
    if (this._player.querySelector("#deck").contains(document.activeElement)) document.activeElement.blur();
    this._player.dataset.deck = "closed";
  }

  /** Somebody who moves between the controls with Tab must not lose them. A remote's next key brings them back. */
  _steered() {
    return this._player.querySelector("#deck :focus-visible") !== null;
  }

  /** Keep the controls, for example while a menu is open. */
  hold(on) {
    this._held = on;
    this.show();
  }
}
