// One title: its form, its files, and the steps to the chain. The steps are redrawn while the page is open,
// so everything here listens on the document.

import { errorText, get, post, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, fieldOf, findAll, findOptional } from "./dom.js";
import { postSigned } from "./fresh-signature.js";
import { choose, pause, removeFile } from "./upload.js";
import { findWallet, sign as signData, useAccount, walletErrorText } from "./wallet-requests.js";

const page = byId("title");
const status = byId("status");
const form = byId("about", HTMLFormElement);
const tiers = byId("tiers");
const here = `/api/titles/${page.dataset.title}`;
const saved = findOptional(document, "#saved"); // only while the form can be changed
const SAVES = "#about button:not([type]), [data-act=submit], [data-act=drop-tier]";
const FIELDS = ["title", "year", "genres", "rating", "synopsis", "credits", "supply", "royalty", "royalty_receiver"];
/** @type {Promise<any>} */
let saving = Promise.resolve();
let kept = JSON.stringify(filledIn("defaultValue")); // also where somebody typed before this script was here
let tried = kept; // what was sent last, or is kept
let refusal = ""; // why the form as it was sent last was not kept
let acting = 0; // how many buttons were pressed whose work is not done

/** @type {Record<string, (button: HTMLButtonElement) => unknown>} */
const acts = {
  submit: async () => {
    await save();
    await post(`${here}/submit`);
    window.location.reload();
  },
  withdraw: async () => {
    await post(`${here}/withdraw`);
    window.location.reload();
  },
  remove: async () => {
    await postSigned(`${here}/remove`, {}, (text) => showStatus(status, text));
    window.location.assign("/titles");
  },
  encrypt: () => post(`${here}/encrypt`),
  "encrypt-again": () => post(`${here}/encrypt`, { again: true }),
  sign,
  "add-tier": () => {
    tiers.append(byId("tier", HTMLTemplateElement).content.cloneNode(true));
    findOptional(tiers, ".tier:last-child input")?.focus();
  },
  "drop-tier": (button) => {
    button.closest(".tier")?.remove();
    return save().catch(() => {});
  },
  "remove-file": (button) => removeFile(rowOf(button)),
  pause: (button) => pause(rowOf(button)),
};

document.addEventListener("click", async (event) => {
  const button = closest(event.target, "[data-act]", HTMLButtonElement);
  const act = button?.dataset.act;
  if (!button || !act || !Object.hasOwn(acts, act)) return;
  if ((act === "remove" || act === "remove-file") && !isConfirmed(event, button, "delete")) return;
  if (act === "withdraw" && state === "active" && !isConfirmed(event, button, "take it back")) return;
  await attempt(button, () => acts[act](button));
});

// Other forms on the page, such as the one in a wallet's question, are none of ours.
/** @type {Record<string, (form: HTMLFormElement) => unknown>} */
const sends = {
  about: () => save().catch(() => {}), // the status beside the button shows it
  register: async (form) => {
    const { transaction } = await post(`${here}/register`, { first: fieldOf(form, "first").value });
    window.location.assign(`/transactions/${transaction}`);
  },
};

document.addEventListener("submit", async (event) => {
  const target = closest(event.target, "form", HTMLFormElement);
  if (!target || !Object.hasOwn(sends, target.id)) return;
  event.preventDefault();
  await attempt(findOptional(target, "button:not([type])", HTMLButtonElement) ?? null, () => sends[target.id](target));
});

document.addEventListener("change", ({ target }) => {
  if (target instanceof HTMLInputElement && target.files?.length) begin(target);
});

// What is not kept is not ready: the next step says so at once, and again whenever it was redrawn.
form.addEventListener("input", showUnsaved);
page.addEventListener("live:drawn", showUnsaved);
showUnsaved();

// What was said of a step holds until its work is done.
byId("next").addEventListener("live:drawn", () => {
  const working = acting > 0 || findOptional(page, "#next progress");
  if (!working && !status.hasAttribute("data-problem")) showStatus(status, "");
});

// Leaving a field saves the form, unless a button that saves takes the focus.
form.addEventListener("focusout", ({ relatedTarget }) => {
  if ((relatedTarget instanceof Element && relatedTarget.matches(SAVES)) || written() === tried) return;
  save().catch(() => {});
});

