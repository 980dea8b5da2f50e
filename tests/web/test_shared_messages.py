"""No sentence is typed twice, once for the server and once for the browser: such twins drift apart."""

from __future__ import annotations

import re
from difflib import SequenceMatcher
from pathlib import Path

from wylloh_server.web.api import lease_api

ROOT = Path(__file__).resolve().parents[2]
SCRIPTS = ("wylloh_server/web/static/**/*.js", "plugins/*/wylloh_*/static/*.js")
SERVER = (
    "wylloh_server/**/*.py",
    "plugins/*/wylloh_*/**/*.py",
    "themes/*/templates/*.html",
    "plugins/*/wylloh_*/templates/*.html",
)
TWINS = 0.92
"""Two sentences that are this much alike say the same thing."""


def test_browser_and_server_share_no_sentence() -> None:
    served = sentences(SERVER, r'"([^"\n]{12,})"|>([^<>\n]{12,})<')
    shown = sentences(SCRIPTS, r'"([^"\n]{12,})"|`([^`\n]{12,})`')
    assert len(served) > 500
    assert len(shown) > 30
    assert not [(text, twin) for text in shown if (twin := twin_of(text, served))]


def test_the_ends_of_a_lease_are_the_servers_to_explain() -> None:
    lease = (ROOT / "wylloh_server/web/static/player/lease.js").read_text()
    assert {len(sentence) > 10 for sentence in lease_api.LEASE_END_MESSAGES.values()} == {True}
    assert not any(end.value in lease for end in lease_api.LEASE_END_MESSAGES)


def sentences(patterns: tuple[str, ...], expression: str) -> set[str]:
    """Texts of three words or more that begin with a capital letter, without what is filled into them."""
    paths = [path for pattern in patterns for path in ROOT.glob(pattern) if "node_modules" not in path.parts]
    texts = [re.sub(r"^\s*(//|/?\*).*$", "", path.read_text(), flags=re.MULTILINE) for path in paths]
    found = (
        next(filter(None, match.groups()), "") for text in texts for match in re.finditer(expression, text)
    )
    plain = {re.sub(r"\$?\{.*?\}+", "", text).strip() for text in found if not re.search(r"[\[\]#=]", text)}
    return {text for text in plain if re.match("[A-Z]", text) and len(re.findall("[A-Za-z]{2,}", text)) > 2}


def twin_of(text: str, others: set[str]) -> str | None:
    matcher = SequenceMatcher(b=text)
    for other in others:
        matcher.set_seq1(other)
        if matcher.real_quick_ratio() > TWINS and matcher.quick_ratio() > TWINS and matcher.ratio() > TWINS:
            return other
    return None
