// A button that cannot be undone asks for a second press.

const ARMED_MS = 6000;
const armed = new WeakSet();

/**
 * Return whether this click is the second one. The first makes `button` ask ("Press again to revoke"); it asks until
 * it loses the focus or a few seconds have passed. A double click, or a key held down, is one press.
 * @param {UIEvent} event
 * @param {HTMLElement} button
 * @param {string} verb
 * @returns {boolean}
 */
export function isConfirmed({ detail }, button, verb) {
  if (armed.has(button)) return detail < 2;
  arm(button, `Press again to ${verb}`);
  return false;
}

/**
 * @param {HTMLElement} button
 * @param {string} question
 */
function arm(button, question) {
  const { textContent: text, ariaLabel: label } = button;
  const listening = new AbortController();
  const disarm = () => {
    clearTimeout(timer);
    listening.abort();
    armed.delete(button);
    delete button.dataset.liveKeep;
    button.textContent = text;
    button.ariaLabel = label;
  };
  const timer = setTimeout(disarm, ARMED_MS);
  armed.add(button);
  button.dataset.liveKeep = ""; // a page that redraws itself meanwhile leaves the question where it is
  button.textContent = question;
  if (label) button.ariaLabel = `${question}: ${label}`;
  button.addEventListener("blur", disarm, { signal: listening.signal });
  button.addEventListener("keydown", (event) => event.repeat && event.preventDefault(), { signal: listening.signal });
}
