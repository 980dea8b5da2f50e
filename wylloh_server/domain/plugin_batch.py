"""A plugin's action on many films at once: what is asked, what to fill in, what would be done."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film


@dataclass(frozen=True, slots=True)
class BatchRequest:
    """The films selected for a batch action, and the values of its fields."""

    viewer: Viewer
    films: tuple[Film, ...]
    values: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class BatchPlan:
    """What a batch action would do.

    Attributes:
        sentence: shown for confirmation: `12 films get the tag noir; 3 have it already.`
        fix: what to do instead, if there is nothing to do or it is not allowed; then it cannot be confirmed.
    """

    sentence: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class BatchField:
    """A field to fill in before a batch action: a list if there are `choices`, else free text."""

    name: str
    label: str
    choices: tuple[str, ...] = ()
