// What the viewer chose in the player: found again in the next film, and remembered by the server.

import { postLast } from "../api.js";

const SETTLE_MS = 400; // one press of a volume key is rarely the last

/**
 * @typedef {{language: string, name: string, forced?: boolean}} Track
 * @typedef {import("./source.js").Option} Option
 * @typedef {import("./source.js").Source} Source
 * @typedef {object} Values
 * @property {Track | null} audio
 * @property {Track | null} subtitles the last that were shown
 * @property {boolean} subtitles_off
 * @property {number} volume
 * @property {boolean} muted
 * @property {string} subtitle_size
 * @property {string} subtitle_background
 */

export class Preferences {
  /** @type {Partial<Values>} */
  #changes = {};
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /** @param {Values} values */
  constructor(values) {
    this.values = values;
    window.addEventListener("pagehide", () => this.#send());
  }

  /** @param {Partial<Values>} changes */
  remember(changes) {
    Object.assign(this.values, changes);
    Object.assign(this.#changes, changes);
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), SETTLE_MS);
  }

  /**
   * Remember a choice from a menu.
   * @param {import("./source.js").Kind} kind
   * @param {Option} option
   */
  chosen(kind, { track }) {
    if (kind === "audio" && track) this.remember({ audio: track });
    if (kind === "subtitles")
      this.remember(track ? { subtitles: track, subtitles_off: false } : { subtitles_off: true });
  }

  /**
   * Set the volume as it was, and remember it from now on.
   * @param {HTMLMediaElement} video
   */
  keepVolume(video) {
    video.volume = this.values.volume;
    video.muted = this.values.muted;
    video.addEventListener("volumechange", () => {
      const { volume, muted } = video;
      if (volume !== this.values.volume || muted !== this.values.muted) this.remember({ volume, muted });
    });
  }

  /**
   * Choose the languages once the source offers some; what is chosen after that is the viewer's.
   * @param {Source} source
   */
  apply(source) {
    /** @type {Set<"audio" | "subtitles">} */
    const open = new Set(["audio", "subtitles"]);
    const settle = () => {
      for (const kind of open) {
        const options = source.choices(kind);
        if (options.length === 0) continue;
        open.delete(kind);
        const wanted = this.#wanted(kind, options);
        if (wanted && !wanted.checked) source.choose(kind, wanted.id);
      }
      if (open.size === 0) source.events.removeEventListener("change", later);
    };
    // Not at once: a source tells of its tracks before it takes one itself.
    const later = () => queueMicrotask(settle);
    source.events.addEventListener("change", later);
    later();
  }

  /**
   * @param {"audio" | "subtitles"} kind
   * @param {Option[]} options
   * @returns {Option | undefined}
   */
  #wanted(kind, options) {
    const { audio, subtitles, subtitles_off } = this.values;
    if (kind === "subtitles" && subtitles_off) {
      const forced = options.some(({ checked, track }) => checked && track?.forced);
      return forced ? undefined : options.find(({ track }) => !track);
    }
    return findTrack(options, kind === "audio" ? audio : subtitles);
  }

  #send() {
    clearTimeout(this.#timer);
    const changes = this.#changes;
    if (Object.keys(changes).length === 0) return;
    this.#changes = {};
    postLast("/api/player/preferences", changes);
  }
}

/**
 * Return the option that is most like a track chosen in another film: of its language, and of its name if that tells
 * several apart. A track without language is found by its name alone.
 * @param {Option[]} options
 * @param {Track | null} wish
 * @returns {Option | undefined}
 */
export function findTrack(options, wish) {
  if (!wish) return undefined;
  const alike = options.filter(({ track }) =>
    wish.language ? primary(track?.language) === primary(wish.language) : track && !track.language,
  );
  const named = alike.find(({ track }) => track?.name === wish.name);
  const exact = alike.find(({ track }) => track?.language === wish.language);
  return named ?? (wish.language ? (exact ?? alike[0]) : undefined);
}

/** @param {string | undefined} language */
function primary(language = "") {
  return language.toLowerCase().split("-")[0];
}
