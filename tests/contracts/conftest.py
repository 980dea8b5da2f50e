"""A development chain for the contract tests, spoken to by the committed ABI.

The registry's tests go through web3's contract layer; those of store and splitters, which ask far more, through
`tests/components/evm.py`.
"""

from __future__ import annotations

import json
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.exceptions import ContractCustomError

from tests.components.anvil import anvil
from tests.components.evm import Evm, Reverted
from tests.components.market import open_market
from wylloh_server.resources import contract_artifact


@pytest.fixture(scope="session")
def chain_url():
    with anvil() as chain:
        yield chain.url


@pytest.fixture
async def w3(chain_url):
    provider = AsyncHTTPProvider(chain_url, exception_retry_configuration=None)
    yield AsyncWeb3(provider)
    await provider.disconnect()


@pytest.fixture
async def accounts(w3):
    return await w3.eth.accounts


@pytest.fixture
async def registry(w3, accounts):
    """A fresh registry whose admin and publisher is the first account."""
    artifact = json.loads(Path(contract_artifact("FilmRegistry")).read_text())
    factory = w3.eth.contract(abi=artifact["abi"], bytecode=artifact["bytecode"])
    receipt = await mined(w3, factory.constructor(accounts[0]), accounts[0])
    return w3.eth.contract(address=receipt["contractAddress"], abi=artifact["abi"])


async def mined(w3, call, sender):
    tx_hash = await call.transact({"from": sender})
    receipt = await w3.eth.wait_for_transaction_receipt(tx_hash)
    assert receipt["status"] == 1
    return receipt


@pytest.fixture
def transact(w3, accounts):
    async def run(call, sender=None):
        return await mined(w3, call, sender or accounts[0])

    return run


@pytest.fixture
def refused(accounts):
    """Assert that a call reverts with the custom error of this signature."""

    async def check(call, signature, sender=None):
        with pytest.raises(ContractCustomError) as caught:
            await call.call({"from": sender or accounts[0]})
        assert caught.value.data[:10] == "0x" + keccak(text=signature)[:4].hex()

    return check


@pytest.fixture(scope="session")
def evm(chain_url):
    with closing(Evm(chain_url)) as connection:
        yield connection


@pytest.fixture(scope="session")
def opened(evm):
    return open_market(evm)


@pytest.fixture
def clean(evm):
    """Whatever the test does to the chain is undone."""
    snapshot = evm.snapshot()
    yield
    evm.revert(snapshot)


@pytest.fixture
def market(opened, clean):
    """A store that sells, as it was when it opened."""
    return opened


@pytest.fixture
def earlier(evm, clean):
    """A store over a registry of an earlier release, which knows no highest royalty."""
    return open_market(evm, "EarlierFilmRegistry")


@pytest.fixture
def refuses():
    """Assert that a block is refused by a contract with this error and these arguments."""
    return _refuses


@contextmanager
def _refuses(name, *arguments):
    with pytest.raises(Reverted) as caught:
        yield
    assert (caught.value.name, caught.value.arguments[: len(arguments)]) == (name, arguments)
