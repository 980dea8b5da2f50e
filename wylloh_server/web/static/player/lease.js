// The lease behind one playback: asked for, looked after, given back.

import { ApiError, get, post } from "../api.js";

/** @typedef {{why: string, sentence: string}} LeaseEnd */

export class Lease {
  #path;
  #every;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #timer;

  /**
   * Ask for a lease at a path of the server. Throws ApiError with the decision receipt in `answer`.
   * @param {string} path
   * @returns {Promise<Lease>}
   */
  static async of(path) {
    return new Lease(await post(path));
  }

  /** @param {{url: string, token: string, lease_seconds: number, chapters?: import("./format.js").Chapter[]}} lease */
  constructor({ url, token, lease_seconds, chapters = [] }) {
    this.url = url;
    this.chapters = chapters;
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
      const end = await this.ending();
      if (!this.#timer) return; // given back while we asked
      if (end) ended(end);
      else this.#timer = setTimeout(look, this.#every);
    };
    this.#timer = setTimeout(look, this.#every);
  }

  /**
   * Why the lease is over; null while it lives, or while the server cannot be reached.
   * @returns {Promise<LeaseEnd | null>}
   */
  async ending() {
    try {
      const answer = await get(this.#path);
      return answer.alive ? null : answer;
    } catch (error) {
      if (!(error instanceof ApiError) || error.status === 0 || error.status >= 500) return null;
      return { why: "", sentence: error.message };
    }
  }

  /**
   * About how many seconds the picture takes that the player waits for; null when it waits for none.
   * @returns {Promise<number | null>}
   */
  async preparing() {
    try {
      return (await get(this.#path)).preparing ?? null;
    } catch {
      return null;
    }
  }

  /** Release the lease; also while the page is closing. It may have ended already. */
  end() {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    post(`${this.#path}/stop`, {}, { keepalive: true }).catch(() => {});
  }
}
