"""The composition root: the only place that knows every part.

`create_app` makes the server. The commands that work without one open only what they need:
`open_publishing`, `open_films`, `plugins_at_work` and `check_everything`.
"""

from __future__ import annotations

from wylloh_server.app.parts import Films, Publisher, check_everything, open_films, open_publishing
from wylloh_server.app.plugin_notes import noted
from wylloh_server.app.plugins import plugin_registry, plugins_at_work
from wylloh_server.app.server import announcing, create_app
from wylloh_server.web.assembly import serving

__all__ = [
    "Films",
    "Publisher",
    "announcing",
    "check_everything",
    "create_app",
    "noted",
    "open_films",
    "open_publishing",
    "plugin_registry",
    "plugins_at_work",
    "serving",
]
