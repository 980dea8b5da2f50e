"""A real chromium without a window."""

from __future__ import annotations

from contextlib import asynccontextmanager

from playwright.async_api import async_playwright

from tests.components.programs import program


@asynccontextmanager
async def chromium():
    """Start one, give playwright's `Browser`, and end it."""
    path = program("chromium")
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=str(path), args=["--no-sandbox"])
        try:
            yield browser
        finally:
            await browser.close()
