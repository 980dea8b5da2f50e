"""Questions to the store's contract and to coins, as of the newest block."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.sdk import ChainError, InvalidValue, Wallet
from wylloh_store.refusals import BUYING, SELLING, refusal_of
from wylloh_store.words import tokens

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Coin, PluginContext, TokenReference

_LISTING = "(address,uint256,uint256,address,uint256)"


@dataclass(frozen=True, slots=True)
class Quote:
    """What a purchase costs now, by the contract itself.

    Attributes:
        listing: number of the holder's offer; 0 for the first sale.
        seller: the holder; None on a first sale.
        royalty: what goes to the film's makers out of a resale.
    """

    token: TokenReference
    quantity: int
    coin: Coin
    total: int
    fee: int
    presale: bool = False
    listing: int = 0
    seller: Wallet | None = None
    royalty: int = 0

    @property
    def earned(self) -> int:
        """What is left for whoever sells."""
        return self.total - self.fee - self.royalty


class Market:
    """Asks the contracts. Raises InvalidValue with a sentence where they refuse, else ChainError."""

    def __init__(self, context: PluginContext) -> None:
        store, registry = context.chain.contracts.store, context.chain.contracts.registry
        if store is None or registry is None:
            raise InvalidValue(
                "Nothing is sold here: the settings of this server name no store contract.",
                fix="Ask the owner of this server.",
            )
        self.store = store
        self.registry = registry
        self._chain = context.chain

    async def first_sale(self, token: TokenReference, quantity: int) -> Quote:
        """Ask what so many tokens cost from the publisher."""
        asked = (token.token_id, quantity)
        types = ("address", "uint256", "uint256", "bool")
        quoted, left = await asyncio.gather(
            self._ask("quote(uint256,uint256)", asked, types), self.stock(token)
        )
        _check_left(left, quantity)
        coin, total, fee, presale = quoted
        return Quote(token, quantity, await self._chain.coin(Wallet(coin)), total, fee, presale)

    async def resale(self, token: TokenReference, listing: int, quantity: int) -> Quote:
        """Ask what so many tokens cost from a holder."""
        types = ("address", "uint256", "uint256", "address", "uint256")
        found, quoted = await asyncio.gather(
            self._ask("listing(uint256)", (listing,), (_LISTING,)),
            self._ask("quoteListed(uint256,uint256)", (listing, quantity), types),
        )
        seller, token_id, left, _, _ = found[0]
        if token_id != token.token_id:
            raise InvalidValue("This offer is one of another film.", fix="Choose it on that film's page.")
        _check_left(left, quantity)
        coin, total, fee, _, royalty = quoted
        known = await self._chain.coin(Wallet(coin.lower()))
        return Quote(
            token,
            quantity,
            known,
            total,
            fee,
            listing=listing,
            seller=Wallet(seller.lower()),
            royalty=royalty,
        )

    async def stock(self, token: TokenReference) -> int:
        """Ask how many tokens are left in the first sale."""
        (left,) = await self._ask("stockOf(uint256)", (token.token_id,), ("uint256",))
        return int(left)

    async def fee_basis_points(self) -> int:
        """Ask what part of each sale is the store's."""
        (basis_points,) = await self._ask("feeBasisPoints()", (), ("uint16",))
        return int(basis_points)

    async def accepts(self, coin: Wallet) -> bool:
        """Ask whether the store takes a coin."""
        (accepted,) = await self._ask("acceptsCoin(address)", (coin,), ("bool",))
        return bool(accepted)

    async def may_take_tokens(self, owner: Wallet) -> bool:
        """Ask whether the store may take an owner's tokens."""
        asked = (owner, self.store)
        (may,) = await self._chain.read(self.registry, "isApprovedForAll(address,address)", asked, ("bool",))
        return bool(may)

    async def holding(self, owner: Wallet, token: TokenReference) -> int:
        """Ask how many tokens of a film a wallet has."""
        asked = (owner, token.token_id)
        (held,) = await self._chain.read(self.registry, "balanceOf(address,uint256)", asked, ("uint256",))
        return int(held)

    async def royalty(self, token: TokenReference, total: int) -> int:
        """Ask what part of a resale goes to the film's makers."""
        asked, types = (token.token_id, total), ("address", "uint256")
        try:
            _, royalty = await self._chain.read(self.registry, "royaltyInfo(uint256,uint256)", asked, types)
        except ChainError as error:
            raise refusal_of(error, SELLING) or error from error
        return int(royalty)

    async def allowance(self, owner: Wallet, coin: Wallet) -> int:
        """Ask how much of an owner's coins the store may take."""
        asked = (owner, self.store)
        (allowed,) = await self._chain.read(coin, "allowance(address,address)", asked, ("uint256",))
        return int(allowed)

    async def _ask(self, function: str, arguments: Sequence[Any], returns: Sequence[str]) -> tuple[Any, ...]:
        try:
            return await self._chain.read(self.store, function, arguments, returns)
        except ChainError as error:
            raise refusal_of(error, BUYING) or error from error


def _check_left(left: int, wanted: int) -> None:
    if left == 0:
        raise InvalidValue("Sold out: none of these are left.", fix="See who else sells some.")
    if left < wanted:
        raise InvalidValue(f"Only {tokens(left)} {'is' if left == 1 else 'are'} left here.", fix="Buy fewer.")
