"""What the demo remembers from one run to the next."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.types import Wallet


@dataclass(frozen=True, slots=True)
class State:
    """What is on the demo's chain: contracts, the block it all stands at, tokens by film.

    Attributes:
        market: see `market.SeedMarket.stored`.
        published: token references by a catalogue film's key or a file's fingerprint.
    """

    contract: Wallet
    publisher_port: int
    block: int
    market: dict[str, Any] = field(default_factory=dict)
    published: dict[str, str] = field(default_factory=dict)

    def with_film(self, name: str, token: str, block: int) -> State:
        """Remember one more film."""
        return replace(self, block=block, published={**self.published, name: token})


def fingerprint(film: Path) -> str:
    """Return what distinguishes one film file from another, without reading it."""
    about = film.stat()
    return f"{film.name}:{about.st_size}:{about.st_mtime_ns}"


def load_state(folder: Path) -> State | None:
    """Read the state; None when there is none, or an older demo wrote it."""
    try:
        return State(**json.loads((folder / "demo.json").read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        return None


def save_state(folder: Path, state: State) -> None:
    """Write the state so that it is never half there."""
    draft = folder / "demo.json.part"
    draft.write_text(json.dumps(asdict(state), indent=2), encoding="utf-8")
    draft.replace(folder / "demo.json")
