"""How a plugin writes to the server's log."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import MutableMapping


class PluginLog(logging.LoggerAdapter[logging.Logger]):
    """The plugin's logger, `wylloh.plugins.<plugin>`: writes a sentence, and fields as `key='value'`."""

    def process(self, msg: object, kwargs: MutableMapping[str, Any]) -> tuple[str, MutableMapping[str, Any]]:
        """Append the fields to the sentence; `exc_info` may be an exception, whose traceback is written."""
        error = kwargs.pop("exc_info", None)
        return " ".join([str(msg), *(f"{name}={value!r}" for name, value in kwargs.items())]), {
            "exc_info": error
        }
