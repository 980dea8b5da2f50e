"""The demo's wallets: four accounts of a throw-away chain that sign when a button is pressed.

Loaded by the demo alone, through `plugins.path`. The keys stay in the chain's own node; a real wallet
asks its owner before it signs anything; these ask only before they send, and say that it is a demo.
"""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import TYPE_CHECKING

from wylloh_demo._explorer import address_page, block_page, transaction_page
from wylloh_demo._node import NodeError, ask
from wylloh_server.sdk import (
    AccessRefused,
    Fragment,
    InvalidValue,
    Json,
    PluginRoute,
    Role,
    Setting,
    Slot,
    hookimpl,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer

WYLLOH_SDK = "1.0"

_HERE = Path(__file__).resolve().parent
_WALLETS = {
    "full": "Sign in with the demo wallet",
    "empty": "Sign in with an empty wallet",
    "cinema": "Sign in with the cinema's wallet",
    "publisher": "Sign in with the publisher's wallet",
}
"""The buttons, by the name of the setting that holds the address."""

_NAMES = {
    "full": "Demo wallet",
    "empty": "Empty wallet",
    "cinema": "The cinema's wallet",
    "publisher": "The publisher's wallet",
}
"""What the wallets are called where they are asked to confirm something."""

_CALL = ("from", "to", "data", "value")
"""All that the demo's wallets look at of a call; the chain's node adds number and fee."""


@hookimpl
def settings() -> Sequence[Setting]:
    """Declare what the demo fills in."""
    return (
        Setting("node", str, "", "JSON-RPC address of the demo chain."),
        Setting("full", str, "", "Address of the demo wallet."),
        Setting("empty", str, "", "Address of the empty wallet."),
        Setting("cinema", str, "", "Address of the cinema's wallet."),
        Setting("publisher", str, "", "Address of the publisher's wallet."),
    )


@hookimpl
def routes() -> Sequence[PluginRoute]:
    """Declare signing and the block explorer."""
    return (
        PluginRoute("POST", "sign", _sign, role=None),
        PluginRoute("POST", "sign-data", _sign_data, role=Role.VIEWER),
        PluginRoute("POST", "send", _send, role=Role.VIEWER),
        PluginRoute("GET", "block/{block}", block_page, role=Role.VIEWER),
        PluginRoute("GET", "tx/{hash}", transaction_page, role=Role.VIEWER),
        PluginRoute("GET", "address/{address}", address_page, role=Role.VIEWER),
    )


@hookimpl
def template_dirs() -> Sequence[Path]:
    """Declare the templates."""
    return (_HERE / "templates",)


@hookimpl
def static_dirs() -> Sequence[Path]:
    """Declare the script behind the buttons."""
    return (_HERE / "static",)


@hookimpl
async def page_fragments(context: PluginContext, slot: str, viewer: Viewer | None) -> Sequence[Fragment]:
    """Offer the wallets on the library and sign-in pages, and where a transaction is confirmed."""
    if viewer is not None and viewer.kind == "tv":
        return ()  # a TV never signs
    if slot == Slot.SIGN_IN or (slot == Slot.LIBRARY_ACTIONS and viewer is None):
        wallets = ((label, context.settings[name]) for name, label in _WALLETS.items())
        others = [(label, address) for label, address in wallets if not viewer or viewer.wallet != address]
        template = "buttons.html" if slot == Slot.LIBRARY_ACTIONS else "announced.html"
        return (Fragment(template, {"wallets": others}),)
    if slot == Slot.TRANSACTION and viewer is not None:
        own = [(_NAMES[name], viewer.wallet) for name in _WALLETS if context.settings[name] == viewer.wallet]
        return (Fragment("announced.html", {"wallets": own}),) if own else ()
    return ()


async def _sign(context: PluginContext, request: PluginRequest) -> Reply:
    """Sign a text with one of the wallets, as a person would by pressing Sign."""
    address, text = request.value("address").lower(), request.value("message")
    if address not in {context.settings[name] for name in _WALLETS}:
        raise AccessRefused("The demo has no such wallet.", fix="Use one of the buttons.")
    signature = await _asked(context, "personal_sign", [text, address])
    return Json({"signature": signature})


async def _sign_data(context: PluginContext, request: PluginRequest) -> Reply:
    """Sign typed data (EIP-712) with the viewer's own wallet, once its owner has said yes in the dialog."""
    address = _own(context, request, request.value("address"))
    try:
        data = json.loads(request.value("data"))
    except ValueError:
        raise InvalidValue("That is no typed data.", fix="Send it as JSON.") from None
    return Json({"signature": await _asked(context, "eth_signTypedData_v4", [address, data])})


async def _send(context: PluginContext, request: PluginRequest) -> Reply:
    """Send a call from the viewer's own wallet, once its owner has said yes in the dialog."""
    call = {name: request.value(name) for name in _CALL if request.value(name)}
    call["from"] = _own(context, request, call.get("from", ""))
    return Json({"hash": await _asked(context, "eth_sendTransaction", [call])})


def _own(context: PluginContext, request: PluginRequest, address: str) -> str:
    """Return the address if it is the viewer's, and one of the demo's wallets.

    Raises:
        AccessRefused: it is somebody else's.
    """
    wallets = {context.settings[name] for name in _WALLETS}
    if request.viewer is None or address.lower() != request.viewer.wallet or address.lower() not in wallets:
        raise AccessRefused("The demo asks nobody else's wallet.", fix="Sign in with that wallet first.")
    return address.lower()


async def _asked(context: PluginContext, method: str, parameters: list[object]) -> object:
    try:
        return await asyncio.to_thread(ask, context.settings["node"], method, parameters)
    except NodeError as error:
        raise InvalidValue(f"The demo chain said: {error}", fix="Start the demo again.") from None
