"""Somebody in front of a demo: a browser of their own, with what went wrong in it."""

from __future__ import annotations

import json
import re
from urllib.parse import urlsplit

from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.components.demo import Demo

DESKTOP = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TV = {"width": 1920, "height": 1080}

PATIENCE_MS = 60_000
"""How long anything may take on a busy machine."""

OUT_OF_PLACE = """() => {
  const seen = (element) => element.getClientRects().length > 0 && element.checkVisibility({ visibilityProperty: true });
  const inside = ({ left, right }) => left >= 12 && right <= document.documentElement.clientWidth - 12;
  const faults = [];
  const bar = document.querySelector("header.bar"), headline = document.querySelector("h1");
  if (bar && seen(headline)) {
    const top = headline.getBoundingClientRect().top;
    if (top < bar.getBoundingClientRect().bottom) faults.push(`the headline begins at ${top}, under the bar`);
  }
  for (const element of document.querySelectorAll("main :is(h1, h2, p.text-secondary, p.lead, .field, .button, .list > li)")) {
    // What scrolls in its own box, or is only there to be read out, may lie anywhere.
    if (!seen(element) || element.closest(".visually-hidden, .skip, .row, dialog, [popover], svg")) continue;
    if (element.clientWidth > 1 && !inside(element.getBoundingClientRect())) {
      faults.push(`no gutter (${element.getBoundingClientRect().left} to ${element.getBoundingClientRect().right}) beside ${element.tagName} ${element.className}: ${element.textContent.trim().slice(0, 40)}`);
    }
  }
  return faults;
}"""
"""What lies under the bar, or touches the edge of the screen."""

_BUTTONS = {
    "demo": "Sign in with the demo wallet",
    "empty": "Sign in with an empty wallet",
    "cinema": "Sign in with the cinema's wallet",
    "publisher": "Sign in with the publisher's wallet",
}


class BrowserUser:
    """One browser context.

    `problems` are console errors, faults in scripts and requests to other places; `expected` holds what the
    console may say, as regular expressions: a refusal is an error in it. `requests` are all addresses asked for,
    `received` those that were answered to the end.
    """

    def __init__(self, demo: Demo, context: BrowserContext, page: Page) -> None:
        self.demo = demo
        self.context = context
        self.page = page
        self.problems: list[str] = []
        self.expected: list[str] = []
        self.requests: list[str] = []
        self.received: list[str] = []
        self.film_id = ""
        context.on("console", self._heard)
        context.on("weberror", lambda fault: self.problems.append(f"script: {fault.error}"))
        context.on("request", lambda request: self._asked(request.url))
        context.on("requestfinished", lambda request: self.received.append(request.url))

    @classmethod
    async def opened(cls, browser: Browser, demo: Demo, viewport=None, session=None) -> BrowserUser:
        """Open a browser; `session` is another's `storage_state`, to share its cookies."""
        context = await browser.new_context(
            viewport=viewport or DESKTOP, base_url=demo.url, storage_state=session, locale="en-GB"
        )
        context.set_default_timeout(PATIENCE_MS)
        return cls(demo, context, await context.new_page())

    async def leave(self) -> None:
        await self.context.close()

    async def sign_in(self, wallet: str) -> None:
        """Press the demo's button for one of its wallets, and wait for the library."""
        await self.page.goto("/")
        await self.page.get_by_role("button", name=_BUTTONS[wallet]).click()
        await expect(self.page.locator("header .who")).to_contain_text("signed in as", timeout=PATIENCE_MS)

    async def open_film(self, title: str) -> None:
        """Go from the library to a film's page."""
        await self.page.goto("/")
        await self.page.get_by_role("main").locator("a.card", has_text=title).first.click()
        await expect(self.page.get_by_role("heading", level=1)).to_have_text(title)
        self.film_id = self.page.url.rpartition("/films/")[2]

    async def play(self, title: str) -> str:
        """Press Play on a film's page; gives the address of the master playlist, once the picture moves.

        The film begins at its beginning, whatever was watched before.
        """
        await self.open_film(title)
        play = self.page.get_by_role("button", name="Play", exact=True)
        again = self.page.get_by_role("link", name="Start over")
        async with self.page.expect_response("**/master.m3u8") as master:
            await expect(play.or_(again).first).to_be_visible(timeout=PATIENCE_MS)  # tokens may be late
            await (again if await again.count() else play).click()
        await self.plays_beyond(0.5)
        return (await master.value).url

    async def plays_beyond(self, seconds: float) -> None:
        """Wait until the picture is past `seconds` and still running."""
        reached = "at => { const film = document.getElementById('film'); return film && !film.paused && film.currentTime > at }"
        await self.page.wait_for_function(reached, arg=seconds, timeout=PATIENCE_MS)

    async def film(self, what: str):
        """Ask the <video> element for one of its properties."""
        return await self.page.evaluate("what => document.getElementById('film')[what]", what)

    async def menu(self, kind: str):
        """Open the `audio`, `subtitles` or `quality` menu of the player and give its items by label."""
        choice = self.page.locator(f"[data-menu={kind}]")
        await self.page.mouse.move(*_somewhere_else())
        await choice.locator("> button").click()
        items = choice.get_by_role("menuitemradio")
        await expect(items.first).to_be_visible()
        return {await item.inner_text(): item for item in await items.all()}

    async def choose(self, kind: str, label: str) -> None:
        """Choose from a menu of the player; the menu then shows it as chosen."""
        await (await self.menu(kind))[label].click()
        chosen = self.page.locator(f"[data-menu={kind}] [aria-checked=true]")
        await expect(chosen).to_have_text(re.compile(re.escape(label)))

    async def status(self, url: str) -> int:
        """Fetch an address with this browser's cookies; gives the HTTP status."""
        return (await self.context.request.get(url, max_redirects=0)).status

    async def post(self, path: str, body=None):
        """Post JSON as this browser's pages do; gives status and decoded answer."""
        headers = {"Origin": self.demo.url, "Content-Type": "application/json"}
        reply = await self.context.request.post(path, data=json.dumps(body or {}), headers=headers)
        return reply.status, await reply.json()

    async def ask_to_play(self):
        """Ask for a lease of the film that was opened last, without a player; gives status and answer."""
        return await self.post(f"/api/films/{self.film_id}/play")

    def _heard(self, message) -> None:
        text = f"{message.text} ({message.location.get('url', '') if message.location else ''})"
        serious = message.type == "error" or "Content Security Policy" in text
        if serious and not any(re.search(pattern, text) for pattern in self.expected):
            self.problems.append(f"console: {text}")

    def _asked(self, url: str) -> None:
        self.requests.append(url)
        parts = urlsplit(url)
        if parts.scheme not in {"data", "blob"} and parts.port != self.demo.port:
            self.problems.append(f"request to another place: {url}")


def _somewhere_else(number=[0]) -> tuple[int, int]:
    """A place on the picture, another one each time, so that the pointer moves and the controls come."""
    number[0] += 1
    return 300 + number[0] % 50, 300
