// How the player writes times, and names the part of the film at one.

/** @typedef {{start: number, title: string}} Chapter */

/**
 * Write a time to the nearest second, as pages write lengths: `3:47`, or `1:04:09` from an hour on.
 * @param {number} seconds
 * @returns {string}
 */
export function formatTime(seconds) {
  const whole = Math.max(0, Math.round(Number.isFinite(seconds) ? seconds : 0));
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  const tail = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${tail}` : `${minutes}:${tail}`;
}

/**
 * Return the chapter that a moment is in, if any.
 * @param {Chapter[]} chapters in order
 * @param {number} seconds
 * @returns {Chapter | undefined}
 */
export function chapterAt(chapters, seconds) {
  return chapters.findLast(({ start }) => start <= seconds);
}
