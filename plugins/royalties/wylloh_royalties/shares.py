"""Shares: percent and basis points without floats, what makes a whole, and how an amount is divided."""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_royalties.addresses import address_of, shown
from wylloh_server.sdk import InvalidValue, Share

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

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


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a line; lines are counted from 1."""

    line: int
    sentence: str
    fix: str = ""

    def __str__(self) -> str:
        """Give sentence and fix."""
        return f"{self.sentence} {self.fix}".strip()


@dataclass(frozen=True, slots=True)
class Reading:
    """What a list of typed recipients says: those that can be used, and what is wrong with the others."""

    shares: tuple[Share, ...]
    faults: tuple[Fault, ...]


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
        raise InvalidValue(f"{shown(text)} is more than 100 %.", fix=fix)
    return found


def percent(basis_points: int) -> str:
    """Write basis points as percent: `5 %`, `2.5 %`, `0.25 %`."""
    return f"{typed_percent(basis_points)} %"


def typed_percent(basis_points: int) -> str:
    """The same without the sign, as a field holds it."""
    whole, part = divmod(basis_points, 100)
    return f"{whole}.{part:02d}".rstrip("0").rstrip(".")


def points(basis_points: int) -> str:
    """Write basis points as such: `1,250 basis points`."""
    return f"{basis_points:,} basis point{'' if basis_points == 1 else 's'}"


def sum_sentence(total: int) -> str:
    """Say whether shares make a whole, and if not what is missing or too much."""
    if total == WHOLE:
        return "Together exactly 100 %."
    gap = abs(WHOLE - total)
    return f"Together {percent(total)}: {percent(gap)} {'missing' if total < WHOLE else 'too much'}."


def read(lines: Iterable[tuple[int, Typed]]) -> Reading:
    """Read typed recipients, each with the number of its line.

    Empty ones are passed over; a fault costs only its own line.
    """
    shares: list[Share] = []
    faults: list[Fault] = []
    seen: dict[Wallet, int] = {}
    for number, line in lines:
        if line.empty:
            continue
        try:
            share = _share(line)
        except InvalidValue as error:
            faults.append(Fault(number, str(error), error.fix))
            continue
        if share.account in seen:
            faults.append(Fault(number, f"The same address as line {seen[share.account]}."))
            continue
        seen[share.account] = number
        shares.append(share)
    return Reading(tuple(shares), tuple(faults))


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
    parts = [amount * share.basis_points // WHOLE for share in shares]
    left = amount - sum(parts)
    by_remainder = sorted(range(len(parts)), key=lambda at: (-(amount * shares[at].basis_points % WHOLE), at))
    for at in by_remainder[:left]:
        parts[at] += 1
    return tuple(parts)


def _from_percent(plain: str, fix: str) -> int:
    found = _PERCENT.fullmatch(plain)
    if found is None:
        raise InvalidValue(f"{shown(plain)} is not a share.", fix=fix)
    decimals = (found[2] or "").rstrip("0")
    if len(decimals) > 2:  # noqa: PLR2004 - a basis point is a hundredth of a percent
        raise InvalidValue(f"{shown(plain)} is finer than a basis point, 0.01 %.", fix="Round it.")
    return int(found[1]) * 100 + int(decimals.ljust(2, "0"))


def _share(line: Typed) -> Share:
    account = address_of(line.account)
    role = " ".join(line.role.split())
    if not role.isprintable():
        raise InvalidValue("The role holds control characters.", fix="Type it by hand.")
    if len(role.encode("utf-8", "surrogatepass")) > LONGEST_ROLE:
        raise InvalidValue(f"The role is longer than {LONGEST_ROLE} bytes.", fix="Shorten it.")
    return Share(account, basis_points_of(line.share), role)
