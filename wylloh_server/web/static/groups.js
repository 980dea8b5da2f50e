// A stack's groups on a film's page: split off, change, merge. The page draws itself anew afterwards.

import { post, say, sentence } from "./api.js";

const said = document.getElementById("groups-said");

document.addEventListener("submit", (event) => {
  const { groupPath } = event.target.dataset;
  if (!groupPath) return;
  event.preventDefault();
  const form = event.target;
  send(groupPath, Object.fromEntries(new FormData(form)), form.querySelector("button"), () => {
    form.reset();
    close(form.closest("details"));
  });
});

document.addEventListener("click", ({ target }) => {
  if (target.matches("button[data-group-path]")) send(target.dataset.groupPath, {}, target, () => {});
});

async function send(path, body, button, done) {
  button.disabled = true;
  try {
    await post(path, body);
    say(said, "");
    done();
  } catch (error) {
    say(said, sentence(error), true);
  }
  button.disabled = false;
}

/** Fold it up and keep the focus there: a field that has the focus would keep the page from drawing itself anew. */
function close(details) {
  details.open = false;
  details.querySelector("summary").focus({ preventScroll: true });
}
