"""The contract between this server and plugins: which SDK a plugin was written for, and which this is."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from wylloh_server.domain.errors import PluginError

if TYPE_CHECKING:
    from types import ModuleType

SDK_VERSION = "1.0"
"""The version of what plugins may use, `major.minor`. Something new raises the minor; something that is gone
or means something else raises the major."""

MARK = "WYLLOH_SDK"
"""The name under which a plugin's module says which SDK it was written for."""

_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


def checked_version(code: ModuleType) -> str:
    """Give the SDK version a plugin's module names, if this server fits: same major, minor not newer.

    Raises:
        PluginError: it names none, or one that this server does not fit; two sentences say what to do.
    """
    named = getattr(code, MARK, None)
    if named is None:
        raise PluginError(
            "The plugin does not say which SDK it was written for.",
            fix=f'Write {MARK} = "{SDK_VERSION}" into its __init__.py.',
        )
    found = _VERSION.fullmatch(named) if isinstance(named, str) else None
    if found is None:
        raise PluginError(f"{MARK} is {named!r}.", fix=f'Write it as "{SDK_VERSION}", in quotation marks.')
    _compare(named, int(found[1]), int(found[2]))
    return str(named)


def _compare(named: str, major: int, minor: int) -> None:
    our_major, our_minor = (int(part) for part in SDK_VERSION.split("."))
    told = f"The plugin was written for SDK {named}; this server has SDK {SDK_VERSION}."
    if major < our_major:
        raise PluginError(told, fix=f"Install a newer version of the plugin, for SDK {our_major}.x.")
    if (major, minor) > (our_major, our_minor):
        raise PluginError(told, fix="Install a newer version of this server, or an older one of the plugin.")
