// The lease behind one playback: asked for, looked after, given back.

import { get, post } from "../api.js";

const SENTENCES = {
  "rights-gone": "These tokens have moved to another wallet. Playback has ended.",
  "signed-out": "You have signed out. Playback has ended.",
  idle: "Playback rested for a long time and was ended.",
  stopped: "Playback was stopped.",
};

/** Why playback is over: a code, and a sentence for people. */
function ending({ why, sentence }) {
  return { why, sentence: sentence || SENTENCES[why] || "Playback has ended." };
}

export class Lease {
  /** Ask for a lease. Throws api.Refused with the decision receipt in `answer`. */
  static async of(film) {
    return new Lease(await post(`/api/films/${film}/play`));
  }

  constructor({ url, token, lease_seconds }) {
    this.url = url;
    this._path = `/api/play/${token}`;
    this._every = Math.min(5, Math.max(1, lease_seconds / 4)) * 1000;
    this._timer = 0;
  }

  /** Look after the lease until it ends, then call `ended({why, sentence})` once. */
  watch(ended) {
    const look = async () => {
      const end = await this.ending();
      if (!this._timer) return; // given back while we asked
      if (end) ended(end);
      else this._timer = setTimeout(look, this._every);
    };
    this._timer = setTimeout(look, this._every);
  }

  /** Why the lease is over; null while it lives, or while the server cannot be reached. */
  async ending() {
    try {
      const answer = await get(this._path);
      return answer.alive ? null : ending(answer);
    } catch (error) {
      return error.status === 0 || error.status >= 500 ? null : ending({ why: "", sentence: error.message });
    }
  }

  /** Give the lease back; also while the page is closing, and without harm when it is over already. */
  end() {
    clearTimeout(this._timer);
    this._timer = 0;
    post(`${this._path}/stop`, {}, { keepalive: true }).catch(() => {});
  }
}
