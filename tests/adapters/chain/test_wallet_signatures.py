"""Signatures: own keys, contract wallets, and everything that only looks like one."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer
from eth_account import Account
from eth_account.messages import encode_defunct, encode_typed_data

from tests.components.registry import ACCOUNTS, open_pool
from tests.components.rpc_proxy import rpc_proxy
from wylloh_server.adapters.chain import (
    RegistryChain,
    manifest_digest,
    manifest_typed_data,
    registry_calls,
    sign_manifest,
)
from wylloh_server.adapters.chain.transaction_sender import send
from wylloh_server.domain.errors import ChainUnavailable, InvalidValue
from wylloh_server.domain.types import ChainId, Seconds, TokenReference, parse_wallet

TEST_ARTIFACTS = Path(__file__).resolve().parents[3] / "contracts/test/artifacts"
ORDER = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
TEXT = "example.org wants you to sign in.\nNonce: 8fj2\nTränen der Welt"
OWNER, STRANGER = ACCOUNTS[1], ACCOUNTS[2]
TOKEN = TokenReference(ChainId(31337), parse_wallet("0x" + "ab" * 20), int(OWNER.address, 16) << 96 | 12345)
SHA256 = "5e" * 32


def signed(account, text=TEXT):
    return "0x" + account.sign_message(encode_defunct(text=text)).signature.hex()


def twin(signature):
    """The second signature that anybody can make out of a first: s turned over, v flipped."""
    r, s, v = signature[2:66], int(signature[66:130], 16), int(signature[130:], 16)
    return f"0x{r}{ORDER - s:064x}{55 - v:02x}"


@pytest.fixture
def signatures(pool):
    return RegistryChain(pool)


@pytest.fixture
def contract_wallet(pool):
    async def make(name, values):
        creation = registry_calls.deploy(TEST_ARTIFACTS / f"{name}.json", values)
        return (await send(pool, creation, ACCOUNTS[0])).contract

    return make


async def test_an_account_signs_a_message(signatures):
    wallet = parse_wallet(OWNER.address)
    assert await signatures.signed_message(wallet, TEXT, signed(OWNER))
    assert not await signatures.signed_message(wallet, TEXT + ".", signed(OWNER))
    assert not await signatures.signed_message(wallet, TEXT, signed(STRANGER))


async def test_own_keys_need_no_chain():
    async with open_pool("http://127.0.0.1:9") as pool:
        assert await RegistryChain(pool).signed_message(parse_wallet(OWNER.address), TEXT, signed(OWNER))
        with pytest.raises(ChainUnavailable):
            await RegistryChain(pool).signed_message(parse_wallet(OWNER.address), TEXT, signed(STRANGER))


async def test_both_spellings_of_the_recovery_number(signatures):
    signature = signed(OWNER)
    low = signature[:-2] + f"{int(signature[-2:], 16) - 27:02x}"
    assert await signatures.signed_message(parse_wallet(OWNER.address), TEXT, low)
    assert await signatures.signed_message(parse_wallet(OWNER.address), TEXT, "0x" + signature[2:].upper())


async def test_the_high_s_twin_is_refused(signatures):
    other = twin(signed(OWNER))
    assert Account.recover_message(encode_defunct(text=TEXT), signature=other) == OWNER.address
    assert not await signatures.signed_message(parse_wallet(OWNER.address), TEXT, other)


@pytest.mark.parametrize(
    "signature",
    [
        "",
        "0x",
        "nonsense",
        "0xabc",
        signed(OWNER)[2:],
        signed(OWNER) + "\n",
        signed(OWNER)[:-2],
        signed(OWNER) + "00",
        "0x" + "00" * 65,
        "0x" + "ff" * 65,
        "0x" + "00" * 32 + signed(OWNER)[66:],
        signed(OWNER)[:66] + "00" * 32 + "1b",
        f"0x{ORDER:064x}" + signed(OWNER)[66:],
        signed(OWNER)[:-2] + "1d",
        "0x" + "11" * 20_000,
    ],
)
async def test_what_is_no_signature_is_no(signatures, signature):
    assert not await signatures.signed_message(parse_wallet(OWNER.address), TEXT, signature)


async def test_a_contract_wallet_says_yes_for_its_owner(signatures, contract_wallet):
    wallet = await contract_wallet("OwnedWallet", [OWNER.address])
    assert await signatures.signed_message(wallet, TEXT, signed(OWNER))
    assert not await signatures.signed_message(wallet, TEXT, signed(STRANGER))
    assert not await signatures.signed_message(wallet, TEXT + "!", signed(OWNER))
    assert not await signatures.signed_message(wallet, TEXT, "0x1234")


async def test_a_wallet_that_wants_a_url_fetched_gets_no_and_no_visit(signatures, contract_wallet, pool):
    visits = []

    async def visited(request):
        visits.append(request.path)
        return web.json_response({"data": "0x"})

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", visited)
    server = TestServer(app)
    await server.start_server()
    url = str(server.make_url("/{sender}/{data}"))
    wallet = await contract_wallet("HostileWallet", [url])
    assert not await signatures.signed_message(wallet, TEXT, signed(OWNER))
    await server.close()
    assert visits == []
    assert (await RegistryChain(pool).status()).usable


@pytest.mark.parametrize(
    "code",
    [
        "0x5b600056",  # for ever
        "0x600160005260206000f3",  # gives 1
        "0x631626ba7e60e01b60005260046000f3",  # gives the magic, but four bytes and not a word
        "0x631626ba7e60005260206000f3",  # gives the magic at the wrong end
        "0x6324000000600052630fffffff6000fd",  # reverts with a flood
        "0x634e487b7160e01b60005260046000fd",  # reverts with a panic cut short
        "0x63556f183060e01b60005260046000fd",  # reverts with a look-up cut short
        "0xfe",  # invalid
        "0x00",  # gives nothing
    ],
)
async def test_a_contract_that_misbehaves_is_no(signatures, pool, code):
    wallet = parse_wallet("0x" + "c0de" * 10)
    await pool.request("anvil_setCode", [wallet, code])
    assert not await signatures.signed_message(wallet, TEXT, signed(OWNER))
    assert (await RegistryChain(pool).status()).usable


async def test_the_magic_word_is_yes(signatures, pool):
    wallet = parse_wallet("0x" + "c0de" * 10)
    await pool.request("anvil_setCode", [wallet, "0x631626ba7e60e01b60005260206000f3"])
    assert await signatures.signed_message(wallet, TEXT, "0x00")


async def test_a_wallet_that_takes_for_ever_is_no_and_the_node_stays_trusted(chain):
    async with rpc_proxy(chain.url) as slow, open_pool(slow.url, cool_down=3600) as pool:
        wallet = parse_wallet("0x" + "51" * 20)
        await pool.request("anvil_setCode", [wallet, "0x00"])

        def stall_calls(method, params):
            slow.stalled = method == "eth_getCode" and params[0] == wallet
            return None

        slow.refusal = stall_calls
        signatures = RegistryChain(pool, patience=Seconds(0.2))
        assert not await signatures.signed_message(wallet, TEXT, signed(OWNER))
        slow.stalled, slow.refusal = False, lambda method, params: None
        assert (await RegistryChain(pool).status()).usable


async def test_a_manifest_signature_binds_film_digest_and_publisher(signatures):
    publisher, signature = parse_wallet(OWNER.address), sign_manifest(OWNER, TOKEN, SHA256)
    assert await signatures.signed_manifest(publisher, TOKEN, SHA256, signature)
    assert await signatures.signed_manifest(publisher, TOKEN, SHA256.upper(), signature)
    others = [
        TokenReference(ChainId(1), TOKEN.contract, TOKEN.token_id),
        TokenReference(TOKEN.chain_id, publisher, TOKEN.token_id),
        TokenReference(TOKEN.chain_id, TOKEN.contract, TOKEN.token_id + 1),
    ]
    for other in others:
        assert not await signatures.signed_manifest(publisher, other, SHA256, signature)
    assert not await signatures.signed_manifest(publisher, TOKEN, "5f" * 32, signature)
    assert not await signatures.signed_manifest(parse_wallet(STRANGER.address), TOKEN, SHA256, signature)
    assert not await signatures.signed_manifest(publisher, TOKEN, "short", signature)
    assert not await signatures.signed_manifest(publisher, TOKEN, SHA256, twin(signature))


async def test_a_contract_wallet_can_publish(signatures, contract_wallet):
    wallet = await contract_wallet("OwnedWallet", [OWNER.address])
    assert await signatures.signed_manifest(wallet, TOKEN, SHA256, sign_manifest(OWNER, TOKEN, SHA256))


async def test_a_contract_wallet_that_cannot_be_asked_now_is_no_no_for_a_package(chain, contract_wallet):
    """A package that is refused is refused for good; a rate limit or a slow moment must not do that."""
    wallet = await contract_wallet("OwnedWallet", [OWNER.address])
    signature = sign_manifest(OWNER, TOKEN, SHA256)
    async with rpc_proxy(chain.url) as proxy, open_pool(proxy.url) as pool:
        signatures = RegistryChain(pool, patience=Seconds(0.2))
        proxy.refusal = lambda method, params: "limit exceeded" if method == "eth_call" else None
        with pytest.raises(ChainUnavailable, match="no answer"):
            await signatures.signed_manifest(wallet, TOKEN, SHA256, signature)
        assert not await signatures.signed_message(wallet, TEXT, signed(OWNER))
        proxy.refusal = lambda method, params: None
        assert await signatures.signed_manifest(wallet, TOKEN, SHA256, signature)


async def test_12_1_nodes_that_refuse_to_ask_a_contract_wallet_do_not_say_no(chain, contract_wallet):
    """Two of three reached their rate limit: nobody says no, and the third contradicts nobody."""
    wallet = await contract_wallet("OwnedWallet", [parse_wallet(OWNER.address)])
    async with AsyncExitStack() as stack:
        proxies = [await stack.enter_async_context(rpc_proxy(chain.url)) for _ in range(3)]
        pool = await stack.enter_async_context(open_pool(*(proxy.url for proxy in proxies)))
        signatures = RegistryChain(pool)
        for proxy in proxies[:2]:
            proxy.refusal = lambda method, params: "limit exceeded" if method == "eth_call" else None
        with pytest.raises(ChainUnavailable, match="only 1 of 3 answered"):
            await signatures.signed_message(wallet, TEXT, signed(OWNER))
        assert not any(node.contradiction for node in pool.nodes)
        for proxy in proxies:
            proxy.refusal = proxies[0].refusal
        assert not await signatures.signed_message(wallet, TEXT, signed(OWNER)), "it answers nobody"
        for proxy in proxies:
            proxy.refusal = lambda method, params: "limit exceeded" if method == "eth_getCode" else None
        with pytest.raises(ChainUnavailable, match="limit exceeded"):
            await signatures.signed_message(wallet, TEXT, signed(OWNER))


async def test_the_node_signs_the_typed_data_alike(pool):
    """Anvil's own eth_signTypedData_v4, written in Rust, is the oracle for what a browser wallet makes."""
    typed = manifest_typed_data(TOKEN, SHA256)
    from_node = await pool.request("eth_signTypedData_v4", [OWNER.address, typed])
    assert from_node == sign_manifest(OWNER, TOKEN, SHA256)


def test_the_digest_is_what_eth_account_signs():
    encoded = encode_typed_data(full_message=manifest_typed_data(TOKEN, SHA256))
    signature = Account.sign_message(encoded, OWNER.key)
    assert bytes(signature.message_hash) == manifest_digest(TOKEN, SHA256)


def test_a_digest_must_be_a_digest():
    with pytest.raises(InvalidValue):
        manifest_typed_data(TOKEN, "5e" * 31)


def test_an_address_is_written_with_its_checksum(signatures):
    """The first example of EIP-55."""
    wallet = parse_wallet("0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed")
    assert signatures.checksummed(wallet) == "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed"


async def test_many_sign_ins_at_once(signatures):
    wallet = parse_wallet(OWNER.address)
    answers = await asyncio.gather(
        *(signatures.signed_message(wallet, TEXT, signed(OWNER)) for _ in range(10))
    )
    assert all(answers)
