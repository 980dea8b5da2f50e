"""Publishing: with a key store file for one command, or prepared for a browser wallet."""

from __future__ import annotations

import asyncio
import json

import pytest
from eth_account import Account

from tests.components.registry import ACCOUNTS, LADDER, ROOT, SHA256, transfer
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.adapters.chain.eth_keyfile import load_keystore
from wylloh_server.adapters.chain.registry_calls import NewFilm
from wylloh_server.adapters.chain.transaction_sender import prepare, send
from wylloh_server.domain.errors import ChainError, ChainUnavailable, InvalidValue
from wylloh_server.domain.rights import RightsLadder, Tier
from wylloh_server.domain.types import Seconds, parse_wallet

PUBLISHER, STRANGER = ACCOUNTS[0], ACCOUNTS[3]


@pytest.fixture(scope="module")
def keystore(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "publisher.json"
    path.write_text(json.dumps(Account.encrypt(PUBLISHER.key, "correct horse", iterations=4096)))
    return path


def new_film(token, **changes):
    values = {
        "root": ROOT,
        "manifest_sha256": SHA256,
        "max_supply": 10_000,
        "royalty_receiver": parse_wallet(PUBLISHER.address),
        "royalty_basis_points": 500,
        "ladder": LADDER,
    }
    return registry_calls.create_film(NewFilm(token, **(values | changes)))


async def test_a_key_store_opens_with_its_password(keystore):
    assert (await load_keystore(keystore, "correct horse")).address == PUBLISHER.address


async def test_a_wrong_password_is_told_plainly(keystore):
    with pytest.raises(InvalidValue, match="the password does not open") as caught:
        await load_keystore(keystore, "battery staple")
    assert caught.value.fix


@pytest.mark.parametrize(
    "content",
    [b"", b"not json", b"[]", b"{}", b'{"version": 1}', b'{"version": 3, "crypto": {}}', b"\xff\xfe"],
)
async def test_what_is_no_key_store_is_refused(tmp_path, content):
    path = tmp_path / "file.json"
    path.write_bytes(content)
    with pytest.raises(InvalidValue, match="not an Ethereum key store"):
        await load_keystore(path, "x")


async def test_a_missing_key_store_is_refused(tmp_path):
    with pytest.raises(InvalidValue, match="cannot be read"):
        await load_keystore(tmp_path / "nowhere.json", "x")


async def test_a_transaction_prepared_for_a_browser_wallet_works_there(registry):
    """The node signs it with an unlocked account, as a browser wallet would."""
    token = registry.new_token()
    prepared = await prepare(registry.pool, new_film(token), parse_wallet(PUBLISHER.address))
    assert set(prepared) == {"from", "to", "data", "value", "gas", "chainId"}
    receipt = await registry.pool.request("eth_sendTransactionSync", [prepared])
    assert receipt["status"] == "0x1"
    await registry.mint(token, parse_wallet(STRANGER.address), 3)


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"max_supply": 0}, "EmptySupply"),
        ({"royalty_basis_points": 2_501}, "RoyaltyAboveLimit"),
        ({"ladder": RightsLadder((Tier(10_001, "personal"),))}, "ThresholdAboveSupply"),
    ],
)
async def test_the_contracts_reason_is_told_before_anything_is_sent(registry, changes, name):
    with pytest.raises(ChainError, match=f"the registry refused: {name}") as caught:
        await registry.send(new_film(registry.new_token(), **changes))
    assert caught.value.fix


async def test_who_may_not_publish_is_told_what_to_ask_for(registry):
    with pytest.raises(ChainError, match="AccessControlUnauthorizedAccount") as caught:
        await registry.send(new_film(registry.new_token()), STRANGER)
    assert "publisher role" in caught.value.fix


async def test_a_publisher_is_made_by_the_admin(registry):
    stranger = parse_wallet(STRANGER.address)
    await registry.send(registry_calls.grant_publisher(registry.contract, stranger))
    token = type(registry.new_token())(
        registry.pool.chain_id, registry.contract, registry_calls.new_token_id(stranger)
    )
    assert (await registry.send(new_film(token), STRANGER)).block > 0


@pytest.mark.parametrize(
    "changes",
    [
        {"max_supply": -1},
        {"max_supply": 1 << 256},
        {"manifest_sha256": "ab"},
        {"royalty_basis_points": 1 << 96},
    ],
)
async def test_values_that_fit_no_contract_are_refused(registry, changes):
    with pytest.raises(InvalidValue):
        new_film(registry.new_token(), **changes)


async def test_an_account_that_cannot_pay_is_told_so(registry):
    poor = Account.create()
    with pytest.raises(ChainUnavailable, match="(?i)insufficient funds"):
        await registry.send(transfer(await registry.film(), poor.address, poor.address, 0), poor)


async def test_a_transaction_that_is_not_mined_names_its_hash(registry):
    token = await registry.film()
    await registry.pool.request("evm_setAutomine", [False])
    try:
        with pytest.raises(ChainUnavailable, match="0x[0-9a-f]{64} was sent"):
            await send(
                registry.pool,
                registry_calls.mint(token, parse_wallet(STRANGER.address), 1),
                PUBLISHER,
                patience=Seconds(0.3),
            )
    finally:
        await registry.pool.request("evm_setAutomine", [True])
        await registry.pool.request("anvil_mine", ["0x1"])


def test_a_token_id_begins_with_its_publisher():
    wallet = parse_wallet(PUBLISHER.address)
    first, second = registry_calls.new_token_id(wallet), registry_calls.new_token_id(wallet)
    assert first != second
    assert f"0x{first >> 96:040x}" == f"0x{second >> 96:040x}" == wallet
