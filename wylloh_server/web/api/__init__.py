"""The JSON interface: what pages, players and other servers ask."""

from __future__ import annotations

from wylloh_server.web.api import (
    admin_api,
    batch_api,
    binding_api,
    custodian_api,
    device_api,
    film_api,
    group_api,
    health_api,
    lease_api,
    live_api,
    package_api,
    preference_api,
    sign_in_api,
    storage_api,
    task_api,
    title_api,
    transaction_api,
    tv_api,
    upload_api,
)

routes = [
    *sign_in_api.routes,
    *film_api.routes,
    *package_api.routes,
    *preference_api.routes,
    *storage_api.routes,
    *group_api.routes,
    *lease_api.routes,
    *tv_api.routes,
    *device_api.routes,
    *binding_api.routes,
    *custodian_api.routes,
    *admin_api.routes,
    *live_api.routes,
    *task_api.routes,
    *batch_api.routes,
    *title_api.routes,
    *upload_api.routes,
    *transaction_api.routes,
    *health_api.routes,
]

__all__ = ["routes"]
