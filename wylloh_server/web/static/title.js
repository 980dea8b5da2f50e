// One title: its form, its files, and the steps to the chain. The steps are drawn anew while the page is open,
// so everything here listens on the document.

import { get, post, say, sentence } from "./api.js";
import { pressedTwice } from "./twice.js";
import { sign as signData, useAccount, walletOf, whyNotDone } from "./wallet-calls.js";
import { choose, pause, removeFile } from "./upload.js";

const page = document.getElementById("title");
const said = document.getElementById("said");
const form = document.getElementById("about");
const tiers = document.getElementById("tiers");
const here = `/api/titles/${page.dataset.title}`;
const saved = document.getElementById("saved");
const SAVES = "#about button:not([type]), [data-act=submit], [data-act=drop-tier]";
let saving = Promise.resolve();
let tried = written(); // what was sent last, or is kept

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
    await post(`${here}/remove`);
    window.location.assign("/titles");
  },
  encrypt: () => post(`${here}/encrypt`),
  sign,
  "add-tier": () => {
    tiers.append(document.getElementById("tier").content.cloneNode(true));
    tiers.lastElementChild.querySelector("input").focus();
  },
  "drop-tier": (button) => {
    button.closest(".tier").remove();
    return sends.about();
  },
  "remove-file": (button) => removeFile(button.closest(".upload")).then(() => window.location.reload()),
  pause: (button) => pause(button.closest(".upload")),
};

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-act]");
  if (!button || !acts[button.dataset.act]) return;
  const { act } = button.dataset;
  if ((act === "remove" || act === "remove-file") && !pressedTwice(event, button, "delete")) return;
  if (act === "withdraw" && state === "active" && !pressedTwice(event, button, "take it back")) return;
  await attempt(button, () => acts[act](button));
});

// Other forms on the page, such as the one in a wallet's question, are none of ours.
const sends = {
  about: () => save().catch(() => {}), // it is told beside the button
  register: async ({ elements }) => {
    const { transaction } = await post(`${here}/register`, { first: elements.first.value });
    window.location.assign(`/transactions/${transaction}`);
  },
};

document.addEventListener("submit", async (event) => {
  const { target } = event;
  if (!Object.hasOwn(sends, target.id)) return;
  event.preventDefault();
  await attempt(target.querySelector("button:not([type])"), () => sends[target.id](target));
});

document.addEventListener("change", ({ target }) => {
  if (target.type === "file" && target.files.length) begin(target);
});

// Whoever leaves a field has finished it. Who leaves it for a button that saves is saved by that button.
form.addEventListener("focusout", ({ relatedTarget }) => {
  if (relatedTarget?.matches(SAVES) || written() === tried) return;
  save().catch(() => {});
});

// In another state other things can be done with the title: its form opens or closes.
const { state } = document.getElementById("where").dataset;
new MutationObserver(() => {
  if (document.getElementById("where").dataset.state !== state) window.location.reload();
}).observe(page, { subtree: true, childList: true, attributeFilter: ["data-state"] });

/** Save the form; one save at a time, the newest last. How it went stands beside the button. */
function save() {
  if (page.dataset.open !== "yes") return Promise.resolve();
  const words = filledIn();
  tried = JSON.stringify(words);
  say(saved, "");
  const mine = saving.catch(() => {}).then(() => post(here, words));
  saving = mine;
  const tell = (text, problem) => mine === saving && say(saved, text, problem);
  mine.then(() => tell("Saved.", false), (error) => tell(sentence(error), true));
  return mine;
}

/** What the form says, as it is sent. */
function written() {
  return JSON.stringify(filledIn());
}

function filledIn() {
  const named = Object.fromEntries(
    ["title", "year", "genres", "rating", "synopsis", "credits", "supply", "royalty", "royalty_receiver"].map((name) => [
      name,
      form.elements[name].value,
    ]),
  );
  const rows = [...tiers.querySelectorAll(".tier")].map((row) =>
    Object.fromEntries([...row.querySelectorAll("input")].map(({ name, value }) => [name, value])),
  );
  return { ...named, tiers: rows.filter(({ threshold, right }) => threshold || right) };
}

async function begin(input) {
  const place = input.closest(".upload");
  try {
    await choose(place, input.files[0], page.dataset.title, (text) => say(said, text));
    window.location.reload();
  } catch (error) {
    say(said, sentence(error), true);
  }
}

async function sign() {
  const { wallet: account, shortWallet } = page.dataset;
  const request = await get(`${here}/signing`);
  const { provider } = await walletOf(account, ([first]) => Promise.resolve(first));
  await useAccount(provider, account, shortWallet);
  say(said, "Look at your wallet: it asks you to sign.");
  const signature = await signData(provider, account, request);
  await post(`${here}/sign`, { signature });
  say(said, "Signed. The film is being packed.");
}

async function attempt(button, work) {
  if (button) button.disabled = true;
  say(said, "");
  try {
    await work();
  } catch (error) {
    say(said, whyNotDone(error), true);
  } finally {
    if (button?.isConnected) button.disabled = false;
  }
}

// Somebody was quicker than this script.
for (const input of page.querySelectorAll("input[type=file]")) if (input.files.length) begin(input);
