"""Splitters: who made them, who shares in them, and who may see what of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    ZERO_ADDRESS,
    AccessRefused,
    ChainError,
    DeployedContract,
    EventQuery,
    NotFound,
    RecipientsChanged,
    Share,
    SplitterCreated,
    Wallet,
    parse_wallet,
    require_viewer,
)

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Viewer

_MOST = 1000
"""Events that are searched for the splitters of one wallet."""
_MOST_COINS = 64


@dataclass(frozen=True, slots=True)
class Splitter:
    """One splitter of the factory that the settings name.

    Attributes:
        maker: who owned it when it was made.
        shares: how later income is divided.
    """

    address: Wallet
    maker: Wallet
    shares: tuple[Share, ...]

    def share_of(self, wallet: Wallet) -> Share | None:
        """Return somebody's share of later income."""
        return next((share for share in self.shares if share.account == wallet), None)


@dataclass(frozen=True, slots=True)
class SplitterState:
    """What somebody is to a splitter. `recipient` also holds for who was one once."""

    owner: bool
    recipient: bool


async def find_splitter(context: PluginContext, address: Wallet) -> Splitter | None:
    """Find a splitter; None for whatever the factory did not make."""
    made = await context.chain.history(EventQuery(kinds=(SplitterCreated,), contract=address, limit=1))
    set_last = await context.chain.history(EventQuery(kinds=(RecipientsChanged,), contract=address, limit=1))
    for created, changed in zip(made, set_last, strict=False):
        if isinstance(created, SplitterCreated) and isinstance(changed, RecipientsChanged):
            return Splitter(address, created.owner, changed.shares)
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
    """Return the addresses of splitters that a wallet made, or has or had a share in; the newest first."""
    facts = await context.chain.history(
        EventQuery(kinds=(SplitterCreated, RecipientsChanged), wallet=wallet, limit=_MOST)
    )
    named = (fact.splitter for fact in facts if isinstance(fact, (SplitterCreated, RecipientsChanged)))
    return tuple(dict.fromkeys(named))


async def owner_of(context: PluginContext, splitter: Wallet) -> Wallet | None:
    """Ask who may change a splitter; None when nobody can any more.

    Raises:
        ChainError: that cannot be read now.
    """
    (owner,) = await DeployedContract("RoyaltySplitter", splitter).read(context.chain, "owner")
    return None if owner == ZERO_ADDRESS else Wallet(owner)


async def standing_of(context: PluginContext, splitter: Wallet, viewer: Viewer) -> SplitterState:
    """Return what somebody is to a splitter.

    Raises:
        AccessRefused: neither its owner nor a recipient, now or once.
        ChainError: not a recipient, and nobody can say whether the owner.
    """
    shared = await context.chain.count(
        EventQuery(kinds=(RecipientsChanged,), contract=splitter, wallet=viewer.wallet)
    )
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
    return SplitterState(owner, bool(shared))


async def known_coins(context: PluginContext, splitter: Wallet) -> tuple[Wallet, ...]:
    """Return the ERC-20 coins that a splitter knows, at most 64; none when that cannot be read now."""
    try:
        (coins,) = await DeployedContract("RoyaltySplitter", splitter).read(context.chain, "coins")
    except ChainError:
        return ()
    return tuple(Wallet(str(coin).lower()) for coin in list(coins)[:_MOST_COINS])


async def shares_of_coin(context: PluginContext, splitter: Wallet, coin: Wallet) -> tuple[Share, ...] | None:
    """Return under which shares a splitter divides next what came in of a coin.

    None for a splitter of an earlier release, which divides everything under its newest shares.

    Raises:
        ChainError: that cannot be read now.
    """
    contract = DeployedContract("RoyaltySplitter", splitter)
    found = await contract.read_if_known(context.chain, "sharesOf", coin)
    if found is None:
        return None
    return tuple(Share(Wallet(account.lower()), part) for account, part in found[0])


async def requested_splitter(
    context: PluginContext, request: PluginRequest
) -> tuple[Viewer, Splitter, SplitterState]:
    """Return who asks, for which splitter, and what they are to it.

    Raises:
        NotFound: this server knows no such splitter.
        AccessRefused, ChainError: as `standing_of`.
    """
    viewer = require_viewer(request)
    splitter = await splitter_of(context, parse_wallet(request.params["splitter"]))
    return viewer, splitter, await standing_of(context, splitter.address, viewer)


async def owned_splitter(context: PluginContext, request: PluginRequest) -> tuple[Viewer, Splitter]:
    """Return who asks, for which splitter of theirs.

    Raises:
        NotFound: this server knows no such splitter.
        AccessRefused: it is somebody else's, or nobody's any more.
        ChainError: its owner cannot be read now.
    """
    viewer = require_viewer(request)
    splitter = await splitter_of(context, parse_wallet(request.params["splitter"]))
    if await owner_of(context, splitter.address) != viewer.wallet:
        raise AccessRefused(
            "Only the owner of this splitter changes its recipients.", fix="Sign in with that wallet."
        )
    return viewer, splitter
