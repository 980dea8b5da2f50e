"""The libraries that ship with the server, as the page About names them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, metadata, requires

from wylloh_server.resources import VENDOR_FILES

_DISTRIBUTION = "wylloh-server"
_LONGEST_LICENSE = 60
"""Letters; some packages put the whole text where its name belongs."""


@dataclass(frozen=True, slots=True)
class Component:
    """A library that ships with the server; `url` leads to its licence where a browser gets it, too."""

    name: str
    version: str
    license: str
    url: str = ""


@cache
def components() -> tuple[Component, ...]:
    """Return the libraries that ship with the server, by name, with their licences as they state them."""
    python = [_component(name) for name in _required()]
    browser = [
        Component(name.partition("/")[0], "", "", f"/static/vendor/{name}")
        for name in VENDOR_FILES
        if name.endswith("/LICENSE")
    ]
    return tuple(sorted((*(one for one in python if one), *browser), key=lambda one: one.name.lower()))


def _required() -> list[str]:
    try:
        wanted = [text for text in requires(_DISTRIBUTION) or () if "extra ==" not in text]
    except PackageNotFoundError:
        return []
    return [re.split(r"[^A-Za-z0-9._-]", text, maxsplit=1)[0] for text in wanted]


def _component(name: str) -> Component | None:
    try:
        found = metadata(name)
    except PackageNotFoundError:
        return None
    stated = [*(found.get_all("License-Expression") or ()), *(found.get_all("License") or ())]
    named = [text for text in stated if text != "UNKNOWN" and len(text) < _LONGEST_LICENSE]
    classified = [line for line in found.get_all("Classifier") or () if line.startswith("License ::")]
    license_ = named[0] if named else ", ".join(line.rpartition(" :: ")[2] for line in classified)
    return Component(found["Name"], found["Version"], license_)
