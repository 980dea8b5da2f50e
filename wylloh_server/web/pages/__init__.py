"""The pages people see. `routes` is all that the rest of the server needs of them."""

from __future__ import annotations

from aiohttp import web

from wylloh_server.web.pages.about_page import about, change_terms
from wylloh_server.web.pages.account_page import devices, sign_in
from wylloh_server.web.pages.admin_page import admin
from wylloh_server.web.pages.film_page import film, watch
from wylloh_server.web.pages.library_page import library
from wylloh_server.web.pages.log_page import log, log_text
from wylloh_server.web.pages.pairing_page import pair, tv
from wylloh_server.web.pages.plugin_settings_page import plugin_settings
from wylloh_server.web.pages.receipt_page import receipts
from wylloh_server.web.pages.search_page import search
from wylloh_server.web.pages.storage_page import storage
from wylloh_server.web.pages.task_page import tasks
from wylloh_server.web.pages.title_page import routes as titles_routes
from wylloh_server.web.pages.trailer_page import watch_trailer
from wylloh_server.web.pages.transaction_page import discard, transaction, transactions

__all__ = ["routes"]

routes: list[web.RouteDef] = [
    web.get("/", library),
    web.get("/search", search),
    web.get("/films/{film}", film),
    web.get("/watch/{film}", watch),
    web.get("/watch/{film}/trailer", watch_trailer),
    web.get("/sign-in", sign_in),
    web.get("/devices", devices),
    web.get("/about", about),
    web.post("/about/terms", change_terms),
    web.get("/tv", tv),
    web.get("/pair", pair),
    web.get("/admin", admin),
    web.get("/admin/storage", storage),
    web.get("/admin/log", log),
    web.get("/admin/log.txt", log_text),
    web.get("/admin/plugins/{plugin}", plugin_settings),
    *titles_routes,
    web.get("/tasks", tasks),
    web.get("/receipts", receipts),
    web.get("/transactions", transactions),
    web.get("/transactions/{transaction}", transaction),
    web.post("/transactions/{transaction}/discard", discard),
]
