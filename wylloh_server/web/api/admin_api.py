"""What the admin pages change: playback, folders, plugins, accounts, sessions, films that are away.

What weighs much needs a fresh signature of the owner's wallet (`require_signature`).
"""

from __future__ import annotations

from dataclasses import asdict

from aiohttp import web

from wylloh_server.domain import topics
from wylloh_server.domain.access import Role
from wylloh_server.domain.account_name import checked_account_name
from wylloh_server.domain.errors import AccessRefused, InvalidValue
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import DeviceId, parse_wallet
from wylloh_server.typed_address import parse_address
from wylloh_server.web.app_keys import LIVE, PLUGINS, SERVICES
from wylloh_server.web.request_json import read_object, text
from wylloh_server.web.session import require_role, require_signature

_GIVEN = (Role.ADMIN, Role.PUBLISHER, Role.VIEWER)


async def plugins(request: web.Request) -> web.Response:
    """→ `{plugins: […]}`: every plugin's record."""
    require_role(request, Role.ADMIN)
    return web.json_response({"plugins": [asdict(record) for record in request.app[PLUGINS].records()]})


async def start_plugin(request: web.Request) -> web.Response:
    """`{plugin}` → its record and `note`: start one that is off, was stopped, or could not start.

    `note` says why it is off again at the next start of the server; empty if it stays on. Only the owner may.
    """
    await require_signature(request, Role.OWNER)
    name = text(await read_object(request), "plugin")
    record, note = await request.app[SERVICES].plugin_configuration.switch_on(name)
    request.app[LIVE].changed(topics.PLUGINS)
    return web.json_response(asdict(record) | {"note": note})


async def disable_plugin(request: web.Request) -> web.Response:
    """`{plugin}` → its record: stop one and leave it out of everything. Only the owner may."""
    await require_signature(request, Role.OWNER)
    name = text(await read_object(request), "plugin")
    record = await request.app[SERVICES].plugin_configuration.switch_off(name)
    request.app[LIVE].changed(topics.PLUGINS)
    return web.json_response(asdict(record))


async def configure_plugin(request: web.Request) -> web.Response:
    """`{plugin, values: {setting: text}}` → its record: start it with other settings. Only the owner may.

    See `PluginConfiguration.change` for what a missing value means, and how a secret is removed.
    """
    await require_signature(request, Role.OWNER)
    body = await read_object(request)
    values = body.get("values")
    if not isinstance(values, dict) or not all(isinstance(one, str) for one in values.values()):
        raise InvalidValue("Settings are sent as texts.", fix="Reload the page.")
    record = await request.app[SERVICES].plugin_configuration.change(text(body, "plugin"), values)
    return web.json_response(asdict(record))


async def accounts(request: web.Request) -> web.Response:
    """→ `{accounts: [{wallet, role, name}, …]}`; `name` is empty where nobody has given one."""
    require_role(request, Role.ADMIN)
    known = await request.app[SERVICES].accounts.all()
    listed = [{"wallet": one.wallet, "role": one.role, "name": one.name} for one in known]
    return web.json_response({"accounts": listed})


async def set_role(request: web.Request) -> web.Response:
    """`{wallet, role, name?}` → `{}`: admit a wallet, or change what it may do. Only the owner may.

    The owner's own account stays as it is, so a server is never left without one. Without a name, or with an
    empty one, the account keeps the name it has.
    """
    await require_signature(request, Role.OWNER)
    body = await read_object(request)
    wallet, role = parse_address(text(body, "wallet")), _role(text(body, "role"))
    if await request.app[SERVICES].accounts.role(wallet) is Role.OWNER:
        raise AccessRefused("The owner's role cannot be changed here.")
    name = checked_account_name(text(body, "name", ""))
    await request.app[SERVICES].accounts.save(wallet, role, name)
    return web.json_response({})


async def rename(request: web.Request) -> web.Response:
    """`{wallet, name}` → `{name}`: name an account; an empty name takes it away. Only the owner may."""
    require_role(request, Role.OWNER)
    body = await read_object(request)
    wallet, name = parse_wallet(text(body, "wallet")), checked_account_name(text(body, "name"))
    await request.app[SERVICES].accounts.rename(wallet, name)
    return web.json_response({"name": name})


