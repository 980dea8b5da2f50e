"""`wylloh registry` for the store and the splitters: deployed and looked after from the command line."""

from __future__ import annotations

import asyncio
import json
import tomllib

import pytest

from tests.components.anvil import anvil
from tests.components.registry import ACCOUNTS, CHAIN_ID, deployed, open_pool
from tests.components.server import server_settings, wylloh
from tests.components.environment import signing_files
from wylloh_server.adapters.chain.registry_calls import call, deploy
from wylloh_server.adapters.chain.transaction_sender import send
from wylloh_server.domain.types import parse_wallet
from wylloh_server.resources import contract_artifact

OWNER, STRANGER = ACCOUNTS[0], ACCOUNTS[1]


@pytest.fixture(scope="module")
def node():
    with anvil() as running:
        yield running


@pytest.fixture(scope="module")
def chain(node):
    """Settings of a chain with a registry, and a coin on it."""
    return asyncio.run(_prepared(node.url))


async def _prepared(url) -> dict:
    async with deployed(url) as registry:
        coin = (await registry.send(deploy(contract_artifact("DemoDollar"), ()))).contract
        return {"coin": coin, "rpc": [url], "id": int(CHAIN_ID), "contract": registry.contract}


@pytest.fixture(scope="module")
def coin(chain):
    return chain.pop("coin")


def run(folder, chain, *words, signer=OWNER):
    settings = server_settings(folder, server={"public_url": "http://127.0.0.1:1"}, chain=chain)
    return wylloh("registry", *words, "--config", settings, *signing_files(folder / "keys", signer).words)


def said(*arguments, **options) -> str:
    done = run(*arguments, **options)
    assert (done.returncode, done.stderr) == (0, ""), done
    return done.stdout


def refusal(*arguments, **options) -> str:
    done = run(*arguments, **options)
    assert (done.returncode, done.stdout) == (1, ""), done
    assert len(done.stderr.splitlines()) <= 2
    return done.stderr


def asked(chain, contract, function, *values) -> int:
    """The first word of what a contract answers."""
    return int(asyncio.run(_asked(chain, contract, function, values))[:66], 16)


async def _asked(chain, contract, function, values) -> str:
    question = call(contract, function, values)
    async with open_pool(*chain["rpc"], contract=chain["contract"]) as pool:
        return await pool.request("eth_call", [{"to": contract, "data": question.data}, "latest"])


def test_a_store_from_nothing_to_its_first_coin(tmp_path, chain, coin):
    receiver = parse_wallet(STRANGER.address)
    words = ("deploy-store", "--owner", OWNER.address, "--fee", 250, "--fee-receiver", receiver)
    store = tomllib.loads(said(tmp_path, chain, *words))["chain"]["store"]
    chain = {**chain, "store": store}
    assert asked(chain, store, "registry()") == int(chain["contract"], 16)
    assert asked(chain, store, "owner()") == int(OWNER.address, 16)
    assert asked(chain, store, "feeBasisPoints()") == 250
    assert asked(chain, store, "MAX_FEE()") == 1000
    assert asked(chain, store, "feeReceiver()") == int(receiver, 16)

    assert asked(chain, store, "acceptsCoin(address)", coin) == 0
    assert said(tmp_path, chain, "accept-coin", coin) == f"The store accepts {coin}.\n"
    assert asked(chain, store, "acceptsCoin(address)", coin) == 1
    assert "no longer accepts" in said(tmp_path, chain, "accept-coin", coin, "--no-longer")
    assert asked(chain, store, "acceptsCoin(address)", coin) == 0

    assert "keeps 1.25 %" in said(tmp_path, chain, "set-fee", 125, "--receiver", OWNER.address)
    assert asked(chain, store, "feeBasisPoints()") == 125
    assert asked(chain, store, "feeReceiver()") == int(OWNER.address, 16)


def test_a_refusal_names_the_store_and_what_to_do(tmp_path, chain, coin):
    words = ("deploy-store", "--owner", OWNER.address)
    chain = {**chain, **tomllib.loads(said(tmp_path, chain, *words))["chain"]}
    assert asked(chain, chain["store"], "feeReceiver()") == int(OWNER.address, 16)
    complaint = refusal(tmp_path, chain, "accept-coin", coin, signer=STRANGER)
    assert "the store refused: OwnableUnauthorizedAccount" in complaint
    assert "owns the store" in complaint
    complaint = refusal(tmp_path, chain, "accept-coin", STRANGER.address)
    assert "the store refused: BadCoin" in complaint
    assert "ERC-20" in complaint
    complaint = refusal(tmp_path, chain, "set-fee", 10, "--receiver", chain["store"])
    assert "the store refused: BadPayee" in complaint


def test_a_fee_above_the_most_is_refused_before_anything_is_sent(tmp_path, chain):
    done = run(tmp_path, chain, "deploy-store", "--owner", OWNER.address, "--fee", 1001)
    assert done.returncode == 2
    assert "0<=x<=1000" in done.stderr


def test_splitters_come_from_a_factory_that_nobody_owns(tmp_path, chain, coin):
    printed = said(tmp_path, chain, "deploy-splitters")
    splitters = tomllib.loads(printed)["chain"]["splitters"]
    makes = call(splitters, "create(address,(address,uint16,string)[],address[])", _halves(coin))

    async def create():
        async with open_pool(*chain["rpc"], contract=chain["contract"]) as pool:
            return await send(pool, makes, STRANGER)

    assert asyncio.run(create()).block > 0


def _halves(coin):
    shares = [(parse_wallet(account.address), 5_000, "") for account in (OWNER, STRANGER)]
    return parse_wallet(STRANGER.address), shares, [coin]


def test_without_a_store_it_says_how_to_get_one(tmp_path, chain, coin):
    for words in (("accept-coin", coin), ("set-fee", 1, "--receiver", OWNER.address)):
        assert "deploy-store" in refusal(tmp_path, chain, *words)


def test_without_a_chain_it_says_so(tmp_path):
    for words in (("deploy-store", "--owner", OWNER.address), ("deploy-splitters",)):
        assert "chain.rpc" in refusal(tmp_path, {}, *words)


def test_for_a_browser_wallet_it_prints_what_to_send(tmp_path, chain):
    settings = server_settings(tmp_path, server={"public_url": "http://127.0.0.1:1"}, chain=chain)
    words = ("deploy-store", "--owner", OWNER.address, "--config", settings, "--wallet", OWNER.address)
    done = wylloh("registry", *words)
    assert done.returncode == 0
    assert json.loads(done.stdout)["params"][0]["from"] == parse_wallet(OWNER.address)
