"""`wylloh film`: publish, pull and list films."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.progress_bar import progress_bar
from wylloh_server.cli.publish_commands import publish, signed
from wylloh_server.cli.settings_option import with_settings
from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.film import FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.types import FilmId, TokenReference

if TYPE_CHECKING:
    from wylloh_server.app import FilmCommandServices
    from wylloh_server.config import Settings
    from wylloh_server.domain.film import Film


@click.group()
def command() -> None:
    """Publish, pull and list films."""


command.add_command(publish)
command.add_command(signed)


@command.command("list")
@with_settings
def list_films(settings: Settings) -> None:
    """List the films this server knows."""
    for film in asyncio.run(_known(settings)):
        click.echo(f"{film.id}  {_state(film):<22}  {film.title}")
        if isinstance(film.origin, TokenOrigin):
            click.echo(f"{'':18}{film.origin.token}")
        if film.reason:
            click.echo(f"{'':18}{film.reason}")


@command.command()
@click.argument("film")
@with_settings
def pull(settings: Settings, film: str) -> None:
    """Fetch a film's package now. FILM is its id or its token reference."""
    asyncio.run(_pull(settings, film))


async def _known(settings: Settings) -> tuple[Film, ...]:
    from wylloh_server.app import open_films

    async with open_films(settings) as films:
        known = await films.stored.all()
    if not known:
        click.echo("No film yet. Start the server, or pull one by its token reference.")
    return known


async def _pull(settings: Settings, name: str) -> None:
    from wylloh_server.app import open_films

    async with open_films(settings) as films:
        film = await _found(films, settings, name)
        with progress_bar(f"Pulling {film.title}") as advance:
            await films.downloader.pull(film.id, advance)
        after = await films.stored.get(film.id)
    if after is not None and after.state is not FilmState.READY:
        raise NotFound(f"{after.title} is not complete", fix=f"{after.reason} What came is kept: pull again.")
    click.echo(f"{after.title if after else name} is here.")


async def _found(films: FilmCommandServices, settings: Settings, name: str) -> Film:
    gated = name.startswith("eip155:")
    film_id = film_id_for(str(TokenReference.parse(name))) if gated else FilmId(name)
    film = await films.stored.get(film_id)
    if film is None and settings.chain.rpc:
        await films.indexer.catch_up()
        await films.film_sync.sync()
        film = await films.stored.get(film_id)
    if film is None:
        raise NotFound(f"no film {quote_input(name)} is known", fix="See `wylloh film list`.")
    return film


def _state(film: Film) -> str:
    if film.state is FilmState.PULLING:
        return f"arriving {film.progress:.0%}"
    return "your own folder" if film.token is None and film.state is FilmState.READY else str(film.state)