async def remove(request: web.Request) -> web.Response:
    """`{wallet}` → `{}`: forget a wallet, end its sessions and what plays in them. Only the owner may."""
    await require_signature(request, Role.OWNER)
    wallet = parse_wallet(text(await read_object(request), "wallet"))
    await request.app[SERVICES].access_removal.remove_account(wallet)
    return web.json_response({})


async def transfer(request: web.Request) -> web.Response:
    """`{wallet}` → `{}`: make another account the owner; the former one becomes an admin."""
    viewer = await require_signature(request, Role.OWNER)
    wallet = parse_address(text(await read_object(request), "wallet"))
    if await request.app[SERVICES].accounts.role(wallet) is None:
        raise InvalidValue("That wallet has no account here.", fix="Let it in first, then hand over.")
    await request.app[SERVICES].accounts.transfer(viewer.wallet, wallet)
    return web.json_response({})


async def sessions(request: web.Request) -> web.Response:
    """→ `{sessions: [{device, wallet, kind, name, address, created, last_seen, this}, …]}`, newest first.

    Everybody's, for the owner. `this` is whether it is the one that asks.
    """
    viewer = require_role(request, Role.OWNER)
    listed = await request.app[SERVICES].sessions.all()
    shown = ("device", "wallet", "kind", "name", "address", "created", "last_seen")
    return web.json_response(
        {
            "sessions": [
                {name: getattr(session, name) for name in shown} | {"this": session.device == viewer.device}
                for session in listed
            ]
        }
    )


async def end_session(request: web.Request) -> web.Response:
    """`{device}` → `{}`: end anybody's session, and those of TVs it let in. Only the owner may."""
    require_role(request, Role.OWNER)
    device = DeviceId(text(await read_object(request), "device"))
    await request.app[SERVICES].access_removal.revoke(device)
    return web.json_response({})


async def end_sessions(request: web.Request) -> web.Response:
    """`{wallet}` → `{}`: sign a wallet out everywhere; its account stays. Only the owner may."""
    require_role(request, Role.OWNER)
    wallet = parse_wallet(text(await read_object(request), "wallet"))
    await request.app[SERVICES].access_removal.sign_out_everywhere(wallet)
    return web.json_response({})


async def end_playback(request: web.Request) -> web.Response:
    """`{lease}` → `{}`: end what plays under a lease; the device stays signed in. For admins."""
    require_role(request, Role.ADMIN)
    await request.app[SERVICES].playback.end(text(await read_object(request), "lease"))
    return web.json_response({})


async def scan_folders(request: web.Request) -> web.Response:
    """→ `{}`: look into the folders for films now, in the background. For admins."""
    require_role(request, Role.ADMIN)
    request.app[SERVICES].folder_scans.scan_now()
    return web.json_response({})


async def remove_away_films(request: web.Request) -> web.Response:
    """→ `{removed}`: remove every film whose file is away, for good. Only the owner may."""
    await require_signature(request, Role.OWNER)
    return web.json_response({"removed": await request.app[SERVICES].film_removal.remove_all()})


def _role(name: str) -> Role:
    role = next((role for role in _GIVEN if role == name), None)
    if role is None:
        raise InvalidValue(f"There is no role {quote_input(name)} to give.", fix=f"Use {', '.join(_GIVEN)}.")
    return role


routes = [
    web.get("/api/admin/plugins", plugins),
    web.post("/api/admin/plugins/start", start_plugin),
    web.post("/api/admin/plugins/off", disable_plugin),
    web.post("/api/admin/plugins/settings", configure_plugin),
    web.get("/api/admin/accounts", accounts),
    web.post("/api/admin/accounts", set_role),
    web.post("/api/admin/accounts/name", rename),
    web.post("/api/admin/accounts/remove", remove),
    web.post("/api/admin/folders/scan", scan_folders),
    web.post("/api/admin/films/remove-away", remove_away_films),
    web.post("/api/admin/accounts/sign-out", end_sessions),
    web.post("/api/admin/owner", transfer),
    web.get("/api/admin/sessions", sessions),
    web.post("/api/admin/sessions/end", end_session),
    web.post("/api/admin/playing/end", end_playback),
]
