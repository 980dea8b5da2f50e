"""Imports the whole product, for `forked_wylloh`."""

from __future__ import annotations

import gc
from importlib import import_module
from pkgutil import walk_packages

import wylloh_server

_SCRIPTS = ("__main__", "probe_worker", "plugin_trial")
_FOR_TESTS = "wylloh_server.sdk.testing"
_LATE = ("dbos", "dbos._client", "alembic.command")
"""What the product imports only when it is needed."""

for _found in walk_packages(wylloh_server.__path__, "wylloh_server."):
    if not _found.name.endswith(_SCRIPTS) and not _found.name.startswith(_FOR_TESTS):
        import_module(_found.name)
for _name in _LATE:
    import_module(_name)
gc.freeze()
