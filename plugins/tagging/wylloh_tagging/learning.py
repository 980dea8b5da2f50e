"""How answers to suggestions change their order.

    score = evidence * trust(tag) * trust(source)
    trust = 2 * (accepted + 1) / (accepted + refused + 2)

Trust is 1 for what nobody has answered yet, grows towards 2 with every yes and shrinks towards 0 with every
no (Laplace's rule of succession, doubled). So a tag that was refused on three films comes late on the fourth,
and when what subtitles say is refused again and again, everything they say comes later.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from wylloh_tagging.suggestion_sources import Finding
    from wylloh_tagging.tags import Tag

LEAST_SCORE = 0.08
"""What scores less is not suggested any more."""


@dataclass(frozen=True, slots=True)
class Answers:
    """How often something was accepted and refused."""

    accepted: int = 0
    refused: int = 0

    @property
    def trust(self) -> float:
        """Between 0 and 2; 1 while there are no answers."""
        return 2 * (self.accepted + 1) / (self.accepted + self.refused + 2)


def about_tag(tag: Tag) -> str:
    """Name the answers about a tag."""
    return f"tag:{tag}"


def about_source(source: str) -> str:
    """Name the answers about a source."""
    return f"source:{source}"


def ranked(found: Iterable[Finding], answers: Mapping[str, Answers]) -> tuple[Finding, ...]:
    """Order findings by their score, and leave out those that score too little.

    Args:
        found: the findings.
        answers: by the names that `about_tag` and `about_source` give.
    """
    none = Answers()

    def score(one: Finding) -> float:
        tag, source = about_tag(one.tag), about_source(one.source)
        return one.evidence * answers.get(tag, none).trust * answers.get(source, none).trust

    scored = sorted(((score(one), one) for one in found), key=lambda pair: (-pair[0], pair[1].tag))
    return tuple(one for value, one in scored if value >= LEAST_SCORE)
