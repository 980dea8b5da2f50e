"""What a plugin meets can be imported from the SDK, with its types: `mypy --strict` has nothing to complain."""

from __future__ import annotations

import ast
import importlib
import inspect
import sys
import typing
from pathlib import Path

import pytest

import wylloh_server
from wylloh_server import sdk

MET = {
    "Viewer": ("DeviceId", "DeviceKind", "SessionId"),
    "LicenseChecked": ("Receipt",),
    "Receipt": ("Reason",),
    "Film": ("Description", "FilmState", "FolderOrigin", "TokenOrigin"),
    "Description": ("Credit",),
    "PlaybackEnded": ("LeaseEnd",),
    "LibraryItem": ("Position",),
    "Probe": ("AudioTrack", "Chapter", "ClockJump", "Seconds", "SubtitleTrack", "VideoTrack"),
    "TaskEnded": ("Task",),
    "Task": ("JobId", "TaskState", "TaskSubject"),
    "ScopedTasks": ("TaskId",),
    "TokenReference": ("ChainId",),
    "PackageChanged": ("Cid",),
    "PluginContext": ("PluginLog",),
    "Setting": ("SettingValue",),
}


NEVER_MET = {"UploadOrigin", "TrailerOrigin"}
"""What no plugin gets: a title's upload is in no library, and votes and events leave it out."""


def test_the_package_tells_type_checkers_that_it_has_types():
    assert Path(wylloh_server.__file__).with_name("py.typed").is_file()


@pytest.mark.parametrize("name", MET)
def test_what_is_met_in_a_class_can_be_named(name):
    words = " ".join(str(hint) for hint in hints(getattr(sdk, name)))
    for part in MET[name]:
        assert part in sdk.__all__
        assert part in words


@pytest.mark.parametrize("name", [name for name in sdk.__all__ if not isinstance(getattr(sdk, name), str)])
def test_everything_a_name_leads_to_is_in_the_sdk(name):
    strange = {
        item.__name__
        for hint in hints(getattr(sdk, name))
        for item in parts(resolved(hint, getattr(sdk, name)))
        if str(getattr(item, "__module__", "")).startswith("wylloh_server")
        and item.__name__ not in sdk.__all__
        and item.__name__ not in NEVER_MET
        and not item.__name__.startswith("_")
    }
    assert strange == set()


def hints(item):
    """The annotations of a class's public fields and methods, or of a function."""
    if inspect.isclass(item):
        own = [hint for name, hint in inspect.get_annotations(item).items() if not name.startswith("_")]
        for name, value in vars(item).items():
            function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
            if not name.startswith("_") and inspect.isfunction(function):
                own += inspect.get_annotations(function).values()
        return own
    return list(inspect.get_annotations(item).values()) if inspect.isfunction(item) else []


def resolved(hint, item):
    module = sys.modules[item.__module__]
    names = dict(vars(module))
    for node in ast.walk(ast.parse(inspect.getsource(module))):
        if isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                names.setdefault(alias.name, getattr(importlib.import_module(node.module), alias.name, None))
    return eval(hint, names) if isinstance(hint, str) else hint


def parts(hint):
    """A hint, and all that stands inside of it."""
    yield hint
    for inner in typing.get_args(hint):
        for one in inner if isinstance(inner, list | tuple) else (inner,):
            yield from parts(one)
