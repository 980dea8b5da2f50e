from __future__ import annotations

import pytest

from tests.components.anvil import anvil
from tests.components.evm import Evm
from tests.components.market import open_market
from tests.components.registry import open_pool
from wylloh_server.adapters.chain import PoolContractReader
from wylloh_server.adapters.chain.abi_codec import selector
from wylloh_server.adapters.chain.contract_abi import abi_function
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.contract_answers import HOLDERS_LADDER_INTERFACE, SALE_TERMS_TYPEHASH
from wylloh_server.domain.types import Wallet
from wylloh_server.services.operations.contract_releases import check_contracts
from wylloh_server.services.operations.health import CheckFailed


STORE = Wallet("0x" + "51" * 20)


@pytest.fixture(scope="module")
def node():
    with anvil() as running:
        yield running


@pytest.fixture(scope="module")
def deployed(node):
    """Registry and store of this release, and of an earlier one."""
    evm = Evm(node.url)
    now, before = open_market(evm), open_market(evm, "EarlierFilmRegistry")
    old = evm.deploy("EarlierFilmStore", before.registry, now.owner, now.fees, 250)
    evm.close()
    return (now.registry.address, now.store.address), (before.registry.address, old.address)


async def checked(url, registry, store):
    async with open_pool(url) as pool:
        return await check_contracts(PoolContractReader(pool), Contracts(registry, store, None))


def test_the_id_is_that_of_the_interface():
    functions = [abi_function("FilmRegistry", name).signature for name in ("setLadder", "FIRST_RIGHT")]
    first, second = map(selector, functions)
    assert bytes(a ^ b for a, b in zip(first, second, strict=True)) == HOLDERS_LADDER_INTERFACE


async def test_contracts_of_this_release(node, deployed):
    assert "of this release" in await checked(node.url, *deployed[0])
    assert await checked(node.url, None, None) == "None is configured."


async def test_a_registry_of_an_earlier_release_is_followed(node, deployed):
    (_, store), (registry, _) = deployed
    said = await checked(node.url, registry, store)
    assert (
        said == "The registry is of an earlier release. Holders keep here what its ladders gave them before."
    )


async def test_a_store_of_an_earlier_release_is_said_with_what_to_do(node, deployed):
    with pytest.raises(CheckFailed, match="nothing is bought") as caught:
        await checked(node.url, deployed[0][0], deployed[1][1])
    assert "wylloh registry deploy-store" in caught.value.fix


@pytest.mark.parametrize(
    ("answer", "accepted"), [(SALE_TERMS_TYPEHASH, True), (b"\1" * 32, False), (bytes(32), False)]
)
async def test_a_store_that_binds_to_other_terms_is_of_another_release_too(answer, accepted):
    """The plugin that sells asks for the same, so that doctor says what buyers meet."""

    class Reader:
        async def read(self, contract, function, arguments, returns):
            return (answer,)

    checking = check_contracts(Reader(), Contracts(None, STORE, None))
    if accepted:
        assert "of this release" in await checking
    else:
        with pytest.raises(CheckFailed, match="another release"):
            await checking


async def test_a_silent_chain_says_nothing_about_contracts(deployed):
    assert "Not known" in await checked("http://127.0.0.1:9", *deployed[0])
