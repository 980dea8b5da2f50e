// Finds elements and checks what they are, so that a template and its script cannot part unnoticed.

/**
 * Return the element with an id. Throws TypeError if there is none of that kind.
 * @template {HTMLElement} [T=HTMLElement]
 * @param {string} id
 * @param {new () => T} [type]
 * @returns {T}
 */
export function byId(id, type) {
  return find(document, `#${id}`, type);
}

/**
 * Return the first element that matches. Throws TypeError if there is none of that kind.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T}
 */
export function find(root, selector, type) {
  const element = root.querySelector(selector);
  if (!(element instanceof (type ?? HTMLElement))) throw new TypeError(`The page has no proper ${selector}.`);
  return /** @type {T} */ (element);
}

/**
 * Return all elements that match and are of a kind.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T[]}
 */
export function findAll(root, selector, type) {
  const kind = /** @type {new () => T} */ (type ?? HTMLElement);
  return /** @type {T[]} */ ([...root.querySelectorAll(selector)].filter((element) => element instanceof kind));
}

/**
 * Return the first element that matches and is of a kind; null if there is none.
 * @template {Element} [T=HTMLElement]
 * @param {ParentNode} root
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T | null}
 */
export function findOptional(root, selector, type) {
  return findAll(root, selector, type)[0] ?? null;
}

/**
 * Return the element around an event's target that matches; null if there is none of that kind.
 * @template {Element} [T=HTMLElement]
 * @param {EventTarget | null} target
 * @param {string} selector
 * @param {new () => T} [type]
 * @returns {T | null}
 */
export function closest(target, selector, type) {
  const element = target instanceof Element ? target.closest(selector) : null;
  return element instanceof (type ?? HTMLElement) ? /** @type {T} */ (element) : null;
}

/**
 * Return a field of a form. Throws TypeError if the form has none of that name.
 * @param {HTMLFormElement} form
 * @param {string} name
 */
export function fieldOf(form, name) {
  const field = form.elements.namedItem(name);
  if (field instanceof HTMLInputElement || field instanceof HTMLTextAreaElement || field instanceof HTMLSelectElement)
    return field;
  throw new TypeError(`The form has no field ${name}.`);
}

/**
 * Let a button be pressed again. A browser takes the focus from a button that is disabled: it comes back unless it has gone
 * elsewhere.
 * @param {HTMLButtonElement} button
 */
export function enable(button) {
  button.disabled = false;
  if (document.activeElement === null || document.activeElement === document.body) button.focus();
}
