"""Reading addresses people type, with the checksum of EIP-55 looked at: a wrong letter would lose money."""

from __future__ import annotations

from eth_utils.address import to_checksum_address

from wylloh_server.sdk import NOBODY, InvalidValue, Wallet, wallet_of

_LONGEST_SHOWN = 60


def address_of(text: str) -> Wallet:
    """Read an address. One in small (or in capital) letters throughout carries no checksum and is taken.

    Raises:
        InvalidValue: it is none, its checksum does not fit, or it is the zero address.
    """
    plain = text.strip()
    if not plain:
        raise InvalidValue("The address is missing.", fix="Write 0x and 40 hex digits.")
    try:
        wallet = wallet_of(plain)
    except InvalidValue:
        raise InvalidValue(f"{shown(plain)} is not an address.", fix="Write 0x and 40 hex digits.") from None
    _check_capitals(plain)
    if wallet == NOBODY:
        raise InvalidValue("The zero address belongs to nobody.", fix="Write the address of a wallet.")
    return wallet


def checksummed(wallet: Wallet) -> str:
    """Write an address with its EIP-55 checksum, as people copy it."""
    return str(to_checksum_address(wallet))


def shown(text: str) -> str:
    """Quote what somebody typed, without what cannot be printed, and not all of it if it is long."""
    plain = "".join(sign if sign.isprintable() else " " for sign in text.strip())
    return f"“{plain[: _LONGEST_SHOWN - 1]}…”" if len(plain) > _LONGEST_SHOWN else f"“{plain}”"


def _check_capitals(text: str) -> None:
    digits = text[2:]
    if digits in (digits.lower(), digits.upper()):
        return
    right = str(to_checksum_address(text.lower()))
    wrong = [at for at, letter in enumerate(text, 1) if letter != right[at - 1]]
    if wrong:
        raise InvalidValue(
            f"{text} is mistyped: its capitals do not fit (EIP-55), first at character {wrong[0]}.",
            fix="Copy the whole address again.",
        )
