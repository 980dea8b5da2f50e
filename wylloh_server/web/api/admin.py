"""What the admin page shows and changes: plugins, accounts and their roles."""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue
from wylloh_server.domain.types import wallet_of
from wylloh_server.web.bodies import object_of, text
from wylloh_server.web.keys import ACCOUNTS, LIVE, PLAYBACK, PLUGINS, SIGN_IN
from wylloh_server.web.session import require_role

_GIVEN = (Role.ADMIN, Role.PUBLISHER, Role.VIEWER)


async def plugins(request: web.Request) -> web.Response:
    """→ `{plugins: […]}`: every plugin's record."""
    require_role(request, Role.ADMIN)
    return web.json_response({"plugins": [asdict(record) for record in request.app[PLUGINS].records()]})


async def start_plugin(request: web.Request) -> web.Response:
    """`{plugin}` → its record: start one again that was stopped, or could not start. Only the owner may."""
    require_role(request, Role.OWNER)
    name = text(await object_of(request), "plugin")
    return web.json_response(asdict(await request.app[PLUGINS].start_again(name)))


async def switch_off_plugin(request: web.Request) -> web.Response:
    """`{plugin}` → its record: leave one that does not run out of everything. Only the owner may."""
    require_role(request, Role.OWNER)
    name = text(await object_of(request), "plugin")
    return web.json_response(asdict(request.app[PLUGINS].switch_off(name)))


async def accounts(request: web.Request) -> web.Response:
    """→ `{accounts: [{wallet, role}, …]}`."""
    require_role(request, Role.ADMIN)
    known = await request.app[ACCOUNTS].all()
    return web.json_response({"accounts": [{"wallet": wallet, "role": role} for wallet, role in known]})


async def set_role(request: web.Request) -> web.Response:
    """`{wallet, role}` → `{}`: admit a wallet, or change what it may do. Only the owner may.

    The owner's own account stays as it is, so a server is never left without one.
    """
    require_role(request, Role.OWNER)
    body = await object_of(request)
    wallet, role = wallet_of(text(body, "wallet")), _role(text(body, "role"))
    if await request.app[ACCOUNTS].role(wallet) is Role.OWNER:
        raise AccessRefused("The owner's role cannot be changed here.")
    await request.app[ACCOUNTS].save(wallet, role)
    return web.json_response({})


async def remove(request: web.Request) -> web.Response:
    """`{wallet}` → `{}`: forget a wallet, end its sessions and what plays in them. Only the owner may."""
    require_role(request, Role.OWNER)
    wallet = wallet_of(text(await object_of(request), "wallet"))
    for device in await request.app[SIGN_IN].shut_out(wallet):
        await request.app[PLAYBACK].end_device(device)
        request.app[LIVE].end(device)
    return web.json_response({})


def _role(name: str) -> Role:
    role = next((role for role in _GIVEN if role == name), None)
    if role is None:
        raise InvalidValue(f"There is no role {name!r} to give.", fix=f"Use one of: {', '.join(_GIVEN)}.")
    return role


routes = [
    web.get("/api/admin/plugins", plugins),
    web.post("/api/admin/plugins/start", start_plugin),
    web.post("/api/admin/plugins/off", switch_off_plugin),
    web.get("/api/admin/accounts", accounts),
    web.post("/api/admin/accounts", set_role),
    web.post("/api/admin/accounts/remove", remove),
]
