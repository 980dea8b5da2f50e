"""Remembering what a viewer chose in the player."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from aiohttp import web

from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.player_preferences import SubtitleBackground, SubtitleSize, TrackChoice
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.request_json import number, read_object, text
from wylloh_server.web.session import require_viewer

if TYPE_CHECKING:
    from collections.abc import Callable
    from enum import StrEnum

_LONGEST_NAME = 200
"""Characters of a track's language or name that are kept."""


async def remember(request: web.Request) -> web.Response:
    """`{audio?, subtitles?, subtitles_off?, volume?, muted?, subtitle_size?, subtitle_background?}` → `{}`.

    A track is `{language, name}`. What is not named stays as it is.
    """
    viewer, body = require_viewer(request), await read_object(request)
    changes = {name: read(body, name) for name, read in _READERS.items() if name in body}
    stored = request.app[SERVICES].preferences
    await stored.save(viewer.wallet, replace(await stored.of_wallet(viewer.wallet), **changes))
    return web.json_response({})


def _track(body: dict[str, Any], name: str) -> TrackChoice:
    track = body[name]
    if not isinstance(track, dict):
        raise InvalidValue(f"The field {name} must be a track.", fix="Send its language and its name.")
    language, label = text(track, "language", ""), text(track, "name", "")
    return TrackChoice(language[:_LONGEST_NAME], label[:_LONGEST_NAME])


def _switch(body: dict[str, Any], name: str) -> bool:
    value = body[name]
    if not isinstance(value, bool):
        raise InvalidValue(f"The field {name} must be true or false.", fix=f"Send {name} as true or false.")
    return value


def _volume(body: dict[str, Any], name: str) -> float:
    return min(1.0, number(body, name))


def _one_of(kind: type[StrEnum]) -> Callable[[dict[str, Any], str], StrEnum]:
    def read(body: dict[str, Any], name: str) -> StrEnum:
        try:
            return kind(text(body, name))
        except ValueError:
            raise InvalidValue(
                f"The field {name} has no such value.", fix=f"Send one of {', '.join(kind)}."
            ) from None

    return read


_READERS: dict[str, Callable[[dict[str, Any], str], Any]] = {
    "audio": _track,
    "subtitles": _track,
    "subtitles_off": _switch,
    "volume": _volume,
    "muted": _switch,
    "subtitle_size": _one_of(SubtitleSize),
    "subtitle_background": _one_of(SubtitleBackground),
}


routes = [web.post("/api/player/preferences", remember)]
