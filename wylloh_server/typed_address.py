"""An address as a person types it: a wrong letter of it would lose what is sent there."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from wylloh_server.domain.chain_events import ZERO_ADDRESS
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.types import Wallet, parse_wallet


def parse_address(text: str) -> Wallet:
    """Read a typed address. One in small (or in capital) letters throughout carries no checksum (EIP-55).

    Raises:
        InvalidValue: it is none, its checksum does not fit, or it is the zero address.
    """
    plain = text.strip()
    if not plain:
        raise InvalidValue("The address is missing.", fix="Write 0x and 40 hex digits.")
    wallet = parse_wallet(plain)
    check_capitals(plain)
    if wallet == ZERO_ADDRESS:
        raise InvalidValue("The zero address belongs to nobody.", fix="Write the address of a wallet.")
    return wallet


def check_capitals(address: str) -> None:
    """Check the checksum of an address that has small and capital letters (EIP-55).

    Raises:
        InvalidValue: it does not fit: a letter is wrong.
    """
    digits = address[2:]
    if digits in (digits.lower(), digits.upper()):
        return
    right = checksummed(Wallet(address.lower()))
    wrong = [at for at, letter in enumerate(address, 1) if letter != right[at - 1]]
    if wrong:
        raise InvalidValue(
            f"{address} is mistyped: its capitals do not fit (EIP-55). They differ first at "
            f"character {wrong[0]}.",
            fix="Copy the whole address again.",
        )


def checksummed(wallet: Wallet) -> str:
    """Return an address with its EIP-55 checksum, as people copy it."""
    return str(to_checksum_address(wallet))
