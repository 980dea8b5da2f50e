"""Pages from templates: jinja2 over the theme's folder and the plugins' folders.

A plugin's templates are found under its name: `<plugin>/page.html`. Every page gets, besides what its handler
gives: `viewer`, `nav`, `server_name`, `path`, `moment` (for the live news), `asset(name)`, `card(item)` and
`fragments(slot, film)`. The fragment of a plugin gets `viewer`, `film`, `asset` and `card`.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import jinja2
from aiohttp import web
from markupsafe import Markup

from wylloh_server.hooks import Dispatch
from wylloh_server.resources import theme_dir
from wylloh_server.web.cards import card_of
from wylloh_server.web.filters import FILTERS
from wylloh_server.web.keys import BATCH, DEVELOPING, PLUGINS, POSTERS, SETTINGS, TASKS
from wylloh_server.web.moment import moment_of
from wylloh_server.web.navigation import navigation
from wylloh_server.web.session import viewer_of
from wylloh_server.web.static_files import STATIC

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wylloh_server.domain.film import Film
    from wylloh_server.hooks import Fragment, Page
    from wylloh_server.services.library import Shelved
    from wylloh_server.web.cards import Card

_TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("templates")


async def render(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """Answer with a page.

    Raises:
        jinja2.TemplateError: the template is missing or wrong.
    """
    return _html(await rendered(request, template, values), status)


async def rendered(request: web.Request, template: str, values: Mapping[str, object]) -> str:
    """Give a template's text, filled with `values` and with what every page has."""
    return await _drawn(request, template, await _common(request) | dict(values))


async def render_plugin(request: web.Request, plugin: str, page: Page) -> web.Response:
    """Answer with a plugin's page, drawn in the plugin's thread.

    Raises:
        Exception: whatever the template raises. It has been counted.
    """
    dispatch = Dispatch(request.app[PLUGINS])
    common = await _common(request)
    common["fragments"] = dispatch.carried(plugin, common["fragments"])
    name = f"{plugin}/{page.template}"
    text = await dispatch.drawn(plugin, page.template, _drawn(request, name, common | dict(page.values)))
    return _html(text, page.status)


def set_up_templates(app: web.Application, theme: str = "default") -> None:
    """Make templates of a theme and of the plugins loaded so far available to `render`."""
    (folder,) = template_folders(theme)
    app[_TEMPLATES] = template_environment(folder, app[PLUGINS].template_dirs())


def template_folders(theme: str = "default") -> tuple[Path, ...]:
    """Give the folders of a theme's own templates."""
    return (theme_dir(theme) / "templates",)


def read_templates_anew(app: web.Application) -> None:
    """Forget every template that was read."""
    cache = app[_TEMPLATES].cache
    if cache is not None:
        cache.clear()


def template_environment(theme: Path, plugins: Mapping[str, tuple[Path, ...]]) -> jinja2.Environment:
    """Build the jinja2 environment: everything escaped, a wrong name is an error."""
    by_plugin = {name: jinja2.FileSystemLoader(folders) for name, folders in plugins.items()}
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([jinja2.FileSystemLoader(theme), jinja2.PrefixLoader(by_plugin)]),
        auto_reload=False,  # see `development`; asking the disk for each template takes time
        autoescape=True,
        enable_async=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


async def _drawn(request: web.Request, template: str, values: Mapping[str, object]) -> str:
    return await request.app[_TEMPLATES].get_template(template).render_async(values)


def _html(text: str, status: int) -> web.Response:
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


async def _common(request: web.Request) -> dict[str, Any]:
    viewer = viewer_of(request)

    async def fragments(slot: str, film: Film | None = None) -> Markup:
        return await _fragments(request, slot, film)

    return {
        **_for_everybody(request),
        "nav": await navigation(request, viewer),
        "server_name": request.app[SETTINGS].server.name,
        "path": request.path,
        "moment": moment_of(request),
        "development": request.app.get(DEVELOPING, False),
        "fragments": fragments,
        "busy": request.app[TASKS].busy(viewer) if viewer else 0,
        "batch_actions": lambda: request.app[BATCH].offered(viewer) if viewer else (),
    }


def _for_everybody(request: web.Request) -> dict[str, object]:
    """Give what both pages and fragments have."""
    viewer = viewer_of(request)

    def card(item: Shelved) -> Card:
        return card_of(item, request.app[POSTERS].url(viewer, item.film) if viewer else "")

    return {"viewer": viewer, "asset": request.app[STATIC].address, "card": card}


async def _fragments(request: web.Request, slot: str, film: Film | None) -> Markup:
    """Draw what plugins put into a slot, each in its own thread. One that fails costs only its fragment."""
    dispatch = Dispatch(request.app[PLUGINS])
    common = {**_for_everybody(request), "film": film}

    async def drawn(plugin: str, fragment: Fragment) -> Markup:
        work = _drawn(request, f"{plugin}/{fragment.template}", common | dict(fragment.values))
        try:
            text = await dispatch.drawn(plugin, fragment.template, work)
        except Exception:  # noqa: BLE001 - a plugin's template may raise anything; that has been counted
            return Markup("")
        return Markup(text)  # noqa: S704 - it was drawn with autoescape

    found = await dispatch.fragments(slot, film, viewer_of(request))
    return Markup("").join(await asyncio.gather(*(drawn(*one) for one in found)))
