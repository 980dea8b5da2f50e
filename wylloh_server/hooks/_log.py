"""A plugin's logger on top of the standard library's; the server formats and redacts further up."""

from __future__ import annotations

import logging

ROOT = "wylloh.plugins"


class StdlibLog:
    """Writes `sentence key='value'` to the logger `wylloh.plugins.<plugin>`."""

    __slots__ = ("_logger",)

    def __init__(self, plugin: str) -> None:
        self._logger = logging.getLogger(f"{ROOT}.{plugin}")

    def info(self, event: str, **fields: object) -> None:
        """Note something worth knowing."""
        self._write(logging.INFO, event, fields)

    def warning(self, event: str, **fields: object) -> None:
        """Note something that may need somebody."""
        self._write(logging.WARNING, event, fields)

    def error(self, event: str, **fields: object) -> None:
        """Note a failure; an exception passed as `exc_info` is written with its traceback."""
        self._write(logging.ERROR, event, fields)

    def _write(self, level: int, event: str, fields: dict[str, object]) -> None:
        error = fields.pop("exc_info", None)
        text = " ".join([event, *(f"{name}={value!r}" for name, value in fields.items())])
        self._logger.log(level, "%s", text, exc_info=error if isinstance(error, BaseException) else None)
