"""Errors on their way between the server and a plugin's process: those of the domain arrive as themselves."""

from __future__ import annotations

import traceback
from typing import TYPE_CHECKING, Any

from wylloh_server.domain import errors
from wylloh_server.domain.error_location import RemoteError, located
from wylloh_server.domain.errors import PluginError, ThemeError, WyllohError

if TYPE_CHECKING:
    from pathlib import Path


_MOST_TEXT = 20_000


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


def shortened(text: object) -> str:
    """Return a text of a plugin's process for logs and pages, without the middle of a very long one."""
    whole = str(text)
    half = _MOST_TEXT // 2
    return whole if len(whole) <= _MOST_TEXT else f"{whole[:half]} … {whole[-half:]}"


def rebuild_error(described: dict[str, Any]) -> Exception:
    """Return the error that was described: one of the domain's plain ones, or a `RemoteError`."""
    sent = {name: shortened(text) for name, text in described.items()}
    kind, message = getattr(errors, sent["kind"], None), sent["message"]
    if sent["kind"] == TimeoutError.__name__:
        return TimeoutError(message)
    remote = RemoteError(sent["located"], sent["traceback"])
    if kind is ThemeError:
        broken = ThemeError("", sent["detail"])
        broken.args = (message,)
        return broken
    if isinstance(kind, type) and issubclass(kind, WyllohError) and kind.__init__ is WyllohError.__init__:
        known = kind(message, fix=sent["fix"])
        known.__cause__ = remote.__cause__
        return known
    return remote


class ProcessEnded(PluginError):
    """The plugin's process has ended, and with it what was asked of it."""


class ProcessStopped(ProcessEnded):
    """The server has stopped the plugin's process, which is no failure of the plugin."""
