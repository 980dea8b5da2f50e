"""Transactions for the film registry, as data: nothing here is signed or sent. For the CLI.

Every function gives a `Transaction`; `transactions` sends it, or prepares it for a browser wallet.
Signatures as in `contracts/FilmRegistry.sol`.
"""

from __future__ import annotations

import json
import re
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from eth_abi.abi import encode
from eth_abi.exceptions import EncodingError
from eth_utils.crypto import keccak

from wylloh_server.adapters.chain.reader import calldata
from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from wylloh_server.domain.rights import RightsLadder
    from wylloh_server.domain.types import Cid, TokenReference, Wallet

PUBLISHER_ROLE = keccak(text="PUBLISHER_ROLE")
"""Lets an account create films and look after them."""

_TIERS = "(uint256,string,string[],uint32)[]"
_SALT_BITS = 96


@dataclass(frozen=True, slots=True)
class Transaction:
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


def deploy_registry(artifact: Path, admin: Wallet) -> Transaction:
    """Put a FilmRegistry on the chain; `admin` grants roles and is its first publisher.

    Args:
        artifact: from `resources.contract_artifact("FilmRegistry")`.
        admin: an account; any.
    """
    return deploy(artifact, ["address"], [admin])


def deploy(artifact: Path, types: Sequence[str], values: Sequence[Any]) -> Transaction:
    """Put any compiled contract on the chain, with the constructor arguments given."""
    bytecode = json.loads(artifact.read_text(encoding="utf-8"))["bytecode"]
    return Transaction(None, bytecode + _encoded(types, values).hex())


def call(contract: Wallet, signature: str, values: Sequence[Any]) -> Transaction:
    """Call any function of any contract, for example `setCoin(address,bool)`.

    Raises:
        InvalidValue: a value does not fit its type.
    """
    return Transaction(contract, "0x" + calldata(signature, values).hex())


def create_film(film: NewFilm) -> Transaction:
    """Register a film. Raises InvalidValue if a value does not fit its type in the contract."""
    values = (
        film.token.token_id,
        film.root,
        _digest(film.manifest_sha256),
        film.max_supply,
        film.royalty_receiver,
        film.royalty_basis_points,
        _rows(film.ladder),
    )
    signature = f"createFilm(uint256,string,bytes32,uint256,address,uint96,{_TIERS})"
    return call(film.token.contract, signature, values)


def mint(token: TokenReference, to: Wallet, amount: int) -> Transaction:
    """Make new tokens of a film. Only its publisher can."""
    return call(token.contract, "mint(address,uint256,uint256)", (to, token.token_id, amount))


def set_ladder(token: TokenReference, ladder: RightsLadder) -> Transaction:
    """Replace a film's ladder. Only its publisher can."""
    return call(token.contract, f"setLadder(uint256,{_TIERS})", (token.token_id, _rows(ladder)))


def set_package(token: TokenReference, root: Cid, manifest_sha256: str) -> Transaction:
    """Point a film at a new version of its package. Only its publisher can."""
    values = (token.token_id, root, _digest(manifest_sha256))
    return call(token.contract, "setPackage(uint256,string,bytes32)", values)


def grant_publisher(contract: Wallet, account: Wallet) -> Transaction:
    """Let an account register films. Only the registry's admin can."""
    return call(contract, "grantRole(bytes32,address)", (PUBLISHER_ROLE, account))


def transfer(token: TokenReference, sender: Wallet, to: Wallet, amount: int) -> Transaction:
    """Move tokens. Only their holder, or an operator the holder approved, can."""
    values = (sender, to, token.token_id, amount, b"")
    return call(token.contract, "safeTransferFrom(address,address,uint256,uint256,bytes)", values)


def _encoded(types: Sequence[str], values: Sequence[Any]) -> bytes:
    try:
        return encode(types, values)
    except EncodingError as error:
        raise InvalidValue(f"a value does not fit the contract: {error}", fix="Correct it.") from None


def _digest(sha256: str) -> bytes:
    if not re.fullmatch(r"[0-9a-fA-F]{64}", sha256):
        raise InvalidValue(f"{sha256!r} is not a SHA-256", fix="Use 64 hex digits.")
    return bytes.fromhex(sha256)


def _rows(ladder: RightsLadder) -> list[tuple[int, str, tuple[str, ...], int]]:
    return [(tier.threshold, tier.right, tier.territories, tier.seats or 0) for tier in ladder.tiers]
