"""`python -m demo`: what `make demo` runs."""

from __future__ import annotations

from demo.run import command
from wylloh_server.cli import explained_errors

if __name__ == "__main__":
    with explained_errors():
        command(prog_name="demo")
