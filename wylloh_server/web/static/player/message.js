// The sentence that takes the whole screen when there is no picture to show.

import { find } from "../dom.js";

/**
 * What to show: what happened, what to do, where to get tokens, how to try again, where to be let in again.
 * @typedef {object} Shown
 * @property {string} sentence
 * @property {string} [fix]
 * @property {string} [where]
 * @property {(() => unknown) | null} [again]
 * @property {string} [signIn]
 */

export class Message {
  #root;
  #player;
  #again;

  /**
   * @param {HTMLElement} root
   * @param {HTMLElement} player
   */
  constructor(root, player) {
    this.#root = root;
    this.#player = player;
    this.#again = find(root, "#again");
  }

  get shown() {
    return !this.#root.hidden;
  }

  /**
   * Show what happened and what to do. `where` is an address for getting tokens, `again` a function, `signIn`
   * the address where this device is let in again.
   * @param {Shown} shown
   */
  show({ sentence, fix = "", where = "", again = null, signIn = "" }) {
    find(this.#root, "#sentence").textContent = sentence;
    find(this.#root, "#fix").textContent = fix;
    const link = find(this.#root, "[data-where]"); // on a TV a QR code
    link.hidden = !where;
    if (link instanceof HTMLAnchorElement) link.href = where;
    const enter = find(this.#root, "#sign-in", HTMLAnchorElement);
    const leave = find(this.#root, "#leave");
    enter.hidden = !signIn;
    if (signIn) enter.href = signIn;
    leave.hidden = Boolean(signIn);
    this.#again.hidden = !again;
    this.#again.onclick = again;
    this.#root.hidden = false;
    this.#player.dataset.state = "message";
    [link, this.#again, enter, leave].find((element) => !element.hidden && element.tabIndex >= 0)?.focus();
  }

  hide() {
    this.#root.hidden = true;
  }
}