const state = byId("where").dataset.liveReload; // in another one the form opens or closes

/** Save the form; one save at a time, the newest last. How it went stands beside the button. */
function save() {
  if (page.dataset.open !== "yes" || !saved) return Promise.resolve();
  const words = filledIn();
  tried = JSON.stringify(words);
  showStatus(saved, "");
  const mine = saving.catch(() => {}).then(() => post(here, { ...words, before: JSON.parse(kept) }));
  saving = mine;
  const tell = (/** @type {string} */ text, /** @type {boolean} */ problem) =>
    mine === saving && showStatus(saved, text, problem);
  const sent = tried;
  mine
    .then(
      ({ elsewhere }) => {
        kept = sent;
        if (mine === saving) refusal = "";
        tell(elsewhere ? "Saved. More was changed elsewhere; reload the page to see it." : "Saved.", false);
      },
      (error) => {
        if (mine === saving) refusal = errorText(error);
        tell(errorText(error), true);
      },
    )
    .finally(showUnsaved);
  return mine;
}

/** Say in the next step whether what the form shows is kept; Submit waits for what was refused. */
function showUnsaved() {
  const note = findOptional(page, "#unsaved");
  if (!note) return;
  const unsaved = written() !== kept;
  if (!unsaved && !note.hidden) document.dispatchEvent(new CustomEvent("live:refresh"));
  note.hidden = !unsaved;
  if (!unsaved) return;
  note.textContent = refusal || "What you have typed is not saved yet.";
  byId("next-name").textContent = "Not saved yet";
  const submit = findOptional(page, "[data-act=submit]", HTMLButtonElement);
  if (submit && refusal) submit.disabled = true;
}

/** What the form says, as it is sent. */
function written() {
  return JSON.stringify(filledIn());
}

/**
 * What is in the form now, or was when it was drawn.
 * @param {"value" | "defaultValue"} what
 */
function filledIn(what = "value") {
  const named = Object.fromEntries(
    FIELDS.map((name) => {
      const field = fieldOf(form, name);
      return [name, field instanceof HTMLSelectElement ? field.value : field[what]];
    }),
  );
  const rows = findAll(tiers, ".tier").map((row) =>
    Object.fromEntries(findAll(row, "input", HTMLInputElement).map((input) => [input.name, input[what]])),
  );
  return { ...named, tiers: rows.filter(({ threshold, right }) => threshold || right) };
}

/** The row of a file: what is there of it, and what can be done with it. */
function rowOf(/** @type {HTMLElement} */ inside) {
  const row = inside.closest(".upload");
  if (!(row instanceof HTMLElement)) throw new TypeError("This is outside of any file.");
  return row;
}

/** @param {HTMLInputElement} input */
async function begin(input) {
  const [file] = input.files ?? [];
  input.value = ""; // so that the same file can be chosen again
  await choose(rowOf(input), file, page.dataset.title ?? "");
}

async function sign() {
  const { wallet: account = "", shortWallet = "" } = page.dataset;
  const request = await get(`${here}/signing`);
  const { provider } = await findWallet(account, ([first]) => Promise.resolve(first));
  await useAccount(provider, account, shortWallet);
  showStatus(status, "Look at your wallet: it asks you to sign.");
  const signature = await signData(provider, account, request);
  await post(`${here}/sign`, { signature });
  showStatus(status, "Signed. The film is being packed.");
}

/**
 * @param {HTMLButtonElement | null} button
 * @param {() => unknown} work
 */
async function attempt(button, work) {
  if (button) button.disabled = true;
  acting += 1;
  showStatus(status, "");
  try {
    await work();
  } catch (error) {
    showStatus(status, walletErrorText(error), true);
  } finally {
    acting -= 1;
    if (button?.isConnected) button.disabled = false;
    // Also where it was refused: the page may not have heard how far the title is.
    document.dispatchEvent(new CustomEvent("live:refresh"));
  }
}

// Somebody was quicker than this script.
for (const input of findAll(page, "input[type=file]", HTMLInputElement)) if (input.files?.length) begin(input);
