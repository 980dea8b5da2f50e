"""What FilmRegistry answers and announces, decoded. Signatures as in `contracts/FilmRegistry.sol`."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NoReturn

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError

from wylloh_server.adapters.chain import _wire
from wylloh_server.adapters.chain._faults import CallReverted, NodeFailed
from wylloh_server.domain.errors import InvalidValue, NoContract, NotFound
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import BlockNumber, Cid, TokenReference, Wallet, wallet_of

if TYPE_CHECKING:
    from wylloh_server.adapters.chain._node import Ask

FILM_CREATED = _wire.topic("FilmCreated(uint256,address,string,bytes32,uint256,address,uint96)")
LADDER_CHANGED = _wire.topic("LadderChanged(uint256,(uint256,string,string[],uint32)[])")
PACKAGE_CHANGED = _wire.topic("PackageChanged(uint256,string,bytes32)")

# Strings are decoded as bytes, which have the same encoding: a contract does not check that they are UTF-8.
_LADDER = "(uint256,bytes,bytes[],uint32)[]"
_FILM = "(address,bytes,bytes32,uint256)"
_UNKNOWN_FILM = _wire.selector("UnknownFilm(uint256)")
_CID = re.compile(r"b[a-z2-7]{20,120}")


@dataclass(frozen=True, slots=True)
class Package:
    """Where a film's package is: root CID, and the manifest's SHA-256 as lower-case hex."""

    root: Cid
    manifest_sha256: str


@dataclass(frozen=True, slots=True)
class FilmRecord:
    """What `filmOf` gives."""

    publisher: Wallet
    package: Package
    max_supply: int


async def call(
    ask: Ask, contract: Wallet, signature: str, argument: int, block: BlockNumber | None = None
) -> bytes:
    """Call a view that takes one integer; never gives empty bytes.

    Raises:
        NotFound: the registry knows no such film.
        NoContract: there is no code at the address.
        NodeFailed, RequestRefused, CallReverted: as every question.
    """
    query = {"to": contract, "data": "0x" + (_wire.selector(signature) + _wire.word(argument)).hex()}
    try:
        reply = await ask("eth_call", [query, "latest" if block is None else hex(block)])
    except CallReverted as error:
        if error.data[:4] == _UNKNOWN_FILM:
            raise NotFound(f"The registry knows no film {argument:#x}.", fix="Check the token id.") from None
        raise
    answer = _wire.data(reply)
    if not answer:
        raise NoContract(f"there is no contract at {contract}", fix="Check the configured contract address.")
    return answer


async def read_ladder(ask: Ask, token: TokenReference, block: BlockNumber) -> RightsLadder:
    """Read a film's ladder at a block. Raises like `call`."""
    answer = await call(ask, token.contract, "ladderOf(uint256)", token.token_id, block)
    (rows,) = _decoded([_LADDER], answer)
    try:
        return RightsLadder(tuple(_tier(*row) for row in rows))
    except InvalidValue:
        raise NodeFailed("its rights ladder does not rise") from None


async def read_film(ask: Ask, contract: Wallet, token_id: int) -> FilmRecord:
    """Read what the registry knows of a film now. Raises like `call`, and InvalidValue for a bad CID."""
    answer = await call(ask, contract, "filmOf(uint256)", token_id)
    ((publisher, cid, sha256, max_supply),) = _decoded([_FILM], answer)
    return FilmRecord(wallet_of(publisher), _package(cid, sha256), max_supply)


def is_film_created(log: dict[str, Any]) -> bool:
    """Tell the announcement of a film from other events."""
    return _topic(log, 0).hex() == FILM_CREATED.removeprefix("0x")


def film_created(log: dict[str, Any]) -> FilmRecord:
    """Read the film that a FilmCreated log announces.

    Raises:
        NodeFailed: the log is no such event.
        InvalidValue: the publisher wrote something that is no CID.
    """
    types = ["bytes", "bytes32", "uint256", "address", "uint96"]
    cid, sha256, max_supply, _, _ = _decoded(types, _wire.data(log.get("data")))
    publisher = wallet_of("0x" + _topic(log, 2)[-20:].hex())
    return FilmRecord(publisher, _package(cid, sha256), max_supply)


def package_changed(log: dict[str, Any]) -> Package:
    """Read the package that a PackageChanged log announces. Raises like `film_created`."""
    return _package(*_decoded(["bytes", "bytes32"], _wire.data(log.get("data"))))


def token_id_of(log: dict[str, Any]) -> int:
    """Give the token id that a log of the registry is about."""
    return int.from_bytes(_topic(log, 1), "big")


def _topic(log: dict[str, Any], index: int) -> bytes:
    topics = log.get("topics")
    if not isinstance(topics, list) or len(topics) <= index:
        _unreadable()
    return _wire.data(topics[index])


def _decoded(types: list[str], answer: bytes) -> tuple[Any, ...]:
    try:
        return decode(types, answer)
    except (DecodingError, OverflowError):
        _unreadable()


def _unreadable() -> NoReturn:
    raise NodeFailed("what it says of the registry cannot be read; is FilmRegistry at that address?")


def _package(written: bytes, sha256: bytes) -> Package:
    cid = written.decode("ascii", "replace")
    if not _CID.fullmatch(cid):
        raise InvalidValue(f"{cid[:80]!r} is not a CIDv1 in base32", fix="The publisher must set it again.")
    return Package(Cid(cid), sha256.hex())


def _tier(threshold: int, right: bytes, territories: tuple[bytes, ...], seats: int) -> Tier:
    where = tuple(code.decode("ascii", "replace") for code in territories)
    return Tier(threshold, right.decode("utf-8", "replace"), where, seats or None)
