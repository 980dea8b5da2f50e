"""`make bench`: measures the product against the raw floor under each of its parts, in the same run.

Prints a table, then one line of JSON for each figure. Everything it starts, it ends; nothing is left behind.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
import time
import warnings
from pathlib import Path

import pytest

from tests.bench import (
    analytics,
    catalogue,
    cold_library,
    first_segment,
    holdings,
    indexing,
    library,
    plugins,
    pulling,
    reading,
    serving,
    starting,
    writing,
)
from tests.bench.figures import Figure, table
from tests.bench.scale import FULL, TINY, Scale
from tests.bench.bench_environment import BenchEnvironment

PARTS = {
    module.__name__.rpartition(".")[2]: module
    for module in (
        first_segment,
        reading,
        pulling,
        serving,
        holdings,
        indexing,
        plugins,
        writing,
        starting,
        library,
        cold_library,
        catalogue,
        analytics,
    )
}


def main(arguments: list[str] | None = None) -> None:
    """Measure and print."""
    wanted = _parser().parse_args(arguments)
    figures = run(wanted.parts or list(PARTS), TINY if wanted.tiny else FULL)
    lines = [figure.as_json() for figure in figures]
    print("\n" + table(figures) + "\n\n" + "\n".join(lines))
    if wanted.json:
        wanted.json.write_text("\n".join(lines) + "\n")


def run(parts: list[str], scale: Scale) -> list[Figure]:
    """Measure some parts, saying on stderr how far it is."""
    figures = []
    with (
        tempfile.TemporaryDirectory(prefix="wylloh-bench-") as folder,
        BenchEnvironment(Path(folder), scale) as bench_environment,
    ):
        for name in parts:
            begun = time.monotonic()
            print(f"{name} … ", end="", file=sys.stderr, flush=True)
            figures += PARTS[name].measure(bench_environment)
            print(f"{time.monotonic() - begun:.0f} s", file=sys.stderr)
    return figures


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=__doc__.splitlines()[0])
    parser.add_argument("parts", nargs="*", metavar="part", choices=[*PARTS, []], help=", ".join(PARTS))
    parser.add_argument("--tiny", action="store_true", help="only find out whether the bench itself works")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the lines of JSON to a file too")
    return parser


if __name__ == "__main__":
    warnings.filterwarnings("ignore", category=DeprecationWarning, module="websockets")
    try:
        main()
    except pytest.skip.Exception as missing:
        sys.exit(str(missing))
