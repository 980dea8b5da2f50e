// The question a demo wallet asks before it sends anything: a real one asks in a window of its own.

const REJECTED = 4001;

/**
 * Ask the person in front of the page. Throws what a wallet throws (EIP-1193, 4001) when the answer is no.
 * @param {string} name
 * @param {string} address
 * @param {string} question
 * @param {string} about
 * @returns {Promise<void>}
 */
export function agreed(name, address, question, about) {
  const dialog = document.createElement("dialog");
  dialog.className = "demo-wallet";
  dialog.setAttribute("aria-labelledby", "demo-question");
  dialog.append(
    line("p", "fine-print", `${name} · ${address.slice(0, 6)}…${address.slice(-4)}`),
    Object.assign(line("h2", "", question), { id: "demo-question" }),
    line("p", "text-secondary", about),
    line("p", "text-secondary", "This is a demo. The money is play money, and the chain runs on this machine."),
    choices(),
  );
  document.body.append(dialog);
  dialog.showModal();
  return new Promise((yes, no) => {
    dialog.addEventListener("close", () => {
      dialog.remove();
      if (dialog.returnValue === "yes") yes();
      else no(Object.assign(new Error("The owner of the demo wallet said no"), { code: REJECTED }));
    });
  });
}

function choices() {
  const form = Object.assign(document.createElement("form"), { method: "dialog", className: "actions" });
  form.append(choice("Confirm", "yes", "button button-primary"), choice("Refuse", "no", "button"));
  return form;
}

/**
 * @param {string} label
 * @param {string} value
 * @param {string} className
 */
function choice(label, value, className) {
  return Object.assign(document.createElement("button"), { textContent: label, value, className });
}

/**
 * @param {string} tag
 * @param {string} className
 * @param {string} text
 */
function line(tag, className, text) {
  return Object.assign(document.createElement(tag), { className, textContent: text });
}
