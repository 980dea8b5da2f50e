// The lease behind one playback: asked for, looked after, given back.

import { ApiError, get, post, postLast } from "../api.js";

/**
 * @typedef {{why: string, sentence: string}} LeaseEnd
 * What the server tells of a lease: why it is over, and about how many seconds the picture takes that the player waits
 * for; null where it lives, and where nothing is waited for.
 * @typedef {{reachable: boolean, end: LeaseEnd | null, preparing: number | null}} LeaseState
 *
 * How a track reaches the player, and why.
 * @typedef {{action: string, sentence: string, label: string}} PlayedTrack
 * @typedef {{client: string, video: PlayedTrack | null, audio: PlayedTrack[]}} Playing
 *
 * @typedef {object} LeaseAnswer
 * @property {string} url
 * @property {string} token
 * @property {number} lease_seconds
 * @property {import("./format.js").Chapter[]} [chapters]
 * @property {Playing | null} [playing]
 */

const PATIENCE_MS = 4000;
const NO_SERVER = new Set([0, 502, 504]); // no answer; a reverse proxy without one

/** @type {LeaseState} */
export const UNKNOWN = { reachable: true, end: null, preparing: null };
/** @type {LeaseState} */
export const AWAY = { ...UNKNOWN, reachable: false };

export class Lease {
  #path;
  #every;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * Ask for a lease at a path of the server, which is told what this browser plays. Throws ApiError with the decision
   * receipt in `answer`.
   * @param {string} path
   * @param {import("./client-profile.js").ClientProfile} client
   * @returns {Promise<Lease>}
   */
  static async of(path, client) {
    return new Lease(await post(path, { client }));
  }

  /** @param {LeaseAnswer} lease */
  constructor({ url, token, lease_seconds, chapters = [], playing = null }) {
    this.url = url;
    this.chapters = chapters;
    this.playing = playing;
    this.#path = `/api/play/${token}`;
    this.#every = Math.min(5, Math.max(1, lease_seconds / 4)) * 1000;
    this.#timer = undefined;
  }

  /**
   * Look after the lease until it ends, then call `ended({why, sentence})` once.
   * @param {(end: LeaseEnd) => void} ended
   */
  watch(ended) {
    const look = async () => {
      const { end } = await this.state();
      if (!this.#timer) return; // given back while we asked
      if (end) ended(end);
      else this.#timer = setTimeout(look, this.#every);
    };
    this.#timer = setTimeout(look, this.#every);
  }

  /**
   * Ask the server about the lease.
   * @returns {Promise<LeaseState>}
   */
  async state() {
    try {
      const answer = await get(this.#path, { signal: AbortSignal.timeout?.(PATIENCE_MS) });
      return { ...UNKNOWN, preparing: answer.preparing ?? null, end: answer.alive ? null : answer };
    } catch (error) {
      if (!(error instanceof ApiError) || NO_SERVER.has(error.status)) return AWAY;
      return error.status >= 500 ? UNKNOWN : { ...UNKNOWN, end: { why: "", sentence: error.message } };
    }
  }

  /** Release the lease; also while the page is closing. It may have ended already. */
  end() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    postLast(`${this.#path}/stop`);
  }
}
