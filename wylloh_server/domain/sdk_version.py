"""The version of the SDK, and whether a plugin fits it."""

from __future__ import annotations

import re

from wylloh_server.domain.errors import PluginError

SDK_VERSION = "1.0"
"""The version of what plugins may use, `major.minor`. An addition raises the minor version; a removal or a
change of meaning raises the major version."""

SDK_ATTRIBUTE = "WYLLOH_SDK"
"""The attribute of a plugin's module that names the SDK version it was written for."""

_VERSION = re.compile(r"(0|[1-9][0-9]{0,5})\.(0|[1-9][0-9]{0,5})")


def checked_version(code: object) -> str:
    """Return the SDK version a plugin was written for, if it fits: same major version, minor not newer.

    Raises:
        PluginError: there is none, or it does not fit.
    """
    named = getattr(code, SDK_ATTRIBUTE, None)
    if named is None:
        raise PluginError(
            "The plugin does not say which SDK it was written for.",
            fix=f'Write {SDK_ATTRIBUTE} = "{SDK_VERSION}" into its __init__.py.',
        )
    found = _VERSION.fullmatch(named) if isinstance(named, str) else None
    if found is None:
        raise PluginError(
            f"{SDK_ATTRIBUTE} is {named!r}.", fix=f'Write it as "{SDK_VERSION}", in quotation marks.'
        )
    theirs, ours = tuple(map(int, found.groups())), tuple(map(int, SDK_VERSION.split(".")))
    problem = f"The plugin was written for SDK {named}; this server has SDK {SDK_VERSION}."
    if theirs[0] < ours[0]:
        raise PluginError(problem, fix=f"Install a newer version of the plugin, for SDK {ours[0]}.x.")
    if theirs > ours:
        raise PluginError(
            problem, fix="Install a newer version of this server, or an older one of the plugin."
        )
    return str(named)
