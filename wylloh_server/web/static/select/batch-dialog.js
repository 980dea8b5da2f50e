// The dialog before something is done to many films: fill in, read what will happen, confirm.

import { errorText, get, post } from "../api.js";
import { byId, closest, find } from "../dom.js";

/** @typedef {{name: string, label: string, choices: string[]}} Field */

const part = (/** @type {string} */ name) => byId(`batch-${name}`);
const confirm = () => byId("batch-confirm", HTMLButtonElement);

/**
 * Ask, and start the action. Resolves with what was started (`words`) and its background task's id (`task`); null if
 * nobody confirmed. `plugin` and `action` name the deed, `label` is what people call it.
 * @param {HTMLDialogElement} dialog
 * @param {{plugin?: string, action?: string}} names
 * @param {string} label
 * @param {string[]} films
 * @returns {Promise<{words: string, task: string} | null>}
 */
export function confirmBatch(dialog, { plugin, action }, label, films) {
  return new Promise((resolve) => {
    const asking = new BatchRequest(`/api/batch/${plugin}/${action}`, films, () => dialog.close("done"));
    part("title").textContent = label;
    part("cancel").onclick = () => dialog.close();
    find(dialog, "form", HTMLFormElement).onsubmit = (/** @type {Event} */ event) => {
      event.preventDefault();
      asking.next();
    };
    dialog.onclose = () => {
      asking.over = true;
      const words = [label, ...Object.values(asking.values())].filter(Boolean).join(" · ");
      resolve(dialog.returnValue === "done" ? { words, task: asking.task } : null);
    };
    dialog.returnValue = "";
    dialog.showModal();
    asking.begin();
  });
}

class BatchRequest {
  /**
   * @param {string} path
   * @param {string[]} films
   * @param {() => void} done
   */
  constructor(path, films, done) {
    this.path = path;
    this.films = films;
    this.done = done;
    this.over = false;
    /** @type {() => unknown} */
    this.next = () => {};
    this.sentence = "";
    this.task = "";
  }

  begin() {
    part("fields").replaceChildren();
    part("fields").oninput = () => this.ask();
    return this.step(async () => {
      const { fields } = await get(`${this.path}/fields`);
      part("fields").replaceChildren(...fields.map(field));
      if (this.over) return undefined;
      if (fields.length === 0) return this.planned();
      this.ask();
      find(part("fields"), "input").focus();
    }, this.begin);
  }

  /** What was planned is void when something else is filled in. */
  ask() {
    part("plan").textContent = part("error").textContent = "";
    this.offer("Go on", this.plan);
  }

  plan() {
    return this.step(() => this.planned());
  }

  confirm() {
    return this.step(async () => {
      const agreed = { films: this.films, values: this.values(), confirmed: this.sentence };
      ({ task: this.task } = await post(`${this.path}/run`, agreed));
      this.done();
    }, this.plan);
  }

  async planned() {
    const plan = await post(`${this.path}/plan`, { films: this.films, values: this.values() });
    if (this.over) return;
    this.sentence = plan.sentence;
    part("plan").textContent = [plan.sentence, plan.fix].filter(Boolean).join(" ");
    this.offer("Confirm", plan.fix ? null : this.confirm);
    (plan.fix ? part("cancel") : part("confirm")).focus();
  }

  values() {
    return Object.fromEntries(new FormData(closest(part("fields"), "form", HTMLFormElement) ?? undefined));
  }

  /**
   * The white button does `next`, or is not there.
   * @param {string} word
   * @param {(() => unknown) | null} next
   */
  offer(word, next) {
    this.next = next ?? (() => {});
    confirm().textContent = word;
    confirm().hidden = confirm().disabled = next === null;
  }

  /**
   * Do one step with the button out of reach; when it is refused, say why and offer to try `again`.
   * @param {() => Promise<void>} work
   * @param {() => unknown} again
   */
  async step(work, again = this.plan) {
    confirm().hidden = confirm().disabled = true;
    part("error").textContent = part("plan").textContent = "";
    try {
      await work();
    } catch (error) {
      if (this.over) return;
      part("error").textContent = errorText(error);
      this.offer("Try again", again);
    }
  }
}

/**
 * A field: text to type, or a list to choose from that arrow keys and Enter can use.
 * @param {Field} field
 * @param {number} number
 */
function field({ name, label, choices }, number) {
  if (choices.length === 0) return typed(name, label, `batch-field-${number}`);
  const group = Object.assign(document.createElement("fieldset"), { className: "choices" });
  group.append(Object.assign(document.createElement("legend"), { textContent: label }));
  group.append(...choices.map((choice, at) => option(name, choice, at === 0)));
  return group;
}

/**
 * @param {string} name
 * @param {string} label
 * @param {string} id
 */
function typed(name, label, id) {
  const box = Object.assign(document.createElement("div"), { className: "field" });
  const input = Object.assign(document.createElement("input"), { id, name, autocomplete: "off", maxLength: 1000 });
  box.append(Object.assign(document.createElement("label"), { htmlFor: id, textContent: label }), input);
  return box;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {boolean} checked
 */
function option(name, value, checked) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name, value, checked });
  label.append(input, value);
  return label;
}
