// What the buttons do: play, mute, full screen, and keeping the screen awake.

export class Controls {
  constructor(root, video, { seek, menus }) {
    this._root = root;
    this._video = video;
    this._menus = menus;
    this._begin = root.querySelector("#begin");
    this._toggle = root.querySelector("#toggle");
    this._mute = root.querySelector("#mute");
    this._full = root.querySelector("#full");
    this._lock = null;
    this._toggle.addEventListener("click", () => this.toggle());
    this._begin.addEventListener("click", () => this.play());
    this._mute.addEventListener("click", () => this.mute());
    this._full.addEventListener("click", () => this.full());
    for (const button of root.querySelectorAll("[data-skip]")) {
      button.addEventListener("click", () => seek.skip(Number(button.dataset.skip)));
    }
    for (const name of ["play", "pause", "volumechange"]) video.addEventListener(name, () => this._draw());
    document.addEventListener("fullscreenchange", () => this._draw());
    document.addEventListener("visibilitychange", () => this._keepAwake());
  }

  /** Begin. Where the browser wants a press first, a large button asks for it. */
  async play() {
    this._begin.hidden = true;
    try {
      await this._video.play();
    } catch (error) {
      if (error.name === "NotAllowedError") this._begin.hidden = false;
    }
  }

  toggle() {
    if (this._video.paused) this.play();
    else this._video.pause();
  }

  mute() {
    this._video.muted = !this._video.muted;
  }

  louder(by) {
    this._video.volume = Math.min(1, Math.max(0, this._video.volume + by));
    return true;
  }

  subtitles() {
    this._menus.toggle("subtitles");
  }

  full() {
    if (document.fullscreenElement) document.exitFullscreen();
    else if (this._root.requestFullscreen) this._root.requestFullscreen().catch(() => {});
    else this._video.webkitEnterFullscreen?.();
  }

  _draw() {
    const { paused, muted } = this._video;
    this._toggle.setAttribute("aria-label", paused ? "Play" : "Pause");
    this._mute.textContent = muted ? "Unmute" : "Mute";
    this._mute.setAttribute("aria-pressed", String(muted));
    this._full.textContent = document.fullscreenElement ? "Leave full screen" : "Full screen";
    if (!paused) this._begin.hidden = true;
    this._keepAwake();
  }

  async _keepAwake() {
    const wanted = !this._video.paused && document.visibilityState === "visible";
    if (wanted && !this._lock) {
      this._lock = await navigator.wakeLock?.request("screen").catch(() => null) ?? null;
      this._lock?.addEventListener("release", () => (this._lock = null));
    }
    if (!wanted) this._lock?.release();
  }
}
