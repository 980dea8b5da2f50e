"""What a request to a plugin holds: who sent it, texts of its form, the number of a page, an address."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from eth_utils.address import to_checksum_address

from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.plugin_pages import Redirect
from wylloh_server.domain.types import Wallet, parse_wallet

if TYPE_CHECKING:
    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.plugin_pages import PluginRequest
    from wylloh_server.domain.transaction import Proposal
    from wylloh_server.plugins.context import PluginContext

_NUMBER = re.compile(r"[0-9]{1,78}")


def require_viewer(request: PluginRequest) -> Viewer:
    """Return who sent a request. Raises InvalidValue if nobody is signed in."""
    if request.viewer is None:
        raise InvalidValue("Please sign in first.", fix="Sign in with your wallet.")
    return request.viewer


def form_texts(request: PluginRequest, name: str) -> list[str]:
    """Return all texts that a form has under one name, in order."""
    found = request.form.get(name, ())
    return [found] if isinstance(found, str) else list(found)


def page_number(request: PluginRequest, pages: int, name: str = "page") -> int:
    """Return the page that a query asks for: from 1, the default, to the number of pages."""
    text = request.query.get(name, "")
    return max(1, min(int(text), pages)) if _NUMBER.fullmatch(text) else 1


def page_count(total: int, size: int) -> int:
    """Return how many pages of a size there are; at least 1."""
    return max(1, -(-total // size))


def quote_input(text: str, longest: int = 60) -> str:
    """Return typed text in quotation marks, cut to some characters and without unprintable ones."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text.strip())
    return f"“{plain[: longest - 1]}…”" if len(plain) > longest else f"“{plain}”"


def parse_address(text: str) -> Wallet:
    """Read a typed address. One in small (or in capital) letters throughout carries no checksum (EIP-55).

    Raises:
        InvalidValue: it is none, its checksum does not fit, or it is the zero address.
    """
    plain = text.strip()
    if not plain:
        raise InvalidValue("The address is missing.", fix="Write 0x and 40 hex digits.")
    try:
        wallet = parse_wallet(plain)
    except InvalidValue:
        raise InvalidValue(
            f"{quote_input(plain)} is not an address.", fix="Write 0x and 40 hex digits."
        ) from None
    check_capitals(plain)
    if wallet == ZERO_ADDRESS:
        raise InvalidValue("The zero address belongs to nobody.", fix="Write the address of a wallet.")
    return wallet


def check_capitals(address: str) -> None:
    """Check the checksum of an address that has small and capital letters (EIP-55).

    Raises:
        InvalidValue: it does not fit: a letter is wrong.
    """
    digits = address[2:]
    if digits in (digits.lower(), digits.upper()):
        return
    right = checksummed(Wallet(address.lower()))
    wrong = [at for at, letter in enumerate(address, 1) if letter != right[at - 1]]
    if wrong:
        raise InvalidValue(
            f"{address} is mistyped: its capitals do not fit (EIP-55). They differ first at "
            f"character {wrong[0]}.",
            fix="Copy the whole address again.",
        )


def checksummed(wallet: Wallet) -> str:
    """Return an address with its EIP-55 checksum, as people copy it."""
    return str(to_checksum_address(wallet))


async def redirect_to_wallet(context: PluginContext, viewer: Viewer, proposal: Proposal) -> Redirect:
    """Propose a transaction and redirect to the page on which the wallet is asked.

    Raises as `ScopedTransactions.propose`.
    """
    return Redirect(f"/transactions/{await context.transactions.propose(viewer, proposal)}")
