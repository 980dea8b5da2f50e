// A TV whose session was taken back cannot sign in with a wallet: it is led to the page that pairs it again.

import { onTv } from "./remote-control.js";

const MARK = "wylloh-tv";

/**
 * Remember, in this tab only, that a TV is signed in here; or forget it.
 * @param {boolean} tv
 */
function remember(tv) {
  try {
    if (tv) sessionStorage.setItem(MARK, "yes");
    else sessionStorage.removeItem(MARK);
  } catch {
    // A browser that stores nothing shows the sign-in page instead.
  }
}

function remembered() {
  try {
    return sessionStorage.getItem(MARK) !== null;
  } catch {
    return false;
  }
}

/** After signing out on purpose this tab may become anything again. */
export function forgetTv() {
  remember(false);
}

const who = document.querySelector("header .who");
if (who?.matches("[href='/sign-in']")) {
  if (remembered()) window.location.replace("/tv");
} else if (who) {
  remember(onTv());
}
