"""`wylloh registry`: deployed, opened to a publisher and minted from the command line, on a real chain."""

from __future__ import annotations

import asyncio
import json
import tomllib

import pytest

from tests.components.anvil import anvil
from tests.components.films import make_film
from tests.components.registry import ACCOUNTS, CHAIN_ID, open_pool
from tests.components.server import server_settings, write_settings, wylloh
from tests.components.environment import publish, published, signing_files
from wylloh_server.adapters.chain import RegistryChain
from wylloh_server.domain.types import parse_wallet

ADMIN, FILMMAKER, BUYER = ACCOUNTS[0], ACCOUNTS[2], ACCOUNTS[3]


@pytest.fixture(scope="module")
def node():
    with anvil() as running:
        yield running


def said(*words: object) -> str:
    done = wylloh("registry", *words)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def refusal(*words: object) -> str:
    done = wylloh("registry", *words)
    assert done.returncode == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) <= 2
    return done.stderr


def test_from_an_empty_chain_to_a_token(tmp_path, node):
    admin, filmmaker = signing_files(tmp_path / "a", ADMIN), signing_files(tmp_path / "f", FILMMAKER)
    empty = write_settings(tmp_path / "empty.toml", chain={"rpc": [node.url], "id": int(CHAIN_ID)})
    printed = tomllib.loads(said("deploy", "--admin", ADMIN.address, "--config", empty, *admin.words))
    chain = {"rpc": [node.url], **printed["chain"]}
    settings = server_settings(tmp_path, server={"public_url": "http://127.0.0.1:1"}, chain=chain)

    film = make_film(tmp_path / "evening.mp4", 3)
    assert "publisher role" in publish(settings, film, filmmaker).stderr
    assert "may register films now" in said("grant", FILMMAKER.address, "--config", settings, *admin.words)
    token = published(publish(settings, film, filmmaker)).token
    assert "holds 1,000 more" not in said(
        "mint", token, BUYER.address, 7, "--config", settings, *filmmaker.words
    )
    assert asyncio.run(_held(node, token)) == 7
    assert "registry refused" in refusal(
        "mint", token, BUYER.address, 10**6, "--config", settings, *filmmaker.words
    )
    assert asyncio.run(_held(node, token)) == 7


def test_the_admin_changes_in_two_steps_three_days_apart(tmp_path):
    with anvil() as node:
        admin, heir = signing_files(tmp_path / "a", ADMIN), signing_files(tmp_path / "h", BUYER)
        empty = write_settings(tmp_path / "empty.toml", chain={"rpc": [node.url], "id": int(CHAIN_ID)})
        printed = tomllib.loads(said("deploy", "--admin", ADMIN.address, "--config", empty, *admin.words))
        settings = server_settings(tmp_path, chain={"rpc": [node.url], **printed["chain"]})
        take = ("take-admin", "--config", settings, *heir.words)
        assert "in three days" in said("give-admin", BUYER.address, "--config", settings, *admin.words)
        assert "AccessControlEnforcedDefaultAdminDelay" in refusal(*take)
        asyncio.run(_later(node, 3 * 86_400 + 60))
        assert "The role is yours" in said(*take)
        assert "registry refused" in refusal("grant", BUYER.address, "--config", settings, *admin.words)


async def _later(node, seconds) -> None:
    async with open_pool(node.url) as pool:
        await pool.request("evm_increaseTime", [seconds])
        await pool.request("evm_mine", [])


async def _held(node, token) -> int:
    async with open_pool(node.url, contract=token.contract) as pool:
        return (await RegistryChain(pool).rights(parse_wallet(BUYER.address), token)).stack.holding


def test_a_mistyped_address_is_refused_before_anything_is_asked(tmp_path):
    wrong, settings = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", server_settings(tmp_path)
    assert "is mistyped" in refusal(
        "deploy", "--admin", wrong, "--config", settings, "--wallet", ADMIN.address
    )


def test_for_a_browser_wallet_it_prints_what_to_send(tmp_path, node):
    settings = write_settings(tmp_path / "empty.toml", chain={"rpc": [node.url], "id": int(CHAIN_ID)})
    done = wylloh(
        "registry", "deploy", "--admin", ADMIN.address, "--config", settings, "--wallet", ADMIN.address
    )
    assert done.returncode == 0
    request = json.loads(done.stdout)
    assert request["method"] == "eth_sendTransaction"
    assert request["params"][0]["from"] == parse_wallet(ADMIN.address)


def test_without_a_chain_it_says_so(tmp_path):
    admin, settings = signing_files(tmp_path), server_settings(tmp_path)
    for words in (["deploy", "--admin", ADMIN.address], ["grant", ADMIN.address]):
        assert "chain.rpc" in refusal(*words, "--config", settings, *admin.words)
