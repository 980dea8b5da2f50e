"""Screenshots of the product, for people to look at: `.cache/screenshots/<page>-<width>.png`."""

from __future__ import annotations

import os
from pathlib import Path

_ROOT = Path(__file__).resolve().parents[2]
_FOLDER = _ROOT / ".cache" / "screenshots"
_README = _ROOT / "themes" / "default" / "screenshot.jpg"

RENEW_README = bool(os.environ.get("WYLLOH_README_SCREENSHOT"))
"""Set this variable to have the tests make the README's picture anew."""


async def take(browser_user, name: str, *, whole: bool = True) -> None:
    """Take a picture of what a visitor sees; `whole` scrolls to the end of the page."""
    _FOLDER.mkdir(parents=True, exist_ok=True)
    await _settled(browser_user.page)
    width = browser_user.page.viewport_size["width"]
    await browser_user.page.screenshot(path=_FOLDER / f"{name}-{width}.png", full_page=whole)


async def take_for_readme(browser_user) -> None:
    """Take the README's picture, when asked to: a JPEG that a repository can carry."""
    if RENEW_README:
        await _settled(browser_user.page)
        await browser_user.page.screenshot(path=_README, type="jpeg", quality=82, full_page=True)


async def _settled(page) -> None:
    """Wait until fonts and pictures are there."""
    await page.evaluate(
        """async () => {
          await document.fonts.ready;
          const seen = [...document.images].filter(({ loading }) => loading !== "lazy");
          await Promise.all(seen.map((image) => image.decode().catch(() => {})));
        }"""
    )
