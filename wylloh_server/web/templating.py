"""Pages from templates: jinja2 over the theme's folder and the plugins' folders.

A plugin's templates are found under its name: `<plugin>/page.html`. A theme's template of the same name takes
the place of the default theme's or of the plugin's, and may extend it by a name that begins with `!`, as in
Sphinx: `{% extends "!store/catalog.html" %}`. Every page gets, besides what its handler gives: `viewer`,
`nav`, `reminders`, `server_name`, `path`, `moment` (for the live news), `theme`, `account_names`,
`asset(name)`, `card(item)` and `fragments(slot, film)`. The fragment of a plugin gets `viewer`, `film`,
`asset` and `card`.
"""

from __future__ import annotations

import asyncio
from functools import partial
from typing import TYPE_CHECKING, Any

import jinja2
import structlog
from aiohttp import web
from markupsafe import Markup

from wylloh_server.domain.access import DeviceKind, Role
from wylloh_server.domain.error_location import comes_from, located
from wylloh_server.domain.errors import ThemeError
from wylloh_server.domain.plugin_pages import Slot
from wylloh_server.web.app_keys import DEVELOPING, DISPATCH, PLUGINS, SERVICES, SETTINGS
from wylloh_server.web.author_errors import error_note
from wylloh_server.web.card_markup import check_card
from wylloh_server.web.compiled_templates import CompiledTemplates
from wylloh_server.web.film_cards import film_tile
from wylloh_server.web.guest_trailers import guest_trailer
from wylloh_server.web.live_cursor import request_cursor
from wylloh_server.web.navigation import navigation
from wylloh_server.web.redaction import logged_error
from wylloh_server.web.reminders import reminders_of
from wylloh_server.web.session import viewer_of
from wylloh_server.web.static_files import STATIC
from wylloh_server.web.template_filters import FILTERS
from wylloh_server.web.theme import THEME, Theme, default_theme

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.film import Film
    from wylloh_server.domain.library_item import LibraryItem
    from wylloh_server.domain.plugin_pages import CardFragment, Fragment, Page
    from wylloh_server.domain.types import FilmId, Wallet
    from wylloh_server.web.film_cards import FilmTile

_ON_TVS = frozenset({Slot.HEAD, Slot.PLAYER, Slot.HOME_ROWS, Slot.LIBRARY_FILTERS})
"""A TV is there to find a film and watch it: nothing is bought, tagged or looked after on it."""

_log = structlog.get_logger("wylloh.web")

_TEMPLATES: web.AppKey[jinja2.Environment] = web.AppKey("templates")


async def render(request: web.Request, template: str, *, status: int = 200, **values: object) -> web.Response:
    """Answer with a page.

    Raises:
        jinja2.TemplateError: the template is missing or wrong.
    """
    return html_response(await rendered(request, template, values), status)


async def rendered(request: web.Request, template: str, values: Mapping[str, object]) -> str:
    """Return a template's text, filled with `values` and with what every page has."""
    return await _drawn(request, template, await _common(request) | dict(values))


async def render_plugin(request: web.Request, plugin: str, page: Page) -> web.Response:
    """Answer with a plugin's page, drawn in the plugin's thread.

    Raises:
        ThemeError: the theme's template in its place is broken.
        Exception: whatever the template raises. It has been counted.
    """
    dispatch = request.app[DISPATCH]
    common = await _common(request)
    common["fragments"] = dispatch.on_server_loop(plugin, common["fragments"])
    work = _drawn_of_plugin(request, plugin, page.template, common | dict(page.values))
    text = await dispatch.render(plugin, page.template, work)
    return html_response(text, page.status)


def set_up_templates(app: web.Application) -> None:
    """Make templates of the theme and of the plugins available to `render`."""
    compiled = CompiledTemplates(app[SETTINGS].server.data / "templates")
    app[_TEMPLATES] = template_environment(app[PLUGINS].template_dirs, compiled, app[THEME])


def reload_templates(app: web.Application) -> None:
    """Forget every template that was read."""
    app[PLUGINS].reload_templates()
    cache = app[_TEMPLATES].cache
    if cache is not None:
        cache.clear()


