"""The options that every command shares: which settings, and where they are."""

from __future__ import annotations

import functools
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wylloh_server.config import load_settings

if TYPE_CHECKING:
    from collections.abc import Callable

_PLACES = (Path("~/.config/wylloh/wylloh.toml"), Path("/etc/wylloh/wylloh.toml"))


def with_settings(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command `--config` and hand it the settings read from there as `settings`."""

    @click.option("--config", type=click.Path(path_type=Path), help="Settings file (TOML).")
    @functools.wraps(command)
    def wrapped(config: Path | None, **arguments: Any) -> Any:
        return command(settings=load_settings(settings_file(config)), **arguments)

    return wrapped


def settings_file(named: Path | None) -> Path | None:
    """Return the settings file: the one named, else $WYLLOH_CONFIG, else the first default that exists."""
    if named is not None:
        return named
    if os.environ.get("WYLLOH_CONFIG"):
        return Path(os.environ["WYLLOH_CONFIG"])
    return next((place for place in (path.expanduser() for path in _PLACES) if place.is_file()), None)
