// Moments in the viewer's own zone, and back: pages and forms speak UTC with the server.

const PAGE_LANGUAGE = "en-GB"; // of every page, which names the day before the month
const MINUTE = /^(\d{4}-\d{2}-\d{2}T\d{2}:\d{2})/;

/** The viewer's zone by its name, `Europe/Berlin`. */
export const ownZone = new Intl.DateTimeFormat().resolvedOptions().timeZone;
export const isUtc = /^(Etc\/)?(UTC|UCT|GMT|Zulu|Universal)$/.test(ownZone);

/**
 * Write a moment in the viewer's zone as the server writes it in UTC, to the minute or second, or only its day:
 * `3 December 2026, 19:00`. Words and formats are those of the page's language, whatever the browser's is.
 * @param {string} iso `2026-12-03T18:00:00Z`
 * @param {string} [show] "minute", "second", or "day"
 * @returns {string}
 */
export function ownText(iso, show) {
  const moment = new Date(iso);
  const day = moment.toLocaleDateString(PAGE_LANGUAGE, { dateStyle: "long" });
  if (show !== "second" && show !== "minute") return day;
  return `${day}, ${moment.toLocaleTimeString(PAGE_LANGUAGE, { timeStyle: show === "second" ? "medium" : "short" })}`;
}

/**
 * What a date-and-time field holds of a moment in the viewer's zone; "" of what is none.
 * @param {string} utc `2026-12-03T18:00`, with or without a Z
 */
export function toField(utc) {
  const minute = MINUTE.exec(utc)?.[1];
  const moment = new Date(minute ? `${minute}Z` : Number.NaN);
  if (Number.isNaN(moment.getTime())) return "";
  const two = (/** @type {number} */ number) => String(number).padStart(2, "0");
  const day = [String(moment.getFullYear()).padStart(4, "0"), two(moment.getMonth() + 1), two(moment.getDate())];
  return `${day.join("-")}T${two(moment.getHours())}:${two(moment.getMinutes())}`;
}

/**
 * The moment that a date-and-time field means in the viewer's zone: `2026-12-03T18:00Z`; "" of an empty one.
 * @param {string} field `2026-12-03T19:00`
 */
export function fromField(field) {
  const moment = new Date(field || Number.NaN);
  return Number.isNaN(moment.getTime()) ? "" : `${moment.toISOString().slice(0, -8)}Z`;
}
