"""The demo's publisher: publishes films with the very command a real one uses, and hands out their tokens."""

from __future__ import annotations

import asyncio
import json
import re
import string
import subprocess
from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.cli.demo.catalogue import LIGHT
from wylloh_server.cli.demo.chain import hand_out
from wylloh_server.cli.demo.film import german_subtitles, make_film, make_poster, make_short
from wylloh_server.cli.demo.servers import WYLLOH
from wylloh_server.cli.demo.state import State, fingerprint, save_state
from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.types import TokenReference, Wallet, wallet_of
from wylloh_server.services.folder_films import title_from

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from wylloh_server.cli.demo.catalogue import DemoFilm

_GIVEN = 120
"""Tokens of one's own film for the demo wallet: enough for a small venue, see the second tier."""
SHOP_TOKENS = 1000
"""Tokens the publisher keeps for who has none, see the plugin's page `tokens`."""
_PASSWORD = "demo"  # noqa: S105 - it guards a key that anvil's documentation prints


@dataclass(frozen=True, slots=True)
class Stage:
    """Where the publisher works: the demo's folder, its settings file, its account, a buyer, the chain.

    `royalties` is the splitter that gets them.
    """

    home: Path
    settings: Path
    publisher: LocalAccount
    buyer: Wallet
    rpc: str
    royalties: Wallet


def publish_once(stage: Stage, state: State, film: Path) -> str:
    """Publish somebody's own film unless an earlier demo did. Gives its token reference.

    Raises:
        WyllohError: the command failed; it has said why.
    """
    known = state.published.get(fingerprint(film))
    if known:
        return known
    token = _publish(stage, film, words_of(film), _terms(LIGHT))
    shares = {stage.buyer: _GIVEN, wallet_of(stage.publisher.address): SHOP_TOKENS}
    block = asyncio.run(hand_out(stage.rpc, token, stage.publisher, shares))
    save_state(stage.home, state.with_film(fingerprint(film), str(token), block))
    return str(token)


def publish_own(stage: Stage, film: DemoFilm) -> TokenReference:
    """Make one of the demo's own films, unless it is there, and publish it.

    Raises:
        MediaError: ffmpeg could not make it.
        WyllohError: the command failed; it has said why.
    """
    file = made(stage.home.parent, film)
    words = ["--title", film.title, "--synopsis", film.synopsis, "--year", "2026"]
    words += [part for genre in film.genres for part in ("--genre", genre)]
    return _publish(stage, file, words + _extras(stage.home, film), _terms(film))


def made(folder: Path, film: DemoFilm) -> Path:
    """Give the file of one of the demo's own films, making it first unless it is there."""
    target = folder / f"{film.key}.mp4"
    if not target.exists():
        if film.picture:
            make_short(_ffmpeg(), film, target)
        else:
            make_film(_ffmpeg(), target)
    return target


def _publish(stage: Stage, film: Path, words: list[str], terms: list[str]) -> TokenReference:
    keystore, password = stage.home / "publisher-key.json", stage.home / "publisher-key.txt"
    if not keystore.exists():
        password.write_text(_PASSWORD, encoding="utf-8")
        keystore.write_text(json.dumps(stage.publisher.encrypt(_PASSWORD)), encoding="utf-8")
    signing = ["--keystore", str(keystore), "--password-file", str(password)]
    command = [*WYLLOH, "film", "publish", str(film), "--config", str(stage.settings), *signing]
    done = subprocess.run(  # noqa: S603 - our own command, no shell
        [*command, *words, *terms, "--royalty-to", stage.royalties],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    found = re.search(r"eip155:\S+", done.stdout)
    if done.returncode or not found:
        raise WyllohError("the film could not be published", fix="The lines above say why.")
    return TokenReference.parse(found[0])


def _terms(film: DemoFilm) -> list[str]:
    tiers = [part for tier in film.tiers for part in ("--tier", tier)]
    return ["--supply", str(film.supply), "--royalty", "5", *tiers]


def _extras(home: Path, film: DemoFilm) -> list[str]:
    """Give Light its poster and its second language; the others do with a still."""
    if film is not LIGHT:
        return []
    german = german_subtitles(home / "light.de.vtt")
    poster = make_poster(_ffmpeg(), home / "light.jpg")
    return ["--subtitles", f"de:{german}", "--poster", str(poster)]


def _ffmpeg() -> str:
    from wylloh_server.adapters.ffmpeg import find_ffmpeg

    return find_ffmpeg().path


def words_of(film: Path) -> list[str]:
    """Name a film after its file: `big-buck-bunny-480p-30s.mp4` is Big Buck Bunny."""
    title, year = title_from(film.name)
    if title[1:] == title[1:].lower():
        title = string.capwords(title)
    return ["--title", title, *(["--year", str(year)] if year else [])]
