"""Draws a plugin's templates inside the default theme, as the server does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_server.hooks import Fragment
from wylloh_server.resources import theme_dir
from wylloh_server.web.cards import card_of
from wylloh_server.web.templating import template_environment

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wylloh_server.domain.access import Viewer
    from wylloh_server.hooks import Page
    from wylloh_server.services.library import Shelved
    from wylloh_server.web.cards import Card


async def drawn(
    reply: Page | Fragment, plugin: str, folders: Mapping[str, tuple[Path, ...]], viewer: Viewer | None
) -> str:
    """Give the HTML of a page or of a fragment.

    Raises:
        jinja2.TemplateError: the template is missing, wrong, or uses a value it was not given.
    """
    environment = template_environment(theme_dir("default") / "templates", folders)
    common: dict[str, object] = {"viewer": viewer, "film": None, "asset": _asset, "card": _card}
    if not isinstance(reply, Fragment):
        common |= {"nav": (), "server_name": "Wylloh", "path": f"/plugins/{plugin}/", "moment": ""}
        common |= {"fragments": _no_fragments, "busy": 0, "batch_actions": tuple}
    template = environment.get_template(f"{plugin}/{reply.template}")
    return await template.render_async(common | dict(reply.values))


def _asset(name: str) -> str:
    return f"/static/{name}"


def _card(item: Shelved) -> Card:
    return card_of(item, "")


async def _no_fragments(_slot: str, _film: object = None) -> str:
    return ""
