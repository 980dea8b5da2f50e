// The dialog before something is done to many films: fill in, read what will happen, confirm.

import { get, post, sentence } from "../api.js";

const part = (name) => document.getElementById(`deed-${name}`);

/**
 * Ask, and have it begun. Gives what was begun in words (`words`) and its background task's id (`task`), or null when
 * nobody confirmed. `plugin` and `action` name the deed, `label` is what people call it.
 */
export function confirmed(dialog, { plugin, action }, label, films) {
  return new Promise((resolve) => {
    const asking = new Asking(`/api/batch/${plugin}/${action}`, films, () => dialog.close("done"));
    part("name").textContent = label;
    part("not").onclick = () => dialog.close();
    dialog.querySelector("form").onsubmit = (event) => {
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

class Asking {
  constructor(path, films, done) {
    this.path = path;
    this.films = films;
    this.done = done;
    this.over = false;
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
      part("fields").querySelector("input").focus();
    }, this.begin);
  }

  /** What was planned is void when something else is filled in. */
  ask() {
    part("says").textContent = part("said").textContent = "";
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
    part("says").textContent = [plan.sentence, plan.fix].filter(Boolean).join(" ");
    this.offer("Confirm", plan.fix ? null : this.confirm);
    (plan.fix ? part("not") : part("go")).focus();
  }

  values() {
    return Object.fromEntries(new FormData(part("fields").closest("form")));
  }

  /** The white button does `next`, or is not there. */
  offer(word, next) {
    this.next = next ?? (() => {});
    part("go").textContent = word;
    part("go").hidden = part("go").disabled = next === null;
  }

  /** Do one step with the button out of reach; when it is refused, say why and offer to try `again`. */
  async step(work, again = this.plan) {
    part("go").hidden = part("go").disabled = true;
    part("said").textContent = part("says").textContent = "";
    try {
      await work();
    } catch (error) {
      if (this.over) return;
      part("said").textContent = sentence(error);
      this.offer("Try again", again);
    }
  }
}

/** A field: text to type, or a list to choose from that arrow keys and Enter can use. */
function field({ name, label, choices }, number) {
  if (choices.length === 0) return typed(name, label, `deed-field-${number}`);
  const group = Object.assign(document.createElement("fieldset"), { className: "choices" });
  group.append(Object.assign(document.createElement("legend"), { textContent: label }));
  group.append(...choices.map((choice, at) => option(name, choice, at === 0)));
  return group;
}

function typed(name, label, id) {
  const box = Object.assign(document.createElement("div"), { className: "field" });
  const input = Object.assign(document.createElement("input"), { id, name, autocomplete: "off", maxLength: 1000 });
  box.append(Object.assign(document.createElement("label"), { htmlFor: id, textContent: label }), input);
  return box;
}

function option(name, value, checked) {
  const label = document.createElement("label");
  const input = Object.assign(document.createElement("input"), { type: "radio", name, value, checked });
  label.append(input, value);
  return label;
}
