"""Calls by name: signatures and types are those of the compiled contracts."""

from __future__ import annotations

import pytest

from wylloh_server.domain.errors import ChainUnavailable, NoContract, WrongChain
from wylloh_server.sdk import ChainError, DeployedContract, NotFound, Wallet

STORE, COIN = (DeployedContract(name, Wallet("0x" + "c1" * 20)) for name in ("FilmStore", "DemoDollar"))


class Chain:
    fault = None

    async def read(self, *question):
        self.question = question
        if self.fault:
            raise self.fault
        return (7,)


async def test_a_function_is_read_with_its_signature_and_types():
    chain = Chain()
    assert await COIN.read(chain, "allowance", STORE.address, COIN.address) == (7,)
    question = (COIN.address, "allowance(address,address)", (STORE.address, COIN.address), ("uint256",))
    assert chain.question == question
    await STORE.read(chain, "listing", 3)
    assert chain.question[3] == ("(address,uint256,uint256,address,uint256,uint16,uint256)",)


@pytest.mark.parametrize("fault", [ChainUnavailable, WrongChain, NoContract])
async def test_a_function_of_a_later_release_is_none_and_a_silent_chain_is_an_error(fault):
    chain = Chain()
    assert await STORE.read_if_known(chain, "TERMS_TYPEHASH") == (7,)
    chain.fault = ChainError("execution reverted")
    assert await STORE.read_if_known(chain, "TERMS_TYPEHASH") is None
    chain.fault = fault("nobody answers")
    with pytest.raises(fault):
        await STORE.read_if_known(chain, "TERMS_TYPEHASH")


def test_a_call_has_the_canonical_signature():
    call = COIN.call("approve", STORE.address, 5, summary="Allow it.")
    assert (call.to, call.function, call.arguments, call.summary) == (
        COIN.address,
        "approve(address,uint256)",
        (STORE.address, 5),
        "Allow it.",
    )
    offer = STORE.call("setOffer", 1, (), summary="")
    terms = "(address,address,uint64,uint64,uint256,(uint256,uint256)[])"
    assert offer.function == f"setOffer(uint256,{terms},uint16)"


def test_a_function_that_the_contract_lacks_is_not_found():
    with pytest.raises(NotFound, match="FilmStore has no function 'approve'"):
        STORE.call("approve", summary="")
