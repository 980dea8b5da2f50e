"""Renders a plugin's templates inside the default theme, as the server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.domain.plugin_pages import CardFragment, Fragment
from wylloh_server.services.library.posters import PictureUrls
from wylloh_server.web.card_markup import check_card
from wylloh_server.web.film_cards import film_tile
from wylloh_server.web.templating import template_environment
from wylloh_server.web.theme import default_theme

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.library_item import LibraryItem
    from wylloh_server.domain.plugin_pages import Page
    from wylloh_server.web.film_cards import FilmTile


async def render_template(
    reply: Page | Fragment | CardFragment,
    plugin: str,
    folders: Mapping[str, tuple[Path, ...]],
    viewer: Viewer | None,
    film: Film | None = None,
) -> str:
    """Return the HTML of a page or of a fragment.

    Raises:
        jinja2.TemplateError: the template is missing, wrong, or uses a value it was not given.
        PluginError: what stands on a card holds a link, a button or a form.
    """
    environment = template_environment(lambda: folders)
    common: dict[str, object] = {"viewer": viewer, "film": film, "asset": _asset, "card": _card}
    if not isinstance(reply, Fragment | CardFragment):
        common |= {"nav": (), "server_name": "Wylloh", "path": f"/plugins/{plugin}/", "moment": ""}
        common |= {"account_names": {}}
        common |= {"fragments": _no_fragments, "busy": 0, "batch_actions": tuple, "theme": default_theme()}
    template = environment.get_template(f"{plugin}/{reply.template}")
    text = await template.render_async(common | dict(reply.values))
    return check_card(text) if isinstance(reply, CardFragment) else text


def _asset(name: str) -> str:
    return f"/static/{name}"


def _card(item: LibraryItem) -> FilmTile:
    return film_tile(item, PictureUrls())


async def _no_fragments(_slot: str, _film: object = None) -> str:
    return ""
