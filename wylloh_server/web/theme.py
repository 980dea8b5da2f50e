"""The theme that pages are drawn with: a folder of templates and styles, laid over the default theme.

A theme is a folder with `theme.toml` and, where it differs from the default one, `templates/` and `static/`.
A file of the same name takes the place of the default theme's; what a plugin draws lies in
`templates/<plugin>/`. The stylesheet `static/theme.css` is loaded after all others.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import pydantic
from aiohttp import web

from wylloh_server.domain.errors import SettingsError
from wylloh_server.resources import bundled_themes

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from wylloh_server.config import ThemeSettings

DEFAULT = "default"
"""The name of the theme under every other."""
STYLESHEET = "theme.css"
"""A theme's own stylesheet, loaded after all others."""


class ThemeDescription(pydantic.BaseModel):
    """The content of `theme.toml`."""

    model_config = pydantic.ConfigDict(extra="forbid", frozen=True)

    name: str
    """The folder's name."""
    title: str
    """What people read."""
    description: str = ""
    """One sentence about it."""
    scheme: Literal["dark", "light"] = "dark"
    """In which scheme browsers draw fields, scroll bars and the page before its styles have come."""
    color: str = pydantic.Field(default="#070708", pattern="#[0-9a-f]{6}")
    """The colour of the browser's own bars."""


@dataclass(frozen=True, slots=True)
class Theme:
    """A theme with its folder, and that of the default theme, which is below every other."""

    description: ThemeDescription
    folder: Path
    below: Path

    @property
    def folders(self) -> tuple[Path, ...]:
        """The folders that files are looked for in, in this order."""
        return tuple(dict.fromkeys((self.folder, self.below)))

    @property
    def template_folders(self) -> tuple[Path, ...]:
        """The folders of templates, in the order in which they are asked."""
        return tuple(folder / "templates" for folder in self.folders)

    @property
    def static_folders(self) -> tuple[Path, ...]:
        """The folders of styles and pictures, in the order in which they are asked."""
        return tuple(folder / "static" for folder in self.folders)

    @property
    def stylesheet(self) -> str:
        """The theme's own stylesheet; empty if it has none."""
        return STYLESHEET if (self.folder / "static" / STYLESHEET).is_file() else ""


THEME: web.AppKey[Theme] = web.AppKey("theme")


def default_theme() -> Theme:
    """Return the default theme."""
    folder = bundled_themes()[DEFAULT]
    return Theme(_described(folder), folder, folder)


def find_theme(settings: ThemeSettings) -> Theme:
    """Return the theme of the settings. One of `theme.path` wins over a bundled one of the same name.

    Raises:
        SettingsError: there is none of that name, or its `theme.toml` is wrong.
    """
    found = _themes(settings)
    for folder in (path / settings.name for path in settings.path):
        if settings.name not in found and folder.is_dir():
            raise SettingsError(
                f"The folder {folder} holds no theme.toml.",
                fix="Write one there, with name and title of the theme, as docs/plugin-author.md shows.",
            )
    if settings.name not in found:
        raise SettingsError(
            f"There is no theme named {settings.name!r}.",
            fix=f"Set theme.name to one of: {', '.join(sorted(found))}; or name in theme.path where it lies.",
        )
    folder = found[settings.name]
    return Theme(_described(folder), folder, bundled_themes()[DEFAULT])


def _themes(settings: ThemeSettings) -> Mapping[str, Path]:
    files = (file for path in settings.path for file in sorted(path.glob("*/theme.toml")))
    return {**bundled_themes(), **{file.parent.name: file.parent for file in files}}


def _described(folder: Path) -> ThemeDescription:
    file, fix = folder / "theme.toml", "Correct it, or choose another theme."
    try:
        described = ThemeDescription(**tomllib.loads(file.read_text(encoding="utf-8")))
    except pydantic.ValidationError as error:
        wrong = error.errors()[0]
        reason = f"{'.'.join(map(str, wrong['loc']))}: {wrong['msg']}"
        raise SettingsError(f"{file} is wrong: {reason}.", fix=fix) from error
    except (OSError, ValueError) as error:
        raise SettingsError(f"{file} cannot be read: {error}.", fix=fix) from error
    if described.name != folder.name:
        raise SettingsError(
            f"{file} names the theme {described.name!r}, but its folder is {folder.name!r}.",
            fix="Give both the same name.",
        )
    return described
