// A panel over the picture: what is played how and why, and how well it goes.

import { find } from "../dom.js";
import { onTv } from "../remote-control.js";

const EVERY_MS = 1000;
/** @type {Record<string, string>} */
const ACTIONS = { direct: "Direct", encode: "Encoded" };

/**
 * @typedef {import("./lease.js").Playing} Playing
 * @typedef {import("./lease.js").PlayedTrack} PlayedTrack
 * @typedef {import("./source.js").Source} Source
 * @typedef {{name: string, value: string, note?: string}} Row
 *
 * What plays at the moment; `playing` is the server's part of it, null where it tells nothing.
 * @typedef {{playing: Playing | null, source: Source | null}} Played
 */

export class PlaybackInfo {
  #root;
  #rows;
  #video;
  #played;
  /** @type {HTMLElement | null} what had the focus before */
  #before = null;
  /** @type {ReturnType<typeof setInterval> | undefined} */
  #timer;

  /**
   * @param {HTMLElement} root
   * @param {HTMLVideoElement} video
   * @param {() => Played} played
   */
  constructor(root, video, played) {
    this.#root = root;
    this.#rows = find(root, "dl");
    this.#video = video;
    this.#played = played;
    find(root, "button").addEventListener("click", () => this.close());
  }

  toggle() {
    if (!this.close()) this.open();
  }

  open() {
    this.close();
    const { activeElement } = document;
    this.#before = activeElement instanceof HTMLElement ? activeElement : null;
    this.#root.hidden = false;
    this.#draw();
    this.#timer = setInterval(() => this.#draw(), EVERY_MS);
    // At a desk the panel itself, where Space still plays and pauses; a remote goes from one control to the next.
    (onTv() ? find(this.#root, "button") : this.#root).focus({ preventScroll: true });
  }

  /**
   * Close the panel. Return whether it was open.
   * @returns {boolean}
   */
  close() {
    if (this.#root.hidden) return false;
    clearInterval(this.#timer);
    const focused = this.#root.contains(document.activeElement);
    this.#root.hidden = true;
    if (focused) this.#before?.focus({ preventScroll: true });
    return true;
  }

  /** Write the rows. Those that stay keep their elements, so that a screen reader keeps its place. */
  #draw() {
    const { playing, source } = this.#played();
    const rows = [...decided(playing, source), ...measured(this.#video, source)];
    const names = rows.map(({ name, note }) => `${name} ${note ? "note" : ""}`).join();
    if (this.#rows.dataset.names !== names) this.#rows.replaceChildren(...rows.map(rowElement));
    this.#rows.dataset.names = names;
    for (const [index, { value, note = "" }] of rows.entries()) {
      const texts = this.#rows.children[index].querySelectorAll("dd");
      for (const [at, text] of [value, note].entries())
        if (texts[at] && texts[at].textContent !== text) texts[at].textContent = text;
    }
  }
}

/**
 * What the server decided: of several languages the one that is heard.
 * @param {Playing | null} playing
 * @param {Source | null} source
 * @returns {Row[]}
 */
function decided(playing, source) {
  if (!playing) return [];
  const { client, video, audio = [] } = playing;
  const chosen = source?.choices("audio").find(({ checked }) => checked);
  const heard = audio.filter(({ label }) => label === chosen?.label);
  return [
    ...(client ? [{ name: "Player", value: client }] : []),
    ...(video ? [trackRow("Video", video)] : []),
    ...(heard.length ? heard : audio).map((track) => trackRow("Audio", track)),
  ];
}

/**
 * @param {string} name
 * @param {PlayedTrack} track
 * @returns {Row}
 */
function trackRow(name, { action, label, sentence }) {
  return { name, value: [ACTIONS[action], label].filter(Boolean).join(" · "), note: sentence };
}

/**
 * What the browser tells; a row is absent until something is known.
 * @param {HTMLVideoElement} video
 * @param {Source | null} source
 * @returns {Row[]}
 */
function measured(video, source) {
  const { videoWidth: width, videoHeight: height } = video;
  const { droppedVideoFrames: dropped = 0, totalVideoFrames: total = 0 } = video.getVideoPlaybackQuality?.() ?? {};
  const rate = source?.bandwidth ?? 0;
  return [
    ...(width ? [{ name: "Quality now", value: `${width}×${height}` }] : []),
    { name: "Buffer", value: `${Math.floor(ahead(video))}\u00a0s ahead` },
    ...(total ? [{ name: "Dropped frames", value: `${dropped} of ${total}` }] : []),
    ...(rate ? [{ name: "Bandwidth", value: `about ${(rate / 1e6).toFixed(1)}\u00a0Mbit/s` }] : []),
  ];
}

/**
 * Return how many seconds can be played without loading more.
 * @param {HTMLVideoElement} video
 * @returns {number}
 */
function ahead({ buffered, currentTime }) {
  for (let index = 0; index < buffered.length; index++) {
    if (buffered.start(index) <= currentTime && currentTime < buffered.end(index))
      return buffered.end(index) - currentTime;
  }
  return 0;
}

/**
 * @param {Row} row
 * @returns {HTMLElement}
 */
function rowElement({ name, note }) {
  const row = document.createElement("div");
  row.append(Object.assign(document.createElement("dt"), { textContent: name }), document.createElement("dd"));
  if (note) row.append(Object.assign(document.createElement("dd"), { className: "text-secondary" }));
  return row;
}
