"""Tables as files."""

from __future__ import annotations

import csv
import io
import zipfile
from typing import TYPE_CHECKING

from wylloh_analytics.chart import csv_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_analytics.chart import Chart

CSV = "text/csv; charset=utf-8"


def as_csv(chart: Chart) -> bytes:
    """Give a chart's table as CSV (RFC 4180), with the mark by which spreadsheets know UTF-8."""
    text = io.StringIO()
    csv.writer(text).writerows([_harmless(cell) for cell in row] for row in csv_of(chart))
    return text.getvalue().encode("utf-8-sig")


def as_zip(charts: Sequence[Chart]) -> bytes:
    """Give all tables that are not empty, each as a CSV file, in one archive."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for chart in charts:
            if not chart.empty:
                archive.writestr(f"{chart.name}.csv", as_csv(chart))
    return whole.getvalue()


def _harmless(cell: str) -> str:
    """Keep a spreadsheet from taking a text that somebody on chain has chosen for a formula."""
    return f"'{cell}" if cell[:1] in {"=", "+", "@", "\t", "\r"} else cell
