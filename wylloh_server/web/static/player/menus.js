// The menus for audio, subtitles and quality, made of what the source offers.

import { closest, find, findAll, findOptional } from "../dom.js";
import { findTrack } from "./preferences.js";

/**
 * @typedef {import("./source.js").Kind} Kind
 * @typedef {{kind: Kind, title: string, button: HTMLButtonElement, menu: HTMLElement}} Choice
 * @typedef {{id: string | number, label: string, checked: boolean}} Item
 * A further page of a menu, which its last entry opens.
 * @typedef {{label: string, groups: () => {heading: string, options: Item[]}[], choose: (id: string) => void}} MenuPage
 * An entry of a menu that does something else than choose.
 * @typedef {{label: string, run: () => void}} MenuAction
 * @typedef {object} Parts
 * @property {() => void} opened
 * @property {() => void} closed
 * @property {(kind: Kind, option: import("./source.js").Option) => void} chosen is told what somebody chose
 * @property {Partial<Record<Kind, MenuPage>>} pages
 * @property {Partial<Record<Kind, MenuAction>>} actions
 */

export class Menus {
  #parts;
  #choices;
  /** @type {Kind | null} the menu that shows its further page */
  #turned = null;
  /** @type {import("./source.js").Source | undefined} */
  #source;

  /**
   * @param {HTMLElement} root
   * @param {Parts} parts
   */
  constructor(root, parts) {
    this.#parts = parts;
    this.#choices = findAll(root, "[data-menu]").map((element) => ({
      kind: /** @type {Kind} */ (element.dataset.menu),
      title: find(element, "button").textContent ?? "",
      button: find(element, "button", HTMLButtonElement),
      menu: find(element, "[role=menu]"),
    }));
    for (const choice of this.#choices) this.#listen(choice);
    root.addEventListener("pointerdown", ({ target }) => closest(target, "[data-menu]") || this.close());
  }

  /** The open menu, or null. */
  get open() {
    return this.#choices.find(({ menu }) => !menu.hidden) ?? null;
  }

  /**
   * Fill every menu from a source.
   * @param {import("./source.js").Source} source
   */
  fill(source) {
    this.#source = source;
    for (const choice of this.#choices) this.#fill(choice);
  }

  /**
   * @param {{focus?: boolean}} options
   * @returns {boolean}
   */
  close({ focus = false } = {}) {
    const { open } = this;
    if (!open) return false;
    open.menu.hidden = true;
    open.button.setAttribute("aria-expanded", "false");
    if (focus) open.button.focus();
    if (this.#turned) this.#turn(open, null);
    this.#parts.closed();
    return true;
  }

  /** @param {Kind} kind */
  toggle(kind) {
    const choice = this.#choices.find((one) => one.kind === kind);
    const wasOpen = choice === this.open;
    this.close();
    if (!choice || wasOpen || choice.button.disabled) return;
    choice.menu.hidden = false;
    choice.button.setAttribute("aria-expanded", "true");
    (findOptional(choice.menu, "[aria-checked=true]") ?? findOptional(choice.menu, "button"))?.focus();
    this.#parts.opened();
  }

  /** Switch subtitles off; or on again: the last that were shown, else the first. */
  toggleSubtitles(/** @type {import("./preferences.js").Preferences} */ preferences) {
    const options = this.#source?.choices("subtitles") ?? [];
    const off = options.find(({ track }) => !track);
    const first = options.find(({ track }) => track);
    if (!off || !first) return "";
    const option = off.checked ? (findTrack(options, preferences.values.subtitles) ?? first) : off;
    this.#source?.choose("subtitles", option.id);
    this.#parts.chosen("subtitles", option);
    return option === off ? "Subtitles off" : `Subtitles: ${option.label}`;
  }

  /**
   * Up and down inside the open menu, round and round.
   * @param {number} by
   */
  step(by) {
    const items = this.open ? findAll(this.open.menu, "button") : [];
    const at = items.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    items[(at + by + items.length) % items.length]?.focus();
  }

  /** @param {Choice} choice */
  #listen(choice) {
    const { kind, button, menu } = choice;
    button.addEventListener("click", () => this.toggle(kind));
    menu.addEventListener("click", ({ target }) => {
      if (closest(target, "[data-turn]")) this.#turn(choice, this.#turned ? null : kind);
      if (closest(target, "[data-run]")) {
        this.close({ focus: true });
        this.#parts.actions[kind]?.run();
      }
      const { id } = closest(target, "[data-id]")?.dataset ?? {};
      if (id !== undefined) this.#choose(choice, id);
    });
  }

  /**
   * @param {Choice} choice
   * @param {string} id
   */
  #choose(choice, id) {
    const { kind } = choice;
    if (this.#turned) {
      this.#parts.pages[kind]?.choose(id);
      this.#fill(choice);
      return;
    }
    const option = this.#source?.choices(kind).find((one) => String(one.id) === id);
    if (!option) return;
    this.#source?.choose(kind, option.id);
    this.#parts.chosen(kind, option);
    this.close({ focus: true });
  }

  /**
   * Show a menu's further page; or, with null, its first one.
   * @param {Choice} choice
   * @param {Kind | null} kind
   */
  #turn(choice, kind) {
    this.#turned = kind;
    this.#fill(choice);
    if (choice.menu.hidden) return;
    findOptional(choice.menu, kind ? "[aria-checked=true]" : "[data-turn]")?.focus();
  }

  /** @param {Choice} choice */
  #fill({ kind, title, button, menu }) {
    const options = this.#source?.choices(kind) ?? [];
    const focused = findOptional(menu, ":focus");
    button.disabled = options.length === 0;
    const chosen = options.find(({ checked }) => checked);
    setLabel(button, kind, title, chosen && chosen.label !== "Off" ? chosen.label : "");
    const page = this.#parts.pages[kind];
    const turned = page && this.#turned === kind;
    const groups = turned ? page.groups() : [{ heading: title, options }];
    const items = groups.flatMap(({ heading: word, options: some }) => [heading(word), ...some.map(item)]);
    const action = turned ? undefined : this.#parts.actions[kind];
    menu.replaceChildren(
      ...items,
      ...(page ? [plainItem("turn", turned ? `Back to ${title.toLowerCase()}` : page.label)] : []),
      ...(action ? [plainItem("run", action.label)] : []),
    );
    if (focused) findOptional(menu, markOf(focused))?.focus();
  }
}

