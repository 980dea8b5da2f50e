"""Names that somebody gives to addresses. Each wallet has its own; nobody else sees them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sqlalchemy import delete, func, insert, select

from wylloh_server.sdk import (
    InvalidValue,
    Page,
    Redirect,
    Wallet,
    parse_address,
    parse_wallet,
    require_viewer,
)
from wylloh_store.tables import names

if TYPE_CHECKING:
    from collections.abc import Mapping

    from sqlalchemy import ColumnElement

    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer

_LONGEST = 60
_MOST = 1000


async def names_of(context: PluginContext, viewer: Viewer) -> Mapping[Wallet, str]:
    """Return the names a viewer has given."""
    found = await context.tables.fetch(
        select(names.c.address, names.c.name).where(names.c.viewer == viewer.wallet).order_by(names.c.name)
    )
    return {Wallet(str(address)): str(name) for address, name in found.rows}


async def all_names(context: PluginContext, request: PluginRequest) -> Reply:
    """Show one's own names, and a form for another; `address` in the query fills it in."""
    return await _page(context, request, address=request.query.get("address", ""))


async def set_name(context: PluginContext, request: PluginRequest) -> Reply:
    """Name an address, or rename it."""
    address, name = request.value("address").strip(), request.value("name")
    try:
        await _keep(context, request, parse_address(address), _checked(name))
    except InvalidValue as error:
        return await _page(context, request, address=address, name=name, error=error)
    return Redirect(_back(request))


async def remove_name(context: PluginContext, request: PluginRequest) -> Reply:
    """Forget the name of an address."""
    own = _own_name(require_viewer(request), parse_wallet(request.value("address")))
    await context.tables.change([delete(names).where(own)])
    return Redirect("/plugins/store/names")


async def forget_names(context: PluginContext, viewer: Wallet) -> None:
    """Forget every name that somebody has given, as their account is removed."""
    await context.tables.change([delete(names).where(names.c.viewer == viewer)])


async def _keep(context: PluginContext, request: PluginRequest, address: Wallet, name: str) -> None:
    viewer = require_viewer(request)
    others = select(func.count()).select_from(names).where(names.c.viewer == viewer.wallet)
    found = await context.tables.fetch(others.where(names.c.address != address))
    if int(str(found.rows[0][0])) >= _MOST:
        raise InvalidValue(f"There are {_MOST:,} names already.", fix="Remove one first.")
    row = {"viewer": viewer.wallet, "address": address, "name": name}
    await context.tables.change(
        [delete(names).where(_own_name(viewer, address)), insert(names).values(**row)]
    )


def _own_name(viewer: Viewer, address: Wallet) -> ColumnElement[bool]:
    return (names.c.viewer == viewer.wallet) & (names.c.address == address)


def _checked(name: str) -> str:
    plain = " ".join(name.split())
    if not plain:
        raise InvalidValue("The name is missing.", fix="Write one, such as Cinema on the corner.")
    if len(plain) > _LONGEST:
        raise InvalidValue(f"A name has at most {_LONGEST} characters.", fix="Shorten it.")
    if not plain.isprintable():
        raise InvalidValue("A name cannot hold control characters.", fix="Type it by hand.")
    return plain


def _back(request: PluginRequest) -> str:
    """Go back to the page the form stood on, if it was one of the store's."""
    asked = request.value("back")
    return asked if asked.startswith("/plugins/store/film/") else "/plugins/store/names"


async def _page(
    context: PluginContext,
    request: PluginRequest,
    *,
    address: str = "",
    name: str = "",
    error: InvalidValue | None = None,
) -> Page:
    values = {
        "names": await names_of(context, require_viewer(request)),
        "address": address,
        "name": name,
        "back": request.query.get("back", "") or (request.value("back") if error else ""),
        "error": error,
    }
    return Page("names.html", values, status=400 if error else 200)
