// Talks JSON with the server this page came from.

/** The server refused, or could not be reached (status 0). `fix` says what to do about it. */
export class ApiError extends Error {
  /**
   * @param {number} status of HTTP; 0 if there was no answer
   * @param {{error?: string, fix?: string, where?: string, code?: string}} answer
   */
  constructor(status, answer) {
    super(answer.error ?? "The server cannot be reached.");
    this.name = "ApiError";
    this.status = status;
    this.fix = answer.fix ?? (status === 0 ? "Check that this device is on the same network, then try again." : "");
    this.answer = answer;
  }
}

/**
 * Post a JSON body and return the decoded answer. Throws ApiError.
 * @param {string} path
 * @param {object} body
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
export function post(path, body = {}, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}

/**
 * Post a JSON body of which no answer is waited for; it arrives also if the page is closing.
 * @param {string} path
 * @param {object} body
 */
export function postLast(path, body = {}) {
  const json = new Blob([JSON.stringify(body)], { type: "application/json" });
  try {
    if (navigator.sendBeacon(path, json)) return;
  } catch {
    // Some older browsers send no JSON like this.
  }
  post(path, body, { keepalive: true }).catch(() => {});
}

/**
 * Get JSON. Throws ApiError.
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
export function get(path, options = {}) {
  return ask(path, options);
}

/**
 * @param {string} path
 * @param {RequestInit} options
 * @returns {Promise<any>}
 */
async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new ApiError(0, {});
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok)
    throw new ApiError(response.status, { error: `The server answered ${response.status}.`, ...answer });
  return answer;
}

/**
 * Show a sentence in a page's status line; `problem` turns it inside out.
 * @param {Element} line
 * @param {string} text
 * @param {boolean} problem
 */
export function showStatus(line, text, problem = false) {
  line.textContent = text;
  line.toggleAttribute("data-problem", problem);
}

/**
 * Return an error as one line for people.
 * @param {any} error
 * @returns {string}
 */
export function errorText(error) {
  return [error.message, error.fix].filter(Boolean).join(" ");
}
