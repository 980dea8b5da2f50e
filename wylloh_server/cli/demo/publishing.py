"""The demo's publisher: publishes a film with the very command a real one uses, and hands out its tokens."""

from __future__ import annotations

import asyncio
import json
import re
import string
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.cli.demo.chain import hand_out
from wylloh_server.cli.demo.film import german_subtitles, make_poster
from wylloh_server.cli.demo.servers import WYLLOH
from wylloh_server.cli.demo.state import State, fingerprint, save_state
from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.types import TokenReference, Wallet, wallet_of
from wylloh_server.services.folder_films import title_from

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

OWN_FILM = "light.mp4"
_DEMO_TOKENS = 120
"""Enough for a small venue, see the second tier."""
_SHOP_TOKENS = 1000
_PASSWORD = "demo"  # noqa: S105 - it guards a key that anvil's documentation prints
_TIERS = (
    "1:personal",
    "100:small-venue:50 seats",
    "5000:streaming:DE,AT,CH",
    "10000:theatrical",
    "50000:national",
)
_SYNOPSIS = "A minute and a half of turning light. Made on this machine, published, bought and played on it."


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the publisher works: the demo's folder, its settings file, its account, a buyer, the chain."""

    home: Path
    settings: Path
    publisher: LocalAccount
    buyer: Wallet
    rpc: str


def publish_once(stage: Stage, state: State, film: Path) -> str:
    """Publish a film unless an earlier demo did. Gives its token reference.

    Raises:
        WyllohError: the command failed; it has said why.
    """
    known = state.published.get(fingerprint(film))
    if known:
        return known
    token = _publish(stage, film)
    shares = {stage.buyer: _DEMO_TOKENS, wallet_of(stage.publisher.address): _SHOP_TOKENS}
    block = asyncio.run(hand_out(stage.rpc, token, stage.publisher, shares))
    save_state(stage.home, state.with_film(fingerprint(film), str(token), block))
    return str(token)


def _publish(stage: Stage, film: Path) -> TokenReference:
    keystore, password = stage.home / "publisher-key.json", stage.home / "publisher-key.txt"
    if not keystore.exists():
        password.write_text(_PASSWORD, encoding="utf-8")
        keystore.write_text(json.dumps(stage.publisher.encrypt(_PASSWORD)), encoding="utf-8")
    signing = ["--keystore", str(keystore), "--password-file", str(password)]
    command = [*WYLLOH, "film", "publish", str(film), "--config", str(stage.settings), *signing]
    offer = ["--supply", "100000", "--royalty", "5", *(part for tier in _TIERS for part in ("--tier", tier))]
    words = _own_words(stage.home) if film.name == OWN_FILM else words_of(film)
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        [*command, *words, *offer], stdout=subprocess.PIPE, text=True, check=False
    )
    found = re.search(r"eip155:\S+", done.stdout)
    if done.returncode or not found:
        raise WyllohError("the film could not be published", fix="The lines above say why.")
    return TokenReference.parse(found[0])


def _own_words(home: Path) -> list[str]:
    from wylloh_server.adapters.ffmpeg import find_ffmpeg

    german = german_subtitles(home / "light.de.vtt")
    poster = make_poster(find_ffmpeg().path, home / "light.jpg")
    words = ["--title", "Light", "--synopsis", _SYNOPSIS, "--year", "2026"]
    return [*words, "--subtitles", f"de:{german}", "--poster", str(poster)]


def words_of(film: Path) -> list[str]:
    """Name a film after its file: `big-buck-bunny-480p-30s.mp4` is Big Buck Bunny."""
    title, year = title_from(film.name)
    if title[1:] == title[1:].lower():
        title = string.capwords(title)
    return ["--title", title, *(["--year", str(year)] if year else [])]
