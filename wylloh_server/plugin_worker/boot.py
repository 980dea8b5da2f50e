"""Start the program of a plugin's process. Run as a file by `app.plugin_processes`.

The process may not list the folders that its packages lie in, only open those packages: they are found as the
server has found them.
"""

from __future__ import annotations

import importlib.util
import json
import sys
from pathlib import Path


def _import_server(file: str) -> None:
    folder = str(Path(file).parent)
    spec = importlib.util.spec_from_file_location("wylloh_server", file, submodule_search_locations=[folder])
    if spec is None or spec.loader is None:
        raise ImportError(file)
    module = sys.modules["wylloh_server"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.path[:] = given["path"]
    _import_server(given["server"])
    from wylloh_server.plugin_worker.program import main

    main(given)
