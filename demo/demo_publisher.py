"""The demo's publisher: publishes films with the very command a real one uses, and hands out their tokens."""

from __future__ import annotations

import asyncio
import io
import json
import re
import string
from contextlib import redirect_stdout
from dataclasses import dataclass
from typing import TYPE_CHECKING

from demo.demo_chain import hand_out
from demo.demo_films import LIGHT, ROYALTY_PERCENT
from demo.demo_state import State, fingerprint, save_state
from demo.film_generator import backdrop_file, german_subtitles, poster_file
from demo.trailer_cut import cut_trailer
from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.types import TokenReference, Wallet, parse_wallet
from wylloh_server.services.library.film_names import title_from

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount

    from demo.demo_films import DemoFilm
    from demo.film_maker import FilmMaker

_GIVEN = 120
"""Tokens of one's own film for the demo wallet: enough for a small venue, see the second tier."""
SHOP_TOKENS = 1000
"""Tokens the publisher keeps for who has none, see the plugin's page `tokens`."""
_PASSWORD = "demo"  # noqa: S105 - it guards a key that anvil's documentation prints


@dataclass(frozen=True, slots=True)
class Publisher:
    """Where the publisher works: the demo's folder, its settings file, its account, a buyer, the chain.

    `films` makes the demo's own, `royalties` is the splitter that gets them.
    """

    home: Path
    films: FilmMaker
    settings: Path
    publisher: LocalAccount
    buyer: Wallet
    rpc: str
    royalties: Wallet


def publish_once(stage: Publisher, state: State, film: Path) -> str:
    """Publish somebody's own film unless an earlier demo did. Gives its token reference.

    Raises:
        WyllohError: it could not be published, and why.
    """
    known = state.published.get(fingerprint(film))
    if known:
        return known
    token = _publish(stage, film, title_options(film), _terms(LIGHT))
    shares = {stage.buyer: _GIVEN, parse_wallet(stage.publisher.address): SHOP_TOKENS}
    block = asyncio.run(hand_out(stage.rpc, token, stage.publisher, shares))
    save_state(stage.home, state.with_film(fingerprint(film), str(token), block))
    return str(token)


def publish_own(stage: Publisher, film: DemoFilm) -> TokenReference:
    """Publish one of the demo's own films, once it is made.

    Raises:
        WyllohError: it could not be made or published, and why.
    """
    file = stage.films.file(film)
    words = ["--title", film.title, "--synopsis", film.synopsis, "--year", "2026"]
    words += [part for genre in film.genres for part in ("--genre", genre)]
    return _publish(stage, file, words + _extras(stage.home, film, file), _terms(film))


def _publish(stage: Publisher, film: Path, words: list[str], terms: list[str]) -> TokenReference:
    """Run the command in this process: a new one would import the product once more for each film."""
    from wylloh_server.cli.publish_commands import publish

    command = [str(film), "--config", str(stage.settings), *_signing(stage), *words, *terms]
    shown = io.StringIO()
    with redirect_stdout(shown):
        publish.main([*command, "--royalty-to", stage.royalties], standalone_mode=False)
    found = re.search(r"eip155:\S+", shown.getvalue())
    if not found:
        raise WyllohError("the film could not be published", fix="The lines above say why.")
    return TokenReference.parse(found[0])


def _signing(stage: Publisher) -> list[str]:
    """Return the options for the publisher's key. Its file opens at once: the key is no secret."""
    keystore, password = stage.home / "publisher-key.json", stage.home / "publisher-key.txt"
    if not keystore.exists():
        password.write_text(_PASSWORD, encoding="utf-8")
        encrypted = stage.publisher.encrypt(_PASSWORD, kdf="pbkdf2", iterations=1)
        keystore.write_text(json.dumps(encrypted), encoding="utf-8")
    return ["--keystore", str(keystore), "--password-file", str(password)]


def _terms(film: DemoFilm) -> list[str]:
    tiers = [part for tier in film.tiers for part in ("--tier", tier)]
    return ["--supply", str(film.supply), "--royalty", str(ROYALTY_PERCENT), *tiers]


def _extras(home: Path, film: DemoFilm, file: Path) -> list[str]:
    """Return a film's pictures, where they lie beside it, and Light's second language and its trailer."""
    pictures = {"--poster": poster_file(file), "--backdrop": backdrop_file(file)}
    options = [part for option, path in pictures.items() if path.exists() for part in (option, str(path))]
    if film is LIGHT:
        from wylloh_server.adapters.ffmpeg import find_ffmpeg

        options += ["--subtitles", f"de:{german_subtitles(home / 'light.de.vtt')}"]
        options += ["--trailer", str(cut_trailer(find_ffmpeg().path, file))]
    return options


def title_options(film: Path) -> list[str]:
    """Return title options from a film's file name: `big-buck-bunny-480p-30s.mp4` is Big Buck Bunny."""
    title, year = title_from(film.name)
    if title[1:] == title[1:].lower():
        title = string.capwords(title)
    return ["--title", title, *(["--year", str(year)] if year else [])]
