// What scripts of plugins may do with the player; a fragment of the slot `player` brings such a script:
//
//     import { player } from "/static/player-api.js";
//     player.addEventListener("position", () => console.log(player.time));
//     player.setSegments([{ start: 60, end: 95, label: "Skip intro" }], "counting");
//
// Events: `position` (several times a second), `play`, `pause`, `ended`. All times are seconds.

import { byId } from "./dom.js";

const NOTE_SECONDS = 6;

/** @typedef {{ start: number, end: number, label: string, automatic?: boolean }} Segment */

class PlayerApi extends EventTarget {
  #video = byId("film", HTMLVideoElement);
  #note = byId("player-note");
  #skip = byId("skip-segment", HTMLButtonElement);
  /** Each plugin's segments, by its name. @type {Map<string, Segment[]>} */
  #segments = new Map();
  /** @type {Set<Segment>} */
  #skipped = new Set();
  #noteTimer = 0;

  constructor() {
    super();
    for (const name of ["play", "pause", "ended"])
      this.#video.addEventListener(name, () => this.dispatchEvent(new Event(name)));
    this.#video.addEventListener("timeupdate", () => {
      this.dispatchEvent(new Event("position"));
      this.#offerSkip();
    });
    this.#skip.addEventListener("click", () => {
      const segment = this.#current();
      if (segment) this.seek(segment.end);
      this.#skip.hidden = true;
    });
  }

  /** Where the film is. */
  get time() {
    return this.#video.currentTime;
  }

  /** How long the film is; 0 before that is known. */
  get duration() {
    return Number.isFinite(this.#video.duration) ? this.#video.duration : 0;
  }

  /** Whether the film stands still. */
  get paused() {
    return this.#video.paused;
  }

  /** Go on. The browser may refuse before somebody has touched the page. */
  play() {
    return this.#video.play();
  }

  /** Stand still. */
  pause() {
    this.#video.pause();
  }

  /**
   * Go to a time.
   * @param {number} seconds
   */
  seek(seconds) {
    this.#video.currentTime = Math.min(Math.max(0, seconds), this.duration || seconds);
  }

  /**
   * Show a sentence over the picture for a while; it is read out too.
   * @param {string} text
   * @param {number} [seconds]
   */
  showMessage(text, seconds = NOTE_SECONDS) {
    window.clearTimeout(this.#noteTimer);
    this.#note.textContent = text;
    this.#note.hidden = false;
    this.#noteTimer = window.setTimeout(() => {
      this.#note.hidden = true;
    }, seconds * 1000);
  }

  /**
   * Offer to skip parts of the film, in place of those the same plugin set before; `automatic` ones are skipped once
   * without asking.
   * @param {Segment[]} segments
   * @param {string} [plugin] the name of the plugin; all calls without one share one list
   */
  setSegments(segments, plugin = "") {
    this.#segments.set(plugin, segments);
    this.#offerSkip();
  }

  /** The segment the film is in; of several, one that is still to be skipped without asking. */
  #current() {
    const here = [...this.#segments.values()]
      .flat()
      .filter(({ start, end }) => start <= this.time && this.time < end - 1);
    return here.find((segment) => this.#isDue(segment)) ?? here[0];
  }

  /** @param {Segment} segment */
  #isDue(segment) {
    return segment.automatic === true && !this.#skipped.has(segment);
  }

  #offerSkip() {
    const segment = this.#current();
    if (segment && this.#isDue(segment)) {
      this.#skipped.add(segment);
      this.showMessage(segment.label);
      this.seek(segment.end);
      return;
    }
    if (segment) this.#skip.textContent = segment.label;
    this.#skip.hidden = !segment;
  }
}

export const player = new PlayerApi();
