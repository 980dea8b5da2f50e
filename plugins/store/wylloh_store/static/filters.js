// Beside the films there is room for the filters on a wide screen: they stand open there from the start.

import { findOptional } from "/static/dom.js";

const filters = findOptional(document, "details.filters", HTMLDetailsElement);
const wide = window.matchMedia("(min-width: 1000px)");

function fit() {
  if (filters && document.documentElement.dataset.distance !== "tv") filters.open = wide.matches;
}

if (filters) {
  fit();
  wide.addEventListener("change", fit);
}
