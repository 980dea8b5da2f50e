"""The composition root: the only place that knows every part.

`serving` runs the server. The commands that work without one open only what they need:
`open_publishing`, `open_films`, `plugins_at_work`, `check_everything`, `create_backup` and `restore_backup`.
"""

from __future__ import annotations

from wylloh_server.app.backup_archive import create_backup, restore_backup
from wylloh_server.app.commands import (
    FilmCommandServices,
    PublishingCommandServices,
    check_everything,
    open_films,
    open_publishing,
)
from wylloh_server.app.plugin_manager import plugin_registry, plugins_at_work
from wylloh_server.app.plugin_status import noted
from wylloh_server.app.server import announcing, serving

__all__ = [
    "FilmCommandServices",
    "PublishingCommandServices",
    "announcing",
    "check_everything",
    "create_backup",
    "noted",
    "open_films",
    "open_publishing",
    "plugin_registry",
    "plugins_at_work",
    "restore_backup",
    "serving",
]
