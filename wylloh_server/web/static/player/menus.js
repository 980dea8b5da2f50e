// The menus for audio, subtitles and quality, made of what the source offers.

const WORDS = { audio: "Audio", subtitles: "Subtitles", quality: "Quality" };

export class Menus {
  constructor(root, { opened, closed }) {
    this._opened = opened;
    this._closed = closed;
    this._choices = [...root.querySelectorAll("[data-menu]")].map((element) => ({
      kind: element.dataset.menu,
      button: element.querySelector("button"),
      menu: element.querySelector("[role=menu]"),
    }));
    for (const choice of this._choices) this._listen(choice);
    root.addEventListener("pointerdown", ({ target }) => target.closest("[data-menu]") || this.close());
  }

  /** The open menu, or null. */
  get open() {
    return this._choices.find(({ menu }) => !menu.hidden) ?? null;
  }

  /** Fill every menu anew from a source. */
  fill(source) {
    this._source = source;
    for (const choice of this._choices) this._fill(choice);
  }

  close({ focus = false } = {}) {
    const { open } = this;
    if (!open) return false;
    open.menu.hidden = true;
    open.button.setAttribute("aria-expanded", "false");
    if (focus) open.button.focus();
    this._closed();
    return true;
  }

  toggle(kind) {
    const choice = this._choices.find((one) => one.kind === kind);
    const wasOpen = choice === this.open;
    this.close();
    if (wasOpen || choice.button.disabled) return;
    choice.menu.hidden = false;
    choice.button.setAttribute("aria-expanded", "true");
    (choice.menu.querySelector("[aria-checked=true]") ?? choice.menu.querySelector("button")).focus();
    this._opened();
  }

  /** Up and down inside the open menu, round and round. */
  step(by) {
    const items = [...this.open.menu.querySelectorAll("button")];
    const at = items.indexOf(document.activeElement);
    items[(at + by + items.length) % items.length].focus();
  }

  _listen({ kind, button, menu }) {
    button.addEventListener("click", () => this.toggle(kind));
    menu.addEventListener("click", ({ target }) => {
      const item = target.closest("[data-id]");
      if (!item) return;
      this._source.choose(kind, Number(item.dataset.id));
      this.close({ focus: true });
    });
  }

  _fill({ kind, button, menu }) {
    const options = this._source.choices(kind);
    const focused = menu.contains(document.activeElement) ? document.activeElement.dataset.id : null;
    button.disabled = options.length === 0;
    const chosen = options.find(({ checked }) => checked);
    name(button, kind, chosen && chosen.label !== "Off" ? chosen.label : "");
    menu.replaceChildren(heading(WORDS[kind]), ...options.map(item));
    if (focused !== null) menu.querySelector(`[data-id="${focused}"]`)?.focus();
  }
}

/** A button reads `Audio: English` to a screen reader and `English` to the eye; only subtitles keep their word. */
function name(button, kind, value) {
  if (!value) return button.replaceChildren(WORDS[kind]);
  if (kind === "subtitles") return button.replaceChildren(`${WORDS[kind]} · ${value}`);
  const unseen = Object.assign(document.createElement("span"), { className: "unseen", textContent: `${WORDS[kind]}: ` });
  return button.replaceChildren(unseen, value);
}

function heading(word) {
  const small = Object.assign(document.createElement("small"), { textContent: word });
  small.setAttribute("aria-hidden", "true");
  return small;
}

function item({ id, label, checked }) {
  const button = Object.assign(document.createElement("button"), { type: "button", textContent: label });
  button.setAttribute("role", "menuitemradio");
  button.setAttribute("aria-checked", String(checked));
  button.dataset.id = id;
  return button;
}
