"""The bench itself works: small sizes, real components, no times asserted."""

from __future__ import annotations

import json
import math

import pytest

from tests.bench.__main__ import PARTS, main
from tests.bench.figures import Figure, table


@pytest.mark.parametrize(
    "part",
    [
        "reading",
        "holdings",
        "indexing",
        "catalogue",
        "analytics",
        "plugins",
        "writing",
        "serving",
        "first_segment",
        "library",
        "cold_library",
        "starting",
    ],
)
def test_a_part_prints_a_table_and_a_line_of_json_for_each_figure(part, capsys, tmp_path):
    main([part, "--tiny", "--json", str(tmp_path / "figures.json")])

    printed = capsys.readouterr().out
    lines = [json.loads(line) for line in printed.splitlines() if line.startswith("{")]
    written = [json.loads(line) for line in (tmp_path / "figures.json").read_text().splitlines()]
    assert part in PARTS
    assert lines
    assert lines == written
    for figure in lines:
        assert figure["floor"] > 0
        assert figure["value"] > 0
        assert math.isclose(figure["ratio"], figure["value"] / figure["floor"], rel_tol=0.01)
        assert len(figure["values"]) == len(figure["floors"])
        assert f"{figure['name']} " in printed.partition("{")[0]
        assert f"floor: {figure['floor_is']}\n" in printed.partition("{")[0]


def test_the_table_is_aligned_and_its_ratio_is_of_medians():
    figures = [
        Figure("Short", "s", "less", "nothing", (1.0, 9.0, 2.0), (4.0, 4.0, 0.1)),
        Figure("A longer name", "MB/s", "more", "nothing either", (300.0,), (1200.0,)),
    ]

    rows = [line for line in table(figures).splitlines() if line.startswith(("Short", "A longer"))]

    assert [row.split()[-2] for row in rows] == ["0.50", "0.25"]
    assert rows[0].index("less") == rows[1].index("more")
    assert json.loads(figures[0].as_json())["ratio"] == 0.5


def test_an_unknown_part_is_refused(capsys):
    with pytest.raises(SystemExit):
        main(["speed"])

    assert "first_segment" in capsys.readouterr().err