def template_environment(
    plugins: Callable[[], Mapping[str, tuple[Path, ...]]],
    compiled: jinja2.BytecodeCache | None = None,
    theme: Theme | None = None,
) -> jinja2.Environment:
    """Build the jinja2 environment: everything escaped, a wrong name is an error.

    Args:
        plugins: returns the template folders that each plugin has now.
        compiled: where compiled templates are stored.
        theme: whose templates come first; by default the default theme.
    """
    shown = theme or default_theme()
    below = [*map(jinja2.FileSystemLoader, shown.template_folders), _PluginTemplates(plugins)]
    environment = jinja2.Environment(
        loader=jinja2.ChoiceLoader([*below, _OverriddenTemplates(below[1:])]),
        bytecode_cache=compiled,
        auto_reload=False,  # see `development`; asking the disk for each template takes time
        autoescape=True,
        enable_async=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(FILTERS)
    return environment


class _OverriddenTemplates(jinja2.BaseLoader):
    """Find `!<name>`: the template that the first loader's one of that name has taken the place of."""

    def __init__(self, loaders: Sequence[jinja2.BaseLoader]) -> None:
        self._loader = jinja2.ChoiceLoader(loaders)

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str | None, Callable[[], bool] | None]:
        if not template.startswith("!"):
            raise jinja2.TemplateNotFound(template)
        return self._loader.get_source(environment, template[1:])


class _PluginTemplates(jinja2.BaseLoader):
    """Find `<plugin>/<file>` in the folders that the plugin has now."""

    def __init__(self, folders: Callable[[], Mapping[str, tuple[Path, ...]]]) -> None:
        self._folders = folders

    def get_source(
        self, environment: jinja2.Environment, template: str
    ) -> tuple[str, str, Callable[[], bool]]:
        plugin, _, file = template.partition("/")
        try:
            loader = jinja2.FileSystemLoader(self._folders().get(plugin, ()))
            return loader.get_source(environment, file)
        except jinja2.TemplateNotFound:
            raise jinja2.TemplateNotFound(template) from None


async def _drawn(request: web.Request, template: str, values: Mapping[str, object]) -> str:
    return await request.app[_TEMPLATES].get_template(template).render_async(values)


async def _drawn_of_plugin(
    request: web.Request, plugin: str, template: str, values: Mapping[str, object]
) -> str:
    """Draw a plugin's template. Runs in the plugin's thread, and draws in its process if it has one.

    Raises:
        ThemeError: what failed is a file of the theme that stands in its place.
        Exception: whatever the plugin's own template raises.
    """
    own = request.app[PLUGINS].template_dirs().get(plugin, ())
    here = partial(draw_for_plugin, request.app[_TEMPLATES], request.app[THEME], own, f"{plugin}/{template}")
    try:
        return await request.app[DISPATCH].drawing(plugin, template, here)(values)
    except ThemeError as broken:
        error = logged_error(request, broken.__cause__ or broken)
        _log.error("template of the theme is broken", place=broken.detail, error=error)
        raise


async def draw_for_plugin(
    environment: jinja2.Environment,
    theme: Theme,
    own: Sequence[Path],
    template: str,
    values: Mapping[str, object],
) -> str:
    """Draw a plugin's template by its whole name.

    Args:
        environment: finds the template.
        theme: the theme of the server.
        own: the plugin's folders of templates.
        template: `<plugin>/<file>`.
        values: what it is drawn with.

    Raises:
        ThemeError: what failed is a file of the theme that stands in its place.
        Exception: whatever the plugin's own template raises.
    """
    try:
        return await environment.get_template(template).render_async(values)
    except Exception as error:
        if theme.folder == theme.below or not comes_from(error, theme.folder, own):
            raise
        raise ThemeError(theme.description.name, located(error, theme.folder)) from error


def html_response(text: str, status: int = 200) -> web.Response:
    """Return a page as an answer that no browser stores."""
    headers = {"Cache-Control": "no-store"}
    return web.Response(text=text, status=status, content_type="text/html", headers=headers)


