from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import open_market

sys.path.insert(0, str(Path(__file__).parent))  # `store_samples` and `store_on_chain`, beside the tests


@pytest.fixture
def store(plugin_app, monkeypatch):
    """The plugin with three films that have tokens; a busy machine is not a slow chain."""
    import store_samples
    from wylloh_store import requests

    monkeypatch.setattr(requests, "_ANSWER_SECONDS", 30)
    monkeypatch.setattr(requests, "_HOLDINGS_SECONDS", 30)

    def run(**options):
        return plugin_app("wylloh_store", **{"films": store_samples.FILMS} | options)

    return run


@pytest.fixture(scope="session")
def chain():
    with anvil() as running:
        evm = Evm(running.url)
        yield running.url, evm
        evm.close()


@pytest.fixture
def market(chain):
    """A film of which 400 tokens are on sale, for a price list from 5.00 to 3.00 dUSD. Undone after each test."""
    _, evm = chain
    before = evm.snapshot()
    yield open_market(evm)
    evm.revert(before)