/**
 * A button reads `Audio · English`; the quality is shown without its word, which a screen reader hears.
 * @param {HTMLButtonElement} button
 * @param {Kind} kind
 * @param {string} title
 * @param {string} value
 */
function setLabel(button, kind, title, value) {
  if (kind !== "quality" || !value) {
    button.replaceChildren([title, value].filter(Boolean).join(" · "));
    return;
  }
  const unseen = Object.assign(document.createElement("span"), {
    className: "visually-hidden",
    textContent: `${title}: `,
  });
  button.replaceChildren(unseen, value);
}

/** @param {string} word */
function heading(word) {
  const small = Object.assign(document.createElement("small"), { textContent: word });
  small.setAttribute("aria-hidden", "true");
  return small;
}

/**
 * An entry that turns to another page of the menu, or runs its action.
 * @param {"turn" | "run"} kind
 * @param {string} label
 */
function plainItem(kind, label) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  button.setAttribute("role", "menuitem");
  button.dataset[kind] = "";
  return button;
}

/**
 * Return a selector that finds an entry again when its menu has been filled anew.
 * @param {HTMLElement} entry
 */
function markOf({ dataset }) {
  if (dataset.id !== undefined) return `[data-id="${dataset.id}"]`;
  return dataset.turn === undefined ? "[data-run]" : "[data-turn]";
}

/** @param {Item} option */
function item({ id, label, checked }) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  button.setAttribute("role", "menuitemradio");
  button.setAttribute("aria-checked", String(checked));
  button.dataset.id = String(id);
  return button;
}
