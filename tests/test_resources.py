"""Shipped files are found, and only those."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest

from tests.components.anvil import anvil
from wylloh_server.domain.errors import NotFound
from wylloh_server.resources import VENDOR_FILES, bundled_themes, contract_artifact, vendor_file


@pytest.mark.parametrize("name", ["default", "light"])
def test_a_bundled_theme_has_templates_and_static_files(name: str) -> None:
    assert (bundled_themes()[name] / "templates").is_dir()
    assert (bundled_themes()[name] / "static").is_dir()


def test_every_browser_file_is_there() -> None:
    assert all(vendor_file(name).stat().st_size > 0 for name in VENDOR_FILES)


def test_the_typeface_s_stylesheet_names_only_files_that_are_listed() -> None:
    named = re.findall(r"url\(\./(files/[^)]+)\)", vendor_file("inter/index.css").read_text())
    assert named
    assert {f"inter/{name}" for name in named} <= set(VENDOR_FILES)


@pytest.mark.parametrize("name", ["hls/package.json", "../package.json", "hls/../hls/LICENSE", ""])
def test_a_browser_file_that_is_not_listed_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        vendor_file(name)


@pytest.mark.parametrize(
    "name", ["FilmRegistry", "FilmStore", "RoyaltySplitter", "RoyaltySplitterFactory", "DemoDollar"]
)
def test_a_contracts_artifact_has_abi_and_bytecode(name: str) -> None:
    artifact = json.loads(contract_artifact(name).read_text())
    assert artifact["abi"]
    assert artifact["bytecode"]


@pytest.mark.parametrize("name", ["Missing", "../artifacts/FilmRegistry", ""])
def test_a_contract_that_is_not_ours_is_not_found(name: str) -> None:
    with pytest.raises(NotFound):
        contract_artifact(name)


def test_the_development_chain_answers_with_the_chain_id_it_was_given() -> None:
    with anvil(chain_id=4242) as chain:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}).encode()
        request = urllib.request.Request(chain.url, data=body, headers={"Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=10) as answer:
            assert int(json.load(answer)["result"], 16) == 4242
    assert chain.process.returncode is not None
