"""Serves a folder's files with aiohttp's own static route: `plain_aiohttp.py FOLDER PORT`."""

from __future__ import annotations

import sys

from aiohttp import web


def main() -> None:
    """Serve until told to stop."""
    app = web.Application()
    app.router.add_static("/", sys.argv[1])
    web.run_app(app, host="127.0.0.1", port=int(sys.argv[2]), access_log=None, print=None)


if __name__ == "__main__":
    main()
