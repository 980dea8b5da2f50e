"""The pages people see. `routes` is all that the rest of the server needs of them."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.web.pages.account import devices, sign_in
from wylloh_server.web.pages.admin import admin
from wylloh_server.web.pages.film import film, watch
from wylloh_server.web.pages.library import library
from wylloh_server.web.pages.pairing import pair, tv
from wylloh_server.web.pages.tasks import tasks
from wylloh_server.web.pages.titles import routes as titles_routes
from wylloh_server.web.pages.transactions import discard, transaction, transactions

__all__ = ["routes"]

routes: list[web.RouteDef] = [
    web.get("/", library),
    web.get("/films/{film}", film),
    web.get("/watch/{film}", watch),
    web.get("/sign-in", sign_in),
    web.get("/devices", devices),
    web.get("/tv", tv),
    web.get("/pair", pair),
    web.get("/admin", admin),
    *titles_routes,
    web.get("/tasks", tasks),
    web.get("/transactions", transactions),
    web.get("/transactions/{transaction}", transaction),
    web.post("/transactions/{transaction}/discard", discard),
]
