"""The demo's market: a coin, a store and a splitter on the chain, and wallets with money in them."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.types import Wallet, parse_wallet

if TYPE_CHECKING:
    from demo.seed_ledger import SeedLedger

FEE = 250
"""Basis points of every sale for the store."""
_FUNDS = 50_000 * 10**6
_ALLOWED = 2**255
_FACTORY = "create(address,(address,uint16,string)[],address[])"


@dataclass(frozen=True, slots=True)
class SeedMarket:
    """Contracts, and who is who among anvil's accounts.

    The four wallets of the demo are publisher, collector, newcomer (with money, without tokens) and cinema;
    `crowd` are others who bought, `makers` those among whom the splitter divides income.
    """

    registry: Wallet
    store: Wallet
    coin: Wallet
    splitters: Wallet
    splitter: Wallet
    publisher: Wallet
    collector: Wallet
    newcomer: Wallet
    cinema: Wallet
    crowd: tuple[Wallet, ...]
    makers: tuple[Wallet, ...]

    @classmethod
    def read(cls, stored: dict[str, Any]) -> SeedMarket:
        """Read what `asdict` wrote as JSON."""
        return cls(**{**stored, "crowd": tuple(stored["crowd"]), "makers": tuple(stored["makers"])})

    def stored(self) -> dict[str, Any]:
        """Return it as plain values."""
        return asdict(self)


async def open_market(ledger: SeedLedger, registry: Wallet, accounts: tuple[Wallet, ...]) -> SeedMarket:
    """Put everything on the chain and hand out money. `accounts` are anvil's ten, the publisher's first."""
    publisher, collector, newcomer, cinema, *others = accounts
    crowd, makers = tuple(others[:5]), (publisher, others[5])
    coin = await ledger.deploy(publisher, "DemoDollar")
    terms = (registry, publisher, publisher, FEE)
    store = await ledger.deploy(publisher, "FilmStore", *terms)
    splitters = await ledger.deploy(publisher, "RoyaltySplitterFactory")
    await ledger.call(publisher, store, "setCoin(address,bool)", coin, True)
    shares = ((makers[0], 6_500, "Direction"), (makers[1], 3_500, "Music"))
    created = await ledger.call(publisher, splitters, _FACTORY, publisher, shares, (coin,))
    splitter = parse_wallet("0x" + _created(created, splitters)[-40:])
    market = SeedMarket(
        registry, store, coin, splitters, splitter, publisher, collector, newcomer, cinema, crowd, makers
    )
    for wallet in accounts:
        await ledger.call(publisher, coin, "mint(address,uint256)", wallet, _FUNDS)
    for wallet in (collector, cinema, *crowd):
        await ledger.call(wallet, coin, "approve(address,uint256)", store, _ALLOWED)
    approve = "setApprovalForAll(address,bool)"
    await ledger.call(cinema, registry, approve, store, True)
    return market


async def close_allowances(ledger: SeedLedger, market: SeedMarket) -> None:
    """Take back what the demo's own wallets allowed the store, so that people see every step themselves."""
    for wallet in (market.collector, market.cinema):
        await ledger.call(wallet, market.coin, "approve(address,uint256)", market.store, 0)


def _created(receipt: dict[str, Any], factory: Wallet) -> str:
    """Return the first indexed argument of the factory's own event: the new splitter."""
    logs = [log for log in receipt["logs"] if parse_wallet(log["address"]) == factory]
    return str(logs[-1]["topics"][1])
