// Beside the films there is room for the filters on a wide screen: they stand open there from the start.

const filters = document.querySelector("details.filters");
const wide = window.matchMedia("(min-width: 1000px)");

function fit() {
  if (document.documentElement.dataset.distance !== "tv") filters.open = wide.matches;
}

if (filters) {
  fit();
  wide.addEventListener("change", fit);
}
