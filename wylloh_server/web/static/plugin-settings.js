// The settings of a plugin: the owner saves them, and the plugin is started again.

import { errorText, showStatus } from "./api.js";
import { byId, enable, findAll } from "./dom.js";
import { postSigned } from "./fresh-signature.js";

const form = byId("plugin-settings", HTMLFormElement);
const status = byId("status");

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const button = findAll(form, "button", HTMLButtonElement)[0];
  button.disabled = true;
  showStatus(status, "Starting the plugin with them …");
  const body = { plugin: form.dataset.plugin, values: Object.fromEntries(new FormData(form)) };
  try {
    await postSigned("/api/admin/plugins/settings", body, (text) => showStatus(status, text));
    for (const secret of findAll(form, "input[type=password]", HTMLInputElement)) showSaved(secret);
    showStatus(status, "Saved. The plugin runs with them.");
  } catch (error) {
    showStatus(status, errorText(error), true);
  }
  enable(button);
});

/**
 * Empty the field of a secret, and say whether there is one now.
 * @param {HTMLInputElement} secret
 */
function showSaved(secret) {
  const label = byId(`remove-${secret.name}`);
  const [remove] = findAll(label, "input", HTMLInputElement);
  const isSet = !remove.checked && (secret.value !== "" || !label.hidden);
  label.hidden = !isSet;
  secret.placeholder = isSet ? (secret.dataset.placeholder ?? "") : "";
  secret.value = "";
  remove.checked = false;
}
