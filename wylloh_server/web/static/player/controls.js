// What the buttons do: play, mute, full screen, and keeping the screen awake.

import { find, findAll, findOptional } from "../dom.js";

const LEVEL_MS = 1500;
const SKIP = 10;

/**
 * @typedef {object} Parts
 * @property {import("./seekbar.js").SeekBar} seek
 * @property {import("./menus.js").Menus} menus
 * @property {import("./preferences.js").Preferences} preferences
 */

export class Controls {
  #root;
  #video;
  #menus;
  #begin;
  #toggle;
  #mute;
  #full;
  /** @type {WakeLockSentinel | null} */
  #lock;
  #seek;
  #preferences;
  #level;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #levelTimer;

  /**
   * @param {HTMLElement} root
   * @param {HTMLVideoElement} video
   * @param {Parts} parts
   */
  constructor(root, video, { seek, menus, preferences }) {
    this.#root = root;
    this.#video = video;
    this.#menus = menus;
    this.#seek = seek;
    this.#preferences = preferences;
    this.#level = find(root, "#level");
    this.#begin = find(root, "#begin");
    this.#toggle = find(root, "#toggle");
    this.#mute = find(root, "#mute");
    this.#full = find(root, "#full");
    this.#lock = null;
    this.#toggle.addEventListener("click", () => this.toggle());
    this.#begin.addEventListener("click", () => this.play());
    this.#mute.addEventListener("click", () => this.mute());
    this.#full.addEventListener("click", () => this.full());
    for (const button of findAll(root, "[data-skip]")) {
      button.addEventListener("click", () => seek.skip(Number(button.dataset.skip)));
    }
    for (const name of ["play", "pause", "volumechange"]) video.addEventListener(name, () => this.#draw());
    document.addEventListener("fullscreenchange", () => this.#draw());
    document.addEventListener("visibilitychange", () => this.#keepAwake());
  }

  /** Begin. Where the browser wants a press first, a large button asks for it. */
  async play() {
    this.#begin.hidden = true;
    try {
      await this.#video.play();
    } catch (error) {
      if (error instanceof DOMException && error.name === "NotAllowedError") this.#begin.hidden = false;
    }
  }

  toggle() {
    if (this.#video.paused) this.play();
    else this.pause();
  }

  pause() {
    this.#video.pause();
  }

  mute() {
    this.#video.muted = !this.#video.muted;
    this.#tell(this.#video.muted ? "Muted" : this.#volume());
  }

  /**
   * @param {number} by
   * @returns {boolean}
   */
  louder(by) {
    this.#video.volume = Math.min(1, Math.max(0, this.#video.volume + by));
    this.#video.muted = false;
    this.#tell(this.#volume());
    return true;
  }

  subtitles() {
    this.#tell(this.#menus.toggleSubtitles(this.#preferences));
  }

  back() {
    this.#seek.skip(-SKIP);
  }

  forward() {
    this.#seek.skip(SKIP);
  }

  /** Go to the beginning of the chapter; of the one before where this one has only just begun. */
  previous() {
    this.#seek.chapter(-1);
  }

  /** Go to the next chapter; in the last one, to the next film. */
  next() {
    if (!this.#seek.chapter(1)) findOptional(this.#root, "#next-film")?.click();
  }

  /**
   * Go to a share of the film.
   * @param {number} share from 0 to 1
   */
  jump(share) {
    if (Number.isFinite(this.#video.duration)) this.#seek.to(share * this.#video.duration);
  }

  #volume() {
    return `Volume ${Math.round(this.#video.volume * 100)}\u00a0%`;
  }

  /**
   * Say for a moment what a key has done.
   * @param {string} text
   */
  #tell(text) {
    clearTimeout(this.#levelTimer);
    this.#level.textContent = text;
    this.#level.hidden = !text;
    this.#levelTimer = setTimeout(() => (this.#level.hidden = true), LEVEL_MS);
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this.#root.requestFullscreen) this.#root.requestFullscreen().catch(() => {});
    else this.#video.webkitEnterFullscreen?.();
  }

  #draw() {
    const { paused, muted } = this.#video;
    this.#toggle.setAttribute("aria-label", paused ? "Play" : "Pause");
    this.#mute.textContent = muted ? "Unmute" : "Mute";
    this.#mute.setAttribute("aria-pressed", String(muted));
    this.#full.setAttribute("aria-label", document.fullscreenElement ? "Leave full screen" : "Full screen");
    if (!paused) this.#begin.hidden = true;
    this.#keepAwake();
  }

  async #keepAwake() {
    const wanted = !this.#video.paused && document.visibilityState === "visible";
    if (wanted && !this.#lock) {
      this.#lock = (await navigator.wakeLock?.request("screen").catch(() => null)) ?? null;
      this.#lock?.addEventListener("release", () => {
        this.#lock = null;
      });
    }
    if (!wanted) this.#lock?.release();
  }
}
