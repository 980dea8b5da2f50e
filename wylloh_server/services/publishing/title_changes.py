"""What one open page changed of a title, joined with what others have changed since it was opened."""

from __future__ import annotations

from dataclasses import fields, replace
from typing import TYPE_CHECKING, TypeVar

from wylloh_server.domain.errors import AccessRefused

if TYPE_CHECKING:
    from wylloh_server.domain.film import Description
    from wylloh_server.domain.title import TitleTerms

    Part = TypeVar("Part", Description, TitleTerms)

_CALLED = {
    "rating": "age rating",
    "supply": "number of tokens",
    "royalty_basis_points": "royalty",
    "royalty_receiver": "receiver of the royalty",
    "tiers": "tiers of rights",
}
"""Fields that are called otherwise on the page."""


def join_changes(now: Part, before: Part, wanted: Part) -> Part:
    """Return `now` with each field in which `wanted` differs from `before`.

    Raises:
        AccessRefused: one of these fields was changed to something else meanwhile.
    """
    names = [one.name for one in fields(now) if getattr(wanted, one.name) != getattr(before, one.name)]
    for name in names:
        if getattr(now, name) not in (getattr(before, name), getattr(wanted, name)):
            raise AccessRefused(
                f"The {_CALLED.get(name, name)} was changed elsewhere meanwhile.",
                fix="Copy what you typed, then reload the page.",
            )
    return replace(now, **{name: getattr(wanted, name) for name in names})
