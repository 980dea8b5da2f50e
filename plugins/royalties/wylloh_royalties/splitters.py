"""Splitters: who made them, who shares in them, and who may see what of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    NOBODY,
    AccessRefused,
    ChainError,
    NotFound,
    RecipientsChanged,
    Share,
    SplitterCreated,
    Viewer,
    Wallet,
)

if TYPE_CHECKING:
    from collections.abc import Iterable

    from wylloh_server.sdk import Mark, PluginContext

_MOST = 1000
"""Facts that are looked through for the splitters of one wallet."""


@dataclass(frozen=True, slots=True)
class Splitter:
    """One splitter of the factory that the settings name.

    Attributes:
        maker: who owned it when it was made.
        shares: how later income is divided.
        since: where these shares were set.
    """

    address: Wallet
    maker: Wallet
    shares: tuple[Share, ...]
    since: Mark

    def share_of(self, wallet: Wallet) -> Share | None:
        """Give somebody's share of later income."""
        return next((share for share in self.shares if share.account == wallet), None)


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody is to a splitter. `recipient` also holds for who was one once."""

    owner: bool
    recipient: bool


async def find_splitter(context: PluginContext, address: Wallet) -> Splitter | None:
    """Find a splitter; None for whatever the factory did not make."""
    made = await context.chain.history(kinds=(SplitterCreated,), contract=address, limit=1)
    set_last = await context.chain.history(kinds=(RecipientsChanged,), contract=address, limit=1)
    for created, changed in zip(made, set_last, strict=False):
        if isinstance(created, SplitterCreated) and isinstance(changed, RecipientsChanged):
            return Splitter(address, created.owner, changed.shares, changed.mark)
    return None


async def splitter_of(context: PluginContext, address: Wallet) -> Splitter:
    """Find a splitter.

    Raises:
        NotFound: this server knows none of that address.
    """
    found = await find_splitter(context, address)
    if found is None:
        raise NotFound("This server knows no such splitter.", fix="If it is new, try again in a minute.")
    return found


async def splitters_of(context: PluginContext, wallet: Wallet) -> tuple[Wallet, ...]:
    """Give the addresses of splitters that a wallet made, or has or had a share in; the newest first."""
    facts = await context.chain.history(
        kinds=(SplitterCreated, RecipientsChanged), wallet=wallet, limit=_MOST
    )
    named = (fact.splitter for fact in facts if isinstance(fact, (SplitterCreated, RecipientsChanged)))
    return tuple(dict.fromkeys(named))


async def owner_of(context: PluginContext, splitter: Wallet) -> Wallet | None:
    """Ask who may change a splitter; None when nobody can any more.

    Raises:
        ChainError: nobody can say now.
    """
    (owner,) = await context.chain.read(splitter, "owner()", (), ("address",))
    return None if owner == NOBODY else Wallet(owner)


async def standing_of(context: PluginContext, splitter: Wallet, viewer: Viewer) -> Standing:
    """Say what somebody is to a splitter.

    Raises:
        AccessRefused: neither its owner nor a recipient, now or once.
        ChainError: not a recipient, and nobody can say whether the owner.
    """
    shared = await context.chain.count(kinds=(RecipientsChanged,), contract=splitter, wallet=viewer.wallet)
    try:
        owner = await owner_of(context, splitter) == viewer.wallet
    except ChainError:
        if not shared:
            raise
        owner = False
    if not owner and not shared:
        raise AccessRefused(
            "Only the owner of a splitter and its recipients see this.", fix="Sign in with another wallet."
        )
    return Standing(owner, bool(shared))


async def check_owner(context: PluginContext, splitter: Wallet, viewer: Viewer) -> None:
    """Let only the owner of a splitter pass.

    Raises:
        AccessRefused: it is somebody else, or nobody any more.
        ChainError: nobody can say now.
    """
    if await owner_of(context, splitter) != viewer.wallet:
        raise AccessRefused(
            "Only the owner of this splitter changes its recipients.", fix="Sign in with that wallet."
        )


async def known_coins(context: PluginContext, splitter: Wallet) -> tuple[Wallet, ...]:
    """Ask which ERC-20 coins a splitter knows; none when nobody can say."""
    try:
        (coins,) = await context.chain.read(splitter, "coins()", (), ("address[]",))
    except ChainError:
        return ()
    return tuple(Wallet(str(coin).lower()) for coin in _few(coins))


def _few(coins: Iterable[object]) -> list[object]:
    return list(coins)[:64]
