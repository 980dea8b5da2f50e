"""Names for the plain values that cross floors: each identifier and unit once, documented."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import NewType

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.quotation import quote_input

FilmId = NewType("FilmId", str)
"""A film's name inside this server: 16 lower-case base32 characters, see `film.film_id_for`."""

Cid = NewType("Cid", str)
"""A content identifier as text: CIDv1, base32 lower case (`bafy…`, `bafk…`)."""

Wallet = NewType("Wallet", str)
"""An account address, 0x and 40 hex digits, always lower case inside the server; see `parse_wallet`."""

ChainId = NewType("ChainId", int)
"""An EIP-155 chain number."""

BlockNumber = NewType("BlockNumber", int)
"""A block's height on its chain."""

Seconds = NewType("Seconds", float)
"""A length of time."""

Timestamp = NewType("Timestamp", float)
"""A moment: seconds since 1970-01-01 UTC."""

SessionId = NewType("SessionId", str)
"""The *hash* under which a browser's or a TV's session is stored; never the secret itself."""

DeviceId = NewType("DeviceId", str)
"""A paired TV or a signed-in browser."""

JobId = NewType("JobId", str)
"""The name of one job of the background engine, never used twice."""

PlayToken = NewType("PlayToken", str)
"""The secret path element under which one lease's media is served. Stored only as a hash."""

ContentKey = NewType("ContentKey", bytes)
"""The 32 bytes that open a film."""

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")
_NUMBER = "(0|[1-9][0-9]{0,77})"
_TOKEN = re.compile(f"eip155:{_NUMBER}/erc1155:({_ADDRESS.pattern})/{_NUMBER}")
"""One text for one token: no leading zeros, no digits of other scripts, no number beyond 2^256 by length."""


def parse_wallet(text: str) -> Wallet:
    """Read an address and give it in the form used inside the server (lower case).

    Raises:
        InvalidValue: the text is not 0x and 40 hex digits.
    """
    if not _ADDRESS.fullmatch(text):
        raise InvalidValue(f"{quote_input(text)} is not an address.", fix="Write 0x and 40 hex digits.")
    return Wallet(text.lower())


def short_address(wallet: Wallet) -> str:
    """Return an address as people see it: `0x71c7…976f`."""
    return f"{wallet[:6]}…{wallet[-4:]}"


@dataclass(frozen=True, slots=True, order=True)
class TokenReference:
    """One film's token on its chain, in CAIP-19 form `eip155:<chain>/erc1155:<contract>/<id>`."""

    chain_id: ChainId
    contract: Wallet
    token_id: int

    def __str__(self) -> str:
        """Return the CAIP-19 text."""
        return f"eip155:{self.chain_id}/erc1155:{self.contract}/{self.token_id}"

    @classmethod
    def parse(cls, text: str) -> TokenReference:
        """Read the CAIP-19 text.

        Raises:
            InvalidValue: the text has another form.
        """
        match = _TOKEN.fullmatch(text)
        if match is None or int(match[3]) >= 1 << 256:
            raise InvalidValue(
                f"{quote_input(text)} is not a token reference.",
                fix="Use eip155:<chain>/erc1155:<contract>/<token id>.",
            )
        return cls(ChainId(int(match[1])), parse_wallet(match[2]), int(match[3]))
