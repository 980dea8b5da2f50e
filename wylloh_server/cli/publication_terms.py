"""What a publisher offers a film for: written down between the two halves of publishing by browser wallet."""

from __future__ import annotations

import json
from dataclasses import asdict
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import NotFound
from wylloh_server.storage.titles import terms_from_json

if TYPE_CHECKING:
    from pathlib import Path

    from wylloh_server.domain.title import TitleTerms
    from wylloh_server.domain.types import TokenReference


def keep_terms(folder: Path, token: TokenReference, terms: TitleTerms) -> None:
    """Write the terms beside the staged film."""
    folder.mkdir(parents=True, exist_ok=True)
    _file(folder, token).write_text(json.dumps(asdict(terms), indent=2), encoding="utf-8")


def kept_terms(folder: Path, token: TokenReference) -> TitleTerms:
    """Read the terms again.

    Raises:
        NotFound: nothing was prepared for this token here.
    """
    try:
        return terms_from_json(json.loads(_file(folder, token).read_text(encoding="utf-8")))
    except FileNotFoundError:
        raise NotFound(
            f"nothing is prepared for {token}", fix="Run `film publish FILM --wallet …` first."
        ) from None


def _file(folder: Path, token: TokenReference) -> Path:
    return folder / f"{token.token_id:064x}.terms.json"
