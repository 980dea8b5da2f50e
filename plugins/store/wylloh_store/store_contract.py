"""Questions to the store's contract, to the registry and to coins, as of the newest block."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.sdk import (
    SALE_TERMS_TYPEHASH,
    ZERO_ADDRESS,
    ChainError,
    DeployedContract,
    InvalidValue,
    Wallet,
)
from wylloh_store.messages import tokens
from wylloh_store.sale_errors import BUYING, SELLING, refusal_of
from wylloh_store.sale_terms import SaleTerms

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.sdk import Coin, PluginContext, TokenReference

_WHOLE = 10_000


@dataclass(frozen=True, slots=True)
class Quote:
    """What a purchase costs now, by the contract itself.

    Attributes:
        listing: number of the holder's offer; 0 for the first sale.
        seller: the publisher on a first sale, else the holder.
        payee: who gets what fee and royalty leave.
        royalty: what goes to the film's makers out of a resale.
    """

    token: TokenReference
    quantity: int
    coin: Coin
    total: int
    fee: int
    fee_basis_points: int
    seller: Wallet
    payee: Wallet
    presale: bool = False
    listing: int = 0
    royalty: int = 0
    royalty_basis_points: int = 0
    royalty_receiver: Wallet = ZERO_ADDRESS

    @property
    def earned(self) -> int:
        """What is left for whoever sells."""
        return self.total - self.fee - self.royalty

    def terms(self, store: Wallet) -> SaleTerms:
        """Return what the buyer agrees to beside coin and price."""
        return SaleTerms(
            chain_id=self.token.chain_id,
            store=store,
            token_id=self.token.token_id,
            listing=self.listing,
            seller=self.seller,
            payee=self.payee,
            coin=self.coin.address,
            fee_basis_points=self.fee_basis_points,
            royalty_receiver=self.royalty_receiver,
            royalty_basis_points=self.royalty_basis_points,
        )


class StoreContract:
    """Asks the contracts. Raises InvalidValue with a sentence where they refuse, else ChainError.

    Attributes:
        store: the contract FilmStore.
        registry: the contract FilmRegistry.
    """

    def __init__(self, context: PluginContext) -> None:
        store, registry = context.chain.contracts.store, context.chain.contracts.registry
        if store is None or registry is None:
            raise InvalidValue(
                "Nothing is sold here: the settings of this server name no store contract.",
                fix="Ask the owner of this server.",
            )
        self.store = DeployedContract("FilmStore", store)
        self.registry = DeployedContract("FilmRegistry", registry)
        self._chain = context.chain

    async def first_sale(self, token: TokenReference, quantity: int) -> Quote:
        """Return what so many tokens cost from the publisher."""
        await self.check_release()
        (sale,), left = await asyncio.gather(
            self._ask(self.store, "quote", token.token_id, quantity), self.stock(token)
        )
        _check_left(left, quantity)
        return await self._quote(token, sale)

    async def resale(self, token: TokenReference, listing: int, quantity: int) -> Quote:
        """Return what so many tokens cost from a holder."""
        await self.check_release()
        (found,), (sale,) = await asyncio.gather(
            self._ask(self.store, "listing", listing), self._ask(self.store, "quoteListed", listing, quantity)
        )
        _, token_id, left, *_ = found
        if token_id != token.token_id:
            raise InvalidValue("This offer is one of another film.", fix="Choose it on that film's page.")
        _check_left(left, quantity)
        return await self._quote(token, sale)

    async def check_release(self) -> None:
        """Check that the store binds its sales to what people were shown.

        Raises:
            InvalidValue: it is of an earlier release, which does not.
            ChainError: the chain cannot be asked.
        """
        if await self.store.read_if_known(self._chain, "TERMS_TYPEHASH") != (SALE_TERMS_TYPEHASH,):
            raise InvalidValue(
                "Nothing is bought or put on sale here for now: this store's contract is of another release "
                "of this server, and might take another coin than was shown.",
                fix="What lies in it can be taken back. Its owner makes a new store with `wylloh registry "
                "deploy-store`, and names it in the settings.",
            )

    async def _quote(self, token: TokenReference, sale: tuple[Any, ...]) -> Quote:
        """Read the contract's struct `Sale`."""
        _, listing, quantity, seller, payee, coin, total, points, fee, makers, part, royalty, presale = sale
        return Quote(
            token=token,
            quantity=quantity,
            coin=await self._chain.coin(Wallet(coin.lower())),
            total=total,
            fee=fee,
            fee_basis_points=points,
            seller=Wallet(seller.lower()),
            payee=Wallet(payee.lower()),
            presale=presale,
            listing=listing,
            royalty=royalty,
            royalty_basis_points=part,
            royalty_receiver=Wallet(makers.lower()),
        )

    async def stock(self, token: TokenReference) -> int:
        """Return how many tokens are left in the first sale."""
        (left,) = await self._ask(self.store, "stockOf", token.token_id)
        return int(left)

    async def fee_basis_points(self) -> int:
        """Return what part of each sale is the store's."""
        (basis_points,) = await self._ask(self.store, "feeBasisPoints")
        return int(basis_points)

    async def offer_fee(self, token: TokenReference) -> int | None:
        """Return what part of a film's first sales is the store's at most; None if that cannot be told.

        Stores of an earlier release have no such question, and a film that is not on sale has no answer.

        Raises:
            ChainError: the chain cannot be asked.
        """
        found = await self.store.read_if_known(self._chain, "offerFee", token.token_id)
        return int(found[0]) if found else None

    async def accepts(self, coin: Wallet) -> bool:
        """Whether the store takes a coin."""
        (accepted,) = await self._ask(self.store, "acceptsCoin", coin)
        return bool(accepted)

    async def may_take_tokens(self, owner: Wallet) -> bool:
        """Whether the store may take an owner's tokens."""
        (may,) = await self.registry.read(self._chain, "isApprovedForAll", owner, self.store.address)
        return bool(may)

    async def holding(self, owner: Wallet, token: TokenReference) -> int:
        """Return how many tokens of a film a wallet has."""
        (held,) = await self.registry.read(self._chain, "balanceOf", owner, token.token_id)
        return int(held)

    async def royalty_basis_points(self, token: TokenReference) -> int:
        """Return what part of each resale goes to the film's makers."""
        _, part = await self._ask(self.registry, "royaltyInfo", token.token_id, _WHOLE, refusals=SELLING)
        return int(part)

    async def allowance(self, owner: Wallet, coin: Wallet) -> int:
        """Return how much of an owner's coins the store may take."""
        (allowed,) = await coin_contract(coin).read(self._chain, "allowance", owner, self.store.address)
        return int(allowed)

    async def _ask(
        self,
        contract: DeployedContract,
        function: str,
        *arguments: Any,
        refusals: Mapping[str, str] = BUYING,
    ) -> tuple[Any, ...]:
        try:
            return await contract.read(self._chain, function, *arguments)
        except ChainError as error:
            raise refusal_of(error, refusals) or error from error


def coin_contract(coin: Wallet) -> DeployedContract:
    """Return the contract of an ERC-20 coin, with or without ERC-2612 permits."""
    return DeployedContract("DemoDollar", coin)


def _check_left(left: int, wanted: int) -> None:
    if left == 0:
        raise InvalidValue("Sold out: none of these are left.", fix="See who else sells some.")
    if left < wanted:
        raise InvalidValue(f"Only {tokens(left)} {'is' if left == 1 else 'are'} left here.", fix="Buy fewer.")
