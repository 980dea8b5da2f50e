// What was selected, kept for this tab: going on to another page of films must not lose it.

const NAME = "wylloh selected";
const KEPT_MS = 30 * 60 * 1000;

/** @param {Iterable<string>} films */
export function remember(films) {
  sessionStorage.setItem(NAME, JSON.stringify({ films: [...films], at: Date.now() }));
}

/**
 * The films selected on an earlier page; null when nobody was selecting there, or too long ago.
 * @returns {string[] | null}
 */
export function recall() {
  try {
    const { films, at } = JSON.parse(sessionStorage.getItem(NAME) ?? "null") ?? {};
    return Array.isArray(films) && films.length > 0 && Date.now() - at < KEPT_MS ? films : null;
  } catch {
    return null;
  }
}

export function forget() {
  sessionStorage.removeItem(NAME);
}
