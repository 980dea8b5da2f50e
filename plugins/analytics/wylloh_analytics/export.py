"""Tables as files."""

from __future__ import annotations

import io
import zipfile
from typing import TYPE_CHECKING

from wylloh_server.sdk import write_csv

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_analytics.chart import Chart


def as_csv(chart: Chart) -> bytes:
    """Return a chart's table as CSV (RFC 4180), with the mark by which spreadsheets know UTF-8."""
    head = [chart.rows_are, *(column.headed for column in chart.columns)]
    rows = ([row.key, *(cell.plain for cell in cells)] for row, cells in chart.written)
    return write_csv([head, *rows], byte_order_mark=True)


def as_zip(charts: Sequence[Chart]) -> bytes:
    """Return all tables that are not empty, each as a CSV file, in one archive."""
    whole = io.BytesIO()
    with zipfile.ZipFile(whole, "w", zipfile.ZIP_DEFLATED) as archive:
        for chart in charts:
            if not chart.empty:
                archive.writestr(f"{chart.name}.csv", as_csv(chart))
    return whole.getvalue()
