// A file that the browser plays by itself, without a lease: the trailer in a film's package.

import { ApiError } from "../api.js";

export class PlainFile {
  /** @type {import("./format.js").Chapter[]} */
  chapters = [];

  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  watch() {}

  /**
   * Why the file does not come, in the server's own sentence; null if it does, or the server cannot be reached.
   * @returns {Promise<import("./lease.js").LeaseEnd | null>}
   */
  async ending() {
    try {
      const answer = await fetch(this.url, { headers: { Range: "bytes=0-0", Accept: "application/json" } });
      if (answer.ok) return null;
      return { why: "", sentence: new ApiError(answer.status, await answer.json()).message };
    } catch {
      return null;
    }
  }

  async preparing() {
    return null;
  }

  end() {}
}
