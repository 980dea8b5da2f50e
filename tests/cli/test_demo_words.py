"""What the demo calls a film of one's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from demo.demo_publisher import title_options


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("big-buck-bunny-480p-30s.mp4", ["--title", "Big Buck Bunny"]),
        ("don't look now (1973).mkv", ["--title", "Don't Look Now", "--year", "1973"]),
        ("Le.Manoir.du.diable.1896.mkv", ["--title", "Le Manoir du diable", "--year", "1896"]),
    ],
)
def test_a_film_is_named_after_its_file(name, words):
    assert title_options(Path("/films") / name) == words
