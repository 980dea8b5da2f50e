"""The plugin's sentences about people, shares and days."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from wylloh_royalties.shares import percent
from wylloh_server.sdk import shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Share, Wallet

_NAMED = 4
"""People that a sentence names; the rest is counted."""


def named(wallet: Wallet, viewer: Wallet) -> str:
    """Write who somebody is: `you`, or the shortened address."""
    return "you" if wallet == viewer else shortened(wallet)


def day(moment: float) -> str:
    """Write the day of a moment in UTC: `3 December 2026`."""
    when = dt.datetime.fromtimestamp(moment, dt.UTC)
    return f"{when.day} {when:%B %Y}"


def minute(moment: float) -> str:
    """Write a moment in UTC to the minute: `3 December 2026, 18:00`."""
    return f"{day(moment)}, {dt.datetime.fromtimestamp(moment, dt.UTC):%H:%M}"


def listed(things: Sequence[str]) -> str:
    """Write things in a row: `a`, `a and b`, `a, b and c`."""
    if len(things) < 2:  # noqa: PLR2004 - one thing needs no "and"
        return "".join(things)
    return f"{', '.join(things[:-1])} and {things[-1]}"


def counted(things: Sequence[str], what: str = "more") -> str:
    """Write the first few things and count the rest: `a, b, c, d and 46 more`."""
    if len(things) <= _NAMED + 1:
        return listed(things)
    return f"{', '.join(things[:_NAMED])} and {len(things) - _NAMED} {what}"


def shares_sentence(shares: Sequence[Share], viewer: Wallet) -> str:
    """Say how income is divided: `65 % for you, 35 % for 0x12…ab`."""
    return counted([f"{percent(share.basis_points)} for {named(share.account, viewer)}" for share in shares])
