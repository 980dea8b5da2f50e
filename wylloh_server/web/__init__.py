"""The web floor: aiohttp lives here and nowhere else.

`new_application` makes the application; once its services lie under their keys (`web.keys`), `set_up_pages` and
`add_routes` complete it, and `runner_of` serves it. `http_client` implements the port `HttpClient`.
"""

from __future__ import annotations

from wylloh_server.web.assembly import new_application, runner_of, set_up_pages
from wylloh_server.web.client import http_client
from wylloh_server.web.routes import add_routes

__all__ = ["add_routes", "http_client", "new_application", "runner_of", "set_up_pages"]
