"""The JSON interface: what pages, players and other servers ask."""

from __future__ import annotations

from wylloh_server.web.api import (
    admin,
    batch,
    custody,
    devices,
    films,
    groups,
    health,
    live,
    playing,
    sign_in,
    tasks,
    titles,
    transactions,
    tv,
    uploads,
)

routes = [
    *sign_in.routes,
    *films.routes,
    *groups.routes,
    *playing.routes,
    *tv.routes,
    *devices.routes,
    *custody.routes,
    *admin.routes,
    *live.routes,
    *tasks.routes,
    *batch.routes,
    *titles.routes,
    *uploads.routes,
    *transactions.routes,
    *health.routes,
]

__all__ = ["routes"]
