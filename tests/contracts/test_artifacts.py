"""The committed ABI and bytecode are what the sources compile to."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

CONTRACTS = Path(__file__).resolve().parents[2] / "contracts"


def test_artifacts_are_what_the_sources_compile_to(tmp_path):
    subprocess.run([shutil.which("node"), CONTRACTS / "compile.mjs", tmp_path], check=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*.json")}
    committed = {
        path.relative_to(CONTRACTS): path.read_bytes()
        for folder in ("artifacts", "test/artifacts")
        for path in (CONTRACTS / folder).glob("*.json")
    }
    assert made.keys() == committed.keys()
    assert made == committed


def test_an_artifact_holds_abi_and_bytecode_only():
    artifact = json.loads((CONTRACTS / "artifacts/FilmRegistry.json").read_bytes())
    assert set(artifact) == {"contractName", "abi", "bytecode"}
