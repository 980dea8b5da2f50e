"""What axe-core finds on a page that is open in Chromium."""

from __future__ import annotations

from functools import cache
from pathlib import Path

_AXE = Path(__file__).resolve().parents[1] / "node/tools/node_modules/axe-core/axe.min.js"
_RUN = """async () => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"] });
  return violations.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.join(" ")}: ${failureSummary}`));
}"""


@cache
def _source() -> str:
    # The library looks for a module system first; `void` makes the whole of it one expression.
    return f"void (() => {{ {_AXE.read_text(encoding='utf-8')} }})()"


async def violations(page) -> list[str]:
    """Return each element that violates a rule, with the rule and what would mend it."""
    if not await page.evaluate("() => 'axe' in window"):
        await page.evaluate(_source())
    return await page.evaluate(_RUN)
