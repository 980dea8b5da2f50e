"""Shipped files are found, and only those."""

from __future__ import annotations

import json
import re
import urllib.request

import pytest

from tests.components.anvil import anvil
from wylloh_server.domain.errors import NotFound
from wylloh_server.resources import VENDOR_FILES, contract_artifact, theme_dir, vendor_file


def test_the_default_theme_has_templates_and_static_files() -> None:
    assert (theme_dir("default") / "templates").is_dir()
    assert (theme_dir("default") / "static").is_dir()


@pytest.mark.parametrize("name", ["missing", "..", "../themes", "default/../default", "/etc", ""])
def test_a_theme_that_is_not_ours_is_not_found(name: str) -> None:
    with pytest.raises(NotFound) as caught:
        theme_dir(name)
    assert caught.value.fix


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
