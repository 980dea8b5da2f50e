// Talks JSON with the server this page came from.

/** The server said no, or could not be reached (status 0). `fix` says what to do about it. */
export class Refused extends Error {
  constructor(status, answer) {
    super(answer.error ?? "The server cannot be reached.");
    this.name = "Refused";
    this.status = status;
    this.fix = answer.fix ?? (status === 0 ? "Check that this device is on the same network, then try again." : "");
    this.answer = answer;
  }
}

/** Post a JSON body and give the decoded answer. Throws Refused. */
export function post(path, body = {}, options = {}) {
  const headers = { "Content-Type": "application/json" };
  return ask(path, { method: "POST", headers, body: JSON.stringify(body), ...options });
}

/** Get JSON. Throws Refused. */
export function get(path) {
  return ask(path, {});
}

async function ask(path, options) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", cache: "no-store", ...options });
  } catch {
    throw new Refused(0, {});
  }
  const answer = await response.json().catch(() => ({}));
  if (!response.ok) throw new Refused(response.status, { error: `The server answered ${response.status}.`, ...answer });
  return answer;
}

/** Show a sentence in a page's status line; `problem` turns it inside out. */
export function say(line, text, problem = false) {
  line.textContent = text;
  line.toggleAttribute("data-problem", problem);
}

/** Put an error into one line for people. */
export function sentence(error) {
  return [error.message, error.fix].filter(Boolean).join(" ");
}
