"""What a publisher offers a film for: written down between the two halves of publishing by browser wallet."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import Wallet

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.types import TokenReference


@dataclass(frozen=True, slots=True)
class Terms:
    """Supply, royalty (in hundredths of a percent, to one receiver) and ladder."""

    supply: int
    royalty_basis_points: int
    royalty_receiver: Wallet
    tiers: tuple[Tier, ...]

    @property
    def ladder(self) -> RightsLadder:
        """The rights ladder."""
        return RightsLadder(self.tiers)


def keep_terms(folder: Path, token: TokenReference, terms: Terms) -> None:
    """Write the terms beside the staged film."""
    folder.mkdir(parents=True, exist_ok=True)
    _file(folder, token).write_text(json.dumps(asdict(terms), indent=2), encoding="utf-8")


def kept_terms(folder: Path, token: TokenReference) -> Terms:
    """Read the terms again.

    Raises:
        NotFound: nothing was prepared for this token here.
    """
    try:
        data = json.loads(_file(folder, token).read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise NotFound(
            f"nothing is prepared for {token}", fix="Run `film publish FILM --wallet …` first."
        ) from None
    tiers = tuple(
        Tier(tier["threshold"], tier["right"], tuple(tier["territories"]), tier["seats"])
        for tier in data["tiers"]
    )
    return Terms(data["supply"], data["royalty_basis_points"], Wallet(data["royalty_receiver"]), tiers)


def _file(folder: Path, token: TokenReference) -> Path:
    return folder / f"{token.token_id:064x}.terms.json"
