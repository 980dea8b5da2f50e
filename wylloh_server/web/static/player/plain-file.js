// A file that the browser plays by itself, without a lease: the trailer in a film's package.

import { ApiError } from "../api.js";
import { AWAY, UNKNOWN } from "./lease.js";

export class PlainFile {
  /** @type {import("./format.js").Chapter[]} */
  chapters = [];
  playing = null;

  /** @param {string} url */
  constructor(url) {
    this.url = url;
  }

  watch() {}

  /**
   * Why the file does not come, in the server's own sentence.
   * @returns {Promise<import("./lease.js").LeaseState>}
   */
  async state() {
    try {
      const answer = await fetch(this.url, { headers: { Range: "bytes=0-0", Accept: "application/json" } });
      if (answer.ok) await answer.body?.cancel();
      if (answer.ok) return UNKNOWN;
      return { ...UNKNOWN, end: { why: "", sentence: new ApiError(answer.status, await answer.json()).message } };
    } catch {
      return AWAY;
    }
  }

  end() {}
}
