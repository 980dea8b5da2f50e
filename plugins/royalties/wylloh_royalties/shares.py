"""Shares: percent and basis points without floats, what makes a whole, and how an amount is divided."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from wylloh_server.sdk import (
    InvalidValue,
    Share,
    checksummed,
    format_percent,
    parse_address,
    quote_input,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from wylloh_server.sdk import Wallet

WHOLE = 10_000
"""Basis points in 100 %."""
MOST = 50
"""The contract takes no more recipients."""
LONGEST_ROLE = 64
"""Bytes of UTF-8 that a role may have in the contract."""

_PERCENT = re.compile(r"([0-9]{1,6})(?:[.,]([0-9]{1,20}))?\s*%?")
_POINTS = re.compile(r"([0-9]{1,6})\s*(?:bps?|basis points?)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Typed:
    """One recipient as somebody typed it."""

    account: str = ""
    role: str = ""
    share: str = ""

    @property
    def empty(self) -> bool:
        """Whether nothing was typed."""
        return not (self.account.strip() or self.role.strip() or self.share.strip())


def typed_recipient(share: Share) -> Typed:
    """Return a recipient as the form and CSV hold it."""
    percent = format_percent(share.basis_points, sign=False)
    return Typed(checksummed(share.account), share.role, percent)


def total_of(lines: Iterable[Typed]) -> int:
    """Add up the shares that can be read, also of lines with another fault."""
    total = 0
    for line in lines:
        with suppress(InvalidValue):
            total += basis_points_of(line.share)
    return total


def basis_points_of(text: str) -> int:
    """Read a share: `12.5`, `12.5 %`, `12,5 %` or `1250 bp`.

    Raises:
        InvalidValue: it is none, is 0 or below, more than 100 %, or finer than a basis point (0.01 %).
    """
    plain = text.strip().replace("\N{MINUS SIGN}", "-")
    fix = "Write percent such as 12.5, or basis points such as 1250 bp."
    if not plain:
        raise InvalidValue("The share is missing.", fix=fix)
    if plain.startswith("-"):
        raise InvalidValue("A share cannot be negative.", fix=fix)
    points = _POINTS.fullmatch(plain)
    found = int(points[1]) if points else _from_percent(plain, fix)
    if found == 0:
        raise InvalidValue("A share of 0 is nothing.", fix="Remove the recipient, or give it a share.")
    if found > WHOLE:
        raise InvalidValue(f"{quote_input(text)} is more than 100 %.", fix=fix)
    return found


MESSAGES: Mapping[str, str] = MappingProxyType(
    {
        "point": "{points} basis point",
        "points": "{points} basis points",
        "exact": "Together exactly 100 %.",
        "missing": "Together {total}: {gap} missing.",
        "excess": "Together {total}: {gap} too much.",
    }
)
"""What the editor shows about shares. The page carries them for the script that updates it."""


def points(basis_points: int) -> str:
    """Write basis points as such: `1,250 basis points`."""
    return MESSAGES["point" if basis_points == 1 else "points"].format(points=f"{basis_points:,}")


def sum_sentence(total: int) -> str:
    """Return whether shares make a whole, and if not what is missing or too much."""
    kind = "exact" if total == WHOLE else "missing" if total < WHOLE else "excess"
    return MESSAGES[kind].format(total=format_percent(total), gap=format_percent(abs(WHOLE - total)))


def read(lines: Iterable[tuple[int, Typed]]) -> tuple[tuple[Share, ...], dict[int, InvalidValue]]:
    """Return typed recipients that can be used, and by the number of its line what is wrong with each other.

    Empty lines are passed over; a fault costs only its own line.
    """
    shares: list[Share] = []
    faults: dict[int, InvalidValue] = {}
    seen: dict[Wallet, int] = {}
    for number, line in lines:
        if line.empty:
            continue
        try:
            share = _share(line, seen)
        except InvalidValue as error:
            faults[number] = error
            continue
        seen[share.account] = number
        shares.append(share)
    return tuple(shares), faults


def check(shares: Sequence[Share]) -> None:
    """Refuse what the contract would refuse.

    Raises:
        InvalidValue: there is nobody, there are too many, or the shares are not exactly 100 %.
    """
    if not shares:
        raise InvalidValue("There is no recipient.", fix="Add at least one.")
    if len(shares) > MOST:
        raise InvalidValue(
            f"{len(shares):,} recipients are too many: a splitter takes {MOST}.", fix="Remove some."
        )
    total = sum(share.basis_points for share in shares)
    if total != WHOLE:
        raise InvalidValue(sum_sentence(total), fix="Let the shares come to exactly 100 %.")


def divided(amount: int, shares: Sequence[Share]) -> tuple[int, ...]:
    """Divide an amount as the contract does: by largest remainder (Hamilton), ties to the earlier one."""
    return apportioned(amount, [share.basis_points for share in shares])


def apportioned(amount: int, weights: Sequence[int]) -> tuple[int, ...]:
    """Divide an amount by weights, of which one is above 0: by largest remainder, ties to the earlier one."""
    whole = sum(weights)
    parts = [amount * weight // whole for weight in weights]
    left = amount - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda at: (-(amount * weights[at] % whole), at))
    for at in by_remainder[:left]:
        parts[at] += 1
    return tuple(parts)


def _from_percent(plain: str, fix: str) -> int:
    found = _PERCENT.fullmatch(plain)
    if found is None:
        raise InvalidValue(f"{quote_input(plain)} is not a share.", fix=fix)
    decimals = (found[2] or "").rstrip("0")
    if len(decimals) > 2:  # noqa: PLR2004 - a basis point is a hundredth of a percent
        raise InvalidValue(f"{quote_input(plain)} is finer than a basis point, 0.01 %.", fix="Round it.")
    return int(found[1]) * 100 + int(decimals.ljust(2, "0"))


def _share(line: Typed, seen: Mapping[Wallet, int]) -> Share:
    account = parse_address(line.account)
    role = " ".join(line.role.split())
    if not role.isprintable():
        raise InvalidValue("The role holds control characters.", fix="Type it by hand.")
    if len(role.encode("utf-8", "surrogatepass")) > LONGEST_ROLE:
        raise InvalidValue(f"The role is longer than {LONGEST_ROLE} bytes.", fix="Shorten it.")
    basis_points = basis_points_of(line.share)
    if account in seen:
        raise InvalidValue(f"The same address as line {seen[account]}.")
    return Share(account, basis_points, role)
