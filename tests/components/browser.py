"""A real chromium without a window."""

from __future__ import annotations

from contextlib import asynccontextmanager

from playwright.async_api import async_playwright, expect

from tests.components.programs import program

_ARGUMENTS = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required")
"""Whatever playwright evaluates counts as a press on the page: without the policy a film would begin or not, by
whether something was evaluated before."""
_PATIENCE_MS = 60_000
"""How long a page may take to become what a test expects, on a busy machine."""


@asynccontextmanager
async def chromium():
    """Start one, give playwright's `Browser`, and end it."""
    path = program("chromium")
    expect.set_options(timeout=_PATIENCE_MS)
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(path), args=_ARGUMENTS)
        try:
            yield browser
        finally:
            await browser.close()
