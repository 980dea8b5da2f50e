"""Compiled templates on disk: the first page after a start need not wait for jinja2 to read them all."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import jinja2

from wylloh_server import __version__

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class CompiledTemplates(jinja2.FileSystemBytecodeCache):
    """A folder of templates that jinja2 has compiled; a template that changed is compiled anew.

    Only speed depends on it: where the folder cannot be used, templates are compiled at every start.
    """

    def __init__(self, folder: Path) -> None:
        """Remember the folder; it is made when the first template is stored, for this user alone."""
        # What compiling gives depends on jinja2 and on the filters, which it applies to constants.
        super().__init__(str(folder), f"{__version__}-{jinja2.__version__}-%s")

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read a compiled template, if it is there and whole."""
        try:
            super().load_bytecode(bucket)
        except Exception:  # noqa: BLE001 - a damaged file fails in any way pickle and marshal can
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Store a compiled template, if that is possible."""
        with suppress(OSError):
            Path(self.directory).mkdir(mode=0o700, exist_ok=True)
            super().dump_bytecode(bucket)
