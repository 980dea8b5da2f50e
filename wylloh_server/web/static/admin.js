// The admin page: the owner switches plugins on and off, lets a wallet in, changes what it may do,
// names it, signs it out, hands the server over to it, takes it out again, and ends anybody's session; and removes films that
// are away.

import { errorText, post, showStatus } from "./api.js";
import { isConfirmed } from "./confirm-button.js";
import { byId, closest, enable, fieldOf, find } from "./dom.js";
import { postSigned } from "./fresh-signature.js";

const form = byId("admit", HTMLFormElement);
const status = byId("status");
const progress = (/** @type {string} */ text) => showStatus(status, text);

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const [wallet, role, name] = [fieldOf(form, "wallet"), fieldOf(form, "role"), fieldOf(form, "name")];
  const wanted = { wallet: wallet.value.trim(), role: role.value, name: name.value };
  try {
    await postSigned("/api/admin/accounts", wanted, progress);
    window.location.reload();
  } catch (error) {
    showStatus(status, errorText(error), true);
  }
});

document.getElementById("plugins-list")?.addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-start], [data-off]", HTMLButtonElement);
  if (!target) return;
  const { start, off, verb = "" } = target.dataset;
  if (off && !isConfirmed(event, target, verb)) return;
  const answer = byId("plugins-status");
  target.disabled = true;
  showStatus(answer, start ? `Starting ${start} …` : `Switching ${off} off …`);
  try {
    const path = `/api/admin/plugins/${start ? "start" : "off"}`;
    const { note } = await postSigned(path, { plugin: start ?? off }, (text) => showStatus(answer, text));
    if (note) return showStatus(answer, `${start} runs until the server starts again. ${note}`, true);
    window.location.reload();
  } catch (error) {
    enable(target);
    showStatus(answer, errorText(error), true);
  }
});

const removeAway = document.getElementById("remove-away");
removeAway?.addEventListener("click", async (event) => {
  if (!(removeAway instanceof HTMLButtonElement) || !isConfirmed(event, removeAway, "remove")) return;
  const answer = byId("away-status");
  removeAway.disabled = true;
  try {
    await postSigned("/api/admin/films/remove-away", {}, (text) => showStatus(answer, text));
    window.location.reload();
  } catch (error) {
    enable(removeAway);
    showStatus(answer, errorText(error), true);
  }
});
/**
 * What the buttons beside an account do: where to, with what second press, and what is said afterwards.
 * @type {Record<string, {path: string, verb: string, done: string}>}
 */
const ACTS = {
  wallet: { path: "/api/admin/accounts/remove", verb: "remove", done: "Removed. Its devices are signed out." },
  signOut: { path: "/api/admin/accounts/sign-out", verb: "sign out", done: "Signed out on all its devices." },
  owner: { path: "/api/admin/owner", verb: "hand this server over", done: "" },
};

byId("accounts-list").addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-wallet], [data-sign-out], [data-owner]", HTMLButtonElement);
  const act = Object.keys(ACTS).find((name) => target && name in target.dataset);
  if (!target || !act || !isConfirmed(event, target, ACTS[act].verb)) return;
  target.disabled = true;
  try {
    await postSigned(ACTS[act].path, { wallet: target.dataset[act] }, progress);
    if (act === "owner") window.location.reload();
    if (act === "wallet") target.closest("li")?.remove();
    showStatus(status, ACTS[act].done);
  } catch (error) {
    showStatus(status, errorText(error), true);
  }
  enable(target);
});

const dialog = byId("rename", HTMLDialogElement);
const renaming = find(dialog, "form", HTMLFormElement);

byId("accounts-list").addEventListener("click", (event) => {
  const target = closest(event.target, "[data-rename]", HTMLButtonElement);
  if (!target) return;
  dialog.dataset.wallet = target.dataset.rename;
  byId("rename-wallet").textContent = target.dataset.rename ?? "";
  fieldOf(renaming, "name").value = target.dataset.name ?? "";
  showStatus(byId("rename-error"), "");
  dialog.showModal();
});

byId("rename-cancel").addEventListener("click", () => dialog.close());

renaming.addEventListener("submit", async (event) => {
  event.preventDefault();
  try {
    await post("/api/admin/accounts/name", { wallet: dialog.dataset.wallet, name: fieldOf(renaming, "name").value });
    window.location.reload();
  } catch (error) {
    showStatus(byId("rename-error"), errorText(error), true);
  }
});

byId("sessions-list").addEventListener("click", async (event) => {
  const target = closest(event.target, "[data-device]", HTMLButtonElement);
  if (!target || !isConfirmed(event, target, "end")) return;
  const answer = byId("sessions-status");
  target.disabled = true;
  try {
    await post("/api/admin/sessions/end", { device: target.dataset.device });
    target.closest("li")?.remove();
    showStatus(answer, "Ended. That device has to be let in again.");
  } catch (error) {
    enable(target);
    showStatus(answer, errorText(error), true);
  }
});
