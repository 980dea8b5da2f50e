"""Errors on their way between the server and a plugin's process: those of the domain arrive as themselves."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from wylloh_server.domain import errors
from wylloh_server.domain.error_location import RemoteError, located
from wylloh_server.domain.errors import PluginError, ThemeError, WyllohError

if TYPE_CHECKING:
    from pathlib import Path


def describe_error(error: BaseException, folder: Path | None) -> dict[str, str]:
    """Return an error as plain texts, located in a plugin's folder."""
    return {
        "kind": type(error).__name__,
        "message": str(error),
        "fix": getattr(error, "fix", ""),
        "detail": getattr(error, "detail", ""),
        "located": located(error, folder),
        "traceback": "".join(traceback.format_exception(error)),
    }


def rebuild_error(sent: dict[str, Any]) -> Exception:
    """Return the error that was described: one of the domain's plain ones, or a `RemoteError`."""
    kind, message = getattr(errors, str(sent["kind"]), None), str(sent["message"])
    if sent["kind"] == TimeoutError.__name__:
        return TimeoutError(message)
    remote = RemoteError(str(sent["located"]), str(sent["traceback"]))
    if kind is ThemeError:
        broken = ThemeError("", str(sent["detail"]))
        broken.args = (message,)
        return broken
    if isinstance(kind, type) and issubclass(kind, WyllohError) and kind.__init__ is WyllohError.__init__:
        known = kind(message, fix=str(sent["fix"]))
        known.__cause__ = remote.__cause__
        return known
    return remote


class ProcessEnded(PluginError):
    """The plugin's process has ended, and with it what was asked of it."""
