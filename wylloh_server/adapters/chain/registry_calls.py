"""Transactions for the project's contracts, as data: nothing here is signed or sent. For the CLI.

Every function returns an `UnsignedTransaction`; `transaction_sender` sends it, or prepares it for a browser
wallet.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_utils.crypto import keccak

from wylloh_server.adapters.chain.contract_abi import abi_function, calldata, constructor_arguments
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import Cid, TokenReference, Wallet

PUBLISHER_ROLE = keccak(text="PUBLISHER_ROLE")
"""Lets an account create films and look after them."""

_SALT_BITS = 96


@dataclass(frozen=True, slots=True)
class UnsignedTransaction:
    """What is to happen: calldata (0x-hex) for a contract, or creation code when `to` is None."""

    to: Wallet | None
    data: str


@dataclass(frozen=True, slots=True)
class NewFilm:
    """A film to be registered.

    Attributes:
        manifest_sha256: 64 hex digits.
        royalty_basis_points: share of a resale for `royalty_receiver`, in hundredths of a percent.
    """

    token: TokenReference
    root: Cid
    manifest_sha256: str
    max_supply: int
    royalty_receiver: Wallet
    royalty_basis_points: int
    ladder: RightsLadder


def new_token_id(publisher: Wallet) -> int:
    """Choose a token id that only this publisher can register: its address, then 96 random bits."""
    return int(publisher, 16) << _SALT_BITS | secrets.randbits(_SALT_BITS)


def deploy(artifact: Path, arguments: Sequence[Any]) -> UnsignedTransaction:
    """Put a compiled contract on the chain.

    Args:
        artifact: from `resources.contract_artifact`.
        arguments: of its constructor.

    Raises:
        InvalidValue: a value does not fit its type.
    """
    bytecode = json.loads(artifact.read_text(encoding="utf-8"))["bytecode"]
    return UnsignedTransaction(None, bytecode + constructor_arguments(artifact, arguments).hex())


def call(contract: Wallet, signature: str, values: Sequence[Any]) -> UnsignedTransaction:
    """Call any function of any contract, for example `setCoin(address,bool)`.

    Raises:
        InvalidValue: a value does not fit its type.
    """
    return UnsignedTransaction(contract, "0x" + calldata(signature, values).hex())


def call_registry(contract: Wallet, function: str, *values: Any) -> UnsignedTransaction:
    """Call a function of a FilmRegistry by its name. Raises like `call`."""
    return call(contract, abi_function("FilmRegistry", function).signature, values)


def call_store(contract: Wallet, function: str, *values: Any) -> UnsignedTransaction:
    """Call a function of a FilmStore by its name. Raises like `call`."""
    return call(contract, abi_function("FilmStore", function).signature, values)


def create_film(film: NewFilm) -> UnsignedTransaction:
    """Register a film. Raises InvalidValue if a value does not fit its type in the contract."""
    values = (
        film.token.token_id,
        film.root,
        _digest(film.manifest_sha256),
        film.max_supply,
        film.royalty_receiver,
        film.royalty_basis_points,
        ladder_rows(film.ladder),
    )
    return call_registry(film.token.contract, "createFilm", *values)


def mint(token: TokenReference, to: Wallet, amount: int) -> UnsignedTransaction:
    """Make new tokens of a film. Only its publisher can."""
    return call_registry(token.contract, "mint", to, token.token_id, amount)


def grant_publisher(contract: Wallet, account: Wallet) -> UnsignedTransaction:
    """Allow an account to register films. Only the registry's admin can."""
    return call_registry(contract, "grantRole", PUBLISHER_ROLE, account)


def _digest(sha256: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidValue(f"{quote_input(sha256)} is not a SHA-256", fix="Use 64 hex digits.")
    return bytes.fromhex(sha256)


def ladder_rows(ladder: RightsLadder) -> list[tuple[int, str, tuple[str, ...], int]]:
    """Return a ladder as the registry's functions take it."""
    return [(tier.threshold, tier.right, tier.territories, tier.seats or 0) for tier in ladder.tiers]
