"""Transactions that put store and splitters on a chain and look after the store, as data. For the CLI.

As `registry_calls`: nothing here is signed or sent. Signatures as in `contracts/FilmStore.sol`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.chain.registry_calls import Transaction, call, deploy

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class StoreFee:
    """The store's part of every sale, borne by the seller: basis points, and who gets it."""

    receiver: Wallet
    basis_points: int


def deploy_store(artifact: Path, registry: Wallet, owner: Wallet, fee: StoreFee) -> Transaction:
    """Put a FilmStore on the chain that sells the registry's tokens.

    Args:
        artifact: from `resources.contract_artifact("FilmStore")`.
        registry: address of the FilmRegistry.
        owner: sets fee and coins, and can do nothing else.
        fee: to begin with.
    """
    types = ("address", "address", "address", "uint16")
    return deploy(artifact, types, (registry, owner, fee.receiver, fee.basis_points))


def deploy_splitters(artifact: Path) -> Transaction:
    """Put a RoyaltySplitterFactory on the chain. Nobody owns it; anybody creates splitters with it.

    Args:
        artifact: from `resources.contract_artifact("RoyaltySplitterFactory")`.
    """
    return deploy(artifact, (), ())


def accept_coin(store: Wallet, coin: Wallet, *, accepted: bool = True) -> Transaction:
    """Let the store sell for a coin, or no longer. Only its owner can."""
    return call(store, "setCoin(address,bool)", (coin, accepted))


def set_fee(store: Wallet, fee: StoreFee) -> Transaction:
    """Change the store's fee, for open listings too. Only its owner can."""
    return call(store, "setFee(address,uint16)", (fee.receiver, fee.basis_points))
