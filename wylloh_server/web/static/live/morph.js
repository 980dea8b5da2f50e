// Makes an element equal to another one while keeping everything of it that is still right: focus, scrolling,
// what was typed, what was ticked.

const OPEN = new Set(["DETAILS", "DIALOG"]);

/** Change `from` into `to`. Elements are recognised by id, `data-key`, or what they link to; `data-live-keep` stays. */
export function morph(from, to) {
  if (from.isEqualNode(to) || "liveKeep" in from.dataset) return;
  morphAttributes(from, to);
  morphChildren(from, to);
}

function morphAttributes(from, to) {
  for (const { name } of [...from.attributes]) {
    if (!to.hasAttribute(name) && !keepsOpen(from, name)) from.removeAttribute(name);
  }
  for (const { name, value } of to.attributes) {
    if (from.getAttribute(name) !== value && !keepsOpen(from, name)) from.setAttribute(name, value);
  }
}

/** Whether a person opened or closed it is theirs to say. */
function keepsOpen(element, name) {
  return name === "open" && OPEN.has(element.tagName);
}

function morphChildren(from, to) {
  dropUnwanted(from, to);
  const known = keyed(from);
  let next = from.firstChild;
  for (const wanted of [...to.childNodes]) {
    const found = match(wanted, next, known);
    if (!found) {
      from.insertBefore(document.importNode(wanted, true), next);
      continue;
    }
    if (found === next) next = next.nextSibling;
    else move(from, found, next);
    if (found.nodeType === Node.ELEMENT_NODE) morph(found, wanted);
    else if (found.nodeValue !== wanted.nodeValue) found.nodeValue = wanted.nodeValue;
  }
  while (next) {
    const after = next.nextSibling;
    next.remove();
    next = after;
  }
}

/** Browsers that know `moveBefore` keep the focus in what is moved. */
function move(parent, child, before) {
  if (parent.moveBefore) parent.moveBefore(child, before);
  else parent.insertBefore(child, before);
}

/** What is gone goes first: else all that came after it would be moved, and what is moved loses the focus. */
function dropUnwanted(from, to) {
  const wanted = new Set([...to.children].map(keyOf));
  for (const child of [...from.children]) if (keyOf(child) && !wanted.has(keyOf(child))) child.remove();
}

/** The child that shall become `wanted`: the one with the same key, else the next one if it is of the same kind. */
function match(wanted, next, known) {
  const key = keyOf(wanted);
  if (key) {
    const found = known.get(key);
    known.delete(key);
    return found ?? null;
  }
  return next && next.nodeName === wanted.nodeName && !keyOf(next) ? next : null;
}

function keyed(parent) {
  const known = new Map();
  for (const child of parent.children) {
    const key = keyOf(child);
    if (key && !known.has(key)) known.set(key, child);
  }
  return known;
}

function keyOf(node) {
  if (node.nodeType !== Node.ELEMENT_NODE) return "";
  if (node.id) return `${node.nodeName}#${node.id}`;
  if (node.dataset.key) return `${node.nodeName}=${node.dataset.key}`;
  const link = node.nodeName === "A" ? node : node.nodeName === "LI" ? node.querySelector("a[href]") : null;
  return link ? `${node.nodeName}>${link.getAttribute("href")}` : "";
}
