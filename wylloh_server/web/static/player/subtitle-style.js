// How subtitles look: a page of the menu for their size and background.

const CHOICES = {
  size: { heading: "Size", labels: { small: "Small", medium: "Medium", large: "Large", huge: "Very large" } },
  background: { heading: "Background", labels: { none: "None", shade: "Shaded", solid: "Black" } },
};

/**
 * Show subtitles as they were chosen to look, and return the page of the menu that changes it.
 * @param {HTMLElement} place
 * @param {import("./preferences.js").Preferences} preferences
 * @returns {import("./menus.js").MenuPage}
 */
export function subtitleStyle(place, preferences) {
  const draw = () => {
    place.dataset.size = preferences.values.subtitle_size;
    place.dataset.background = preferences.values.subtitle_background;
  };
  draw();
  return {
    label: "Size and background",
    groups: () => [
      group("size", preferences.values.subtitle_size),
      group("background", preferences.values.subtitle_background),
    ],
    choose(id) {
      const [name, value] = id.split(" ");
      preferences.remember(name === "size" ? { subtitle_size: value } : { subtitle_background: value });
      draw();
    },
  };
}

/**
 * @param {"size" | "background"} name
 * @param {string} chosen
 */
function group(name, chosen) {
  const { heading, labels } = CHOICES[name];
  const options = Object.entries(labels).map(([value, label]) => ({
    id: `${name} ${value}`,
    label,
    checked: value === chosen,
  }));
  return { heading, options };
}