async def _common(request: web.Request) -> dict[str, Any]:
    viewer = viewer_of(request)
    reminders = await reminders_of(request, viewer)
    chooser = viewer if viewer and viewer.kind is not DeviceKind.TV else None

    async def fragments(slot: str, film: Film | None = None) -> Markup:
        return await _fragments(request, slot, film)

    return {
        **_for_everybody(request),
        "nav": await navigation(request, viewer, reminders.badges),
        "reminders": reminders,
        "server_name": request.app[SETTINGS].server.name,
        "path": request.path,
        "account_names": await _account_names(request, viewer),
        "moment": request_cursor(request),
        "theme": request.app[THEME],
        "development": request.app.get(DEVELOPING, False),
        "fragments": fragments,
        "busy": request.app[SERVICES].tasks.busy(viewer) if viewer else 0,
        "batch_actions": lambda: request.app[SERVICES].batch.offers.offered(chooser) if chooser else (),
    }


async def _account_names(request: web.Request, viewer: Viewer | None) -> Mapping[Wallet, str]:
    """Return what accounts are called: to owner and admins of all, to others of their own."""
    if viewer is None:
        return {}
    names = await request.app[SERVICES].accounts.names()
    if viewer.role.includes(Role.ADMIN):
        return names
    return {wallet: name for wallet, name in names.items() if wallet == viewer.wallet}


def _for_everybody(request: web.Request) -> dict[str, object]:
    """Return what both pages and fragments have."""
    viewer = viewer_of(request)

    def card(item: LibraryItem) -> FilmTile:
        posters = request.app[SERVICES].posters
        return film_tile(item, posters.urls(viewer, item.film))

    return {
        "viewer": viewer,
        "asset": request.app[STATIC].address,
        "card": card,
        "guest_trailer": partial(guest_trailer, request),
    }


async def card_fragments(request: web.Request, films: Iterable[Film]) -> dict[FilmId, Markup]:
    """Return what plugins put on the cards of a page, by film. Each plugin is asked and draws once."""
    viewer, dispatch = viewer_of(request), request.app[DISPATCH]
    shown = tuple({film.id: film for film in films}.values())
    if viewer is None or not shown:
        return {}
    wanted: dict[tuple[str, str], list[CardFragment]] = {}
    failed: list[Exception] = []
    for plugin, fragment in await dispatch.film_cards(shown, viewer, failed):
        wanted.setdefault((plugin, fragment.template), []).append(fragment)

    async def drawn(plugin: str, template: str, cards: Sequence[CardFragment]) -> list[Markup]:
        async def work() -> list[str]:
            common = _for_everybody(request)
            return [
                check_card(await _drawn_of_plugin(request, plugin, template, common | dict(one.values)))
                for one in cards
            ]

        try:
            texts = await dispatch.render(plugin, template, work())
        except Exception as error:  # noqa: BLE001 - a plugin's template may raise anything; that has been counted
            return [error_note(request, error)] * len(cards)
        return [Markup(text) for text in texts]  # noqa: S704 - it was drawn with autoescape

    found = {shown[0].id: Markup("").join(error_note(request, error) for error in failed)}
    drawings = await asyncio.gather(*(drawn(*key, cards) for key, cards in wanted.items()))
    for cards, texts in zip(wanted.values(), drawings, strict=True):
        for card, text in zip(cards, texts, strict=False):
            found[card.film] = found.get(card.film, Markup("")) + text
    return found


async def _fragments(request: web.Request, slot: str, film: Film | None) -> Markup:
    """Draw what plugins put into a slot, each in its own thread. One that fails costs only its fragment."""
    viewer, dispatch = viewer_of(request), request.app[DISPATCH]
    if viewer is not None and viewer.kind is DeviceKind.TV and slot not in _ON_TVS:
        return Markup("")
    common = {**_for_everybody(request), "film": film}

    async def drawn(plugin: str, fragment: Fragment) -> Markup:
        work = _drawn_of_plugin(request, plugin, fragment.template, common | dict(fragment.values))
        try:
            text = await dispatch.render(plugin, fragment.template, work)
        except Exception as error:  # noqa: BLE001 - a plugin's template may raise anything; that has been counted
            return error_note(request, error)
        return Markup(text)  # noqa: S704 - it was drawn with autoescape

    failed: list[Exception] = []
    found = await dispatch.fragments(slot, film, viewer, failed)
    parts = await asyncio.gather(*(drawn(*one) for one in found))
    return Markup("").join((*parts, *(error_note(request, error) for error in failed)))
