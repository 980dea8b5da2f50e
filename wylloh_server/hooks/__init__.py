"""Plugin machinery: what plugins declare, how they are loaded, and how they are asked.

`PluginRegistry` loads, starts and stops; `Dispatch` asks. Everything else is a value.
"""

from __future__ import annotations

from wylloh_server.hooks.context import FilmCard, PluginContext, PluginLibrary, PluginLog, PluginServices
from wylloh_server.hooks.declarations import (
    BackgroundTask,
    BatchAction,
    BatchField,
    BatchPlan,
    BatchRequest,
    Command,
    Download,
    Fragment,
    Json,
    MountedRoute,
    NavItem,
    Page,
    PluginRequest,
    Redirect,
    Refusal,
    Reply,
    Route,
    Setting,
    Slot,
    TaskProgress,
    TaskResult,
    UploadedFile,
)
from wylloh_server.hooks.discovery import check_name
from wylloh_server.hooks.dispatch import Ballot, Dispatch
from wylloh_server.hooks.limits import Limits
from wylloh_server.hooks.records import PluginRecord, PluginStatus
from wylloh_server.hooks.registry import PluginRegistry
from wylloh_server.hooks.spec import HOOKS, hookimpl

__all__ = [
    "HOOKS",
    "BackgroundTask",
    "Ballot",
    "BatchAction",
    "BatchField",
    "BatchPlan",
    "BatchRequest",
    "Command",
    "Dispatch",
    "Download",
    "FilmCard",
    "Fragment",
    "Json",
    "Limits",
    "MountedRoute",
    "NavItem",
    "Page",
    "PluginContext",
    "PluginLibrary",
    "PluginLog",
    "PluginRecord",
    "PluginRegistry",
    "PluginRequest",
    "PluginServices",
    "PluginStatus",
    "Redirect",
    "Refusal",
    "Reply",
    "Route",
    "Setting",
    "Slot",
    "TaskProgress",
    "TaskResult",
    "UploadedFile",
    "check_name",
    "hookimpl",
]
