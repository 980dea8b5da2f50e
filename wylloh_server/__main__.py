"""`python -m wylloh_server` is the command `wylloh`."""

from __future__ import annotations

from wylloh_server.cli import main

if __name__ == "__main__":
    main()
