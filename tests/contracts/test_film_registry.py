"""What FilmRegistry allows, refuses and announces, on a real chain."""

from __future__ import annotations

import random
import secrets

import pytest
from eth_utils.crypto import keccak
from web3.exceptions import ContractCustomError
from web3.logs import DISCARD

CID = "bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi"
SHA256 = bytes.fromhex("ab" * 32)
LADDER = [
    (1, "personal", [], 0),
    (100, "small-venue", ["AT", "DE"], 50),
    (1_000, "festival-of-our-own", ["FR"], 0),
]
SUPPLY = 1_000
UINT256_MAX = 2**256 - 1
ZERO = "0x" + 40 * "0"


def token_of(publisher, salt=None):
    return int(publisher, 16) << 96 | (secrets.randbits(96) if salt is None else salt)


@pytest.fixture
def new_film(registry, accounts):
    def build(token, *, cid=CID, sha256=SHA256, supply=SUPPLY, royalty=500, ladder=LADDER):
        return registry.functions.createFilm(token, cid, sha256, supply, accounts[9], royalty, ladder)

    return build


@pytest.fixture
async def film(new_film, transact, accounts):
    token = token_of(accounts[0])
    await transact(new_film(token))
    return token


async def test_a_film_reads_back_as_it_was_created(registry, film, accounts):
    assert await registry.functions.filmOf(film).call() == (accounts[0], CID, SHA256, SUPPLY)
    assert await registry.functions.ladderOf(film).call() == LADDER
    assert await registry.functions.uri(film).call() == f"ipfs://{CID}/manifest.json"
    assert await registry.functions.royaltyInfo(film, 10_000).call() == [accounts[9], 500]
    assert await registry.functions.totalSupply(film).call() == 0


async def test_creating_announces_film_and_ladder(registry, new_film, transact, accounts):
    token = token_of(accounts[0])
    receipt = await transact(new_film(token))
    (created,) = registry.events.FilmCreated().process_receipt(receipt, errors=DISCARD)
    assert created["args"] == {
        "tokenId": token,
        "publisher": accounts[0],
        "packageCid": CID,
        "manifestSha256": SHA256,
        "maxSupply": SUPPLY,
        "royaltyReceiver": accounts[9],
        "royaltyBasisPoints": 500,
    }
    (changed,) = registry.events.LadderChanged().process_receipt(receipt, errors=DISCARD)
    assert changed["args"]["tokenId"] == token
    assert [tier["threshold"] for tier in changed["args"]["tiers"]] == [1, 100, 1_000]


@pytest.mark.parametrize(
    "interface", ["0xd9b67a26", "0x0e89341c", "0x2a55205a", "0x7965db0b", "0x01ffc9a7", "0x31498786"]
)
async def test_it_says_which_standards_it_speaks(registry, interface):
    """ERC-1155, its metadata, ERC-2981, AccessControl, ERC-165, AccessControlDefaultAdminRules."""
    assert await registry.functions.supportsInterface(interface).call()


async def test_nobody_can_take_another_publishers_token_id(new_film, refused, accounts):
    for token in (token_of(accounts[1]), 0, 7, token_of(accounts[0]) ^ (1 << 255)):
        await refused(new_film(token), "TokenIdNotYours(uint256,address)")


async def test_a_token_id_is_used_once(new_film, refused, film):
    await refused(new_film(film), "FilmExists(uint256)")


async def test_creating_needs_the_role(registry, new_film, refused, transact, accounts):
    token = token_of(accounts[1])
    await refused(new_film(token), "AccessControlUnauthorizedAccount(address,bytes32)", accounts[1])
    role = await registry.functions.PUBLISHER_ROLE().call()
    assert role == keccak(text="PUBLISHER_ROLE")
    await transact(registry.functions.grantRole(role, accounts[1]))
    await transact(new_film(token), accounts[1])
    assert (await registry.functions.filmOf(token).call())[0] == accounts[1]


async def test_a_publisher_cannot_make_publishers(registry, refused, transact, accounts):
    role = await registry.functions.PUBLISHER_ROLE().call()
    await transact(registry.functions.grantRole(role, accounts[1]))
    grant = registry.functions.grantRole(role, accounts[2])
    await refused(grant, "AccessControlUnauthorizedAccount(address,bytes32)", accounts[1])


async def test_revoking_the_role_freezes_the_publishers_films(registry, film, refused, transact, accounts):
    role = await registry.functions.PUBLISHER_ROLE().call()
    await transact(registry.functions.revokeRole(role, accounts[0]))
    for call in (
        registry.functions.mint(accounts[5], film, 1),
        registry.functions.setLadder(film, LADDER),
        registry.functions.setPackage(film, CID, SHA256),
    ):
        await refused(call, "AccessControlUnauthorizedAccount(address,bytes32)")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"cid": ""}, "EmptyPackageCid()"),
        ({"sha256": bytes(32)}, "EmptyManifestHash()"),
        ({"supply": 0}, "EmptySupply()"),
        ({"royalty": 2_501}, "RoyaltyAboveLimit(uint96,uint96)"),
        ({"royalty": 10_001}, "RoyaltyAboveLimit(uint96,uint96)"),
        ({"ladder": []}, "EmptyLadder()"),
        ({"ladder": [(2, "personal", [], 0)]}, "LadderMustStartWithWatching()"),
        ({"ladder": [(1, "small-venue", [], 0)]}, "LadderMustStartWithWatching()"),
        ({"ladder": [(1, "personal", ["AT"], 0)]}, "LadderMustStartWithWatching()"),
        ({"ladder": [(1, "personal", [], 4)]}, "LadderMustStartWithWatching()"),
        ({"ladder": [(n + 1, "x", [], 0) for n in range(33)]}, "LadderTooLong(uint256)"),
        ({"ladder": [(0, "x", [], 0)]}, "ThresholdNotAscending(uint256,uint256)"),
        ({"ladder": [(5, "x", [], 0), (5, "y", [], 0)]}, "ThresholdNotAscending(uint256,uint256)"),
        ({"ladder": [(5, "x", [], 0), (4, "y", [], 0)]}, "ThresholdNotAscending(uint256,uint256)"),
        ({"ladder": [(SUPPLY + 1, "x", [], 0)]}, "ThresholdAboveSupply(uint256,uint256,uint256)"),
        ({"ladder": [(1, "", [], 0)]}, "BadRight(uint256)"),
        ({"ladder": [(1, "r" * 65, [], 0)]}, "BadRight(uint256)"),
        ({"ladder": [(1, "x", ["de"], 0)]}, "BadTerritory(uint256,string)"),
        ({"ladder": [(1, "x", ["DE", "DEU"], 0)]}, "BadTerritory(uint256,string)"),
        ({"ladder": [(1, "x", ["D1"], 0)]}, "BadTerritory(uint256,string)"),
        ({"ladder": [(1, "x", [""], 0)]}, "BadTerritory(uint256,string)"),
    ],
)
async def test_a_film_that_makes_no_sense_is_refused(new_film, refused, accounts, changes, error):
    await refused(new_film(token_of(accounts[0]), **changes), error)


async def test_the_longest_ladder_is_accepted(registry, new_film, transact, accounts):
    ladder = [(1, "personal", [], 0), *((n + 1, "r" * 64, [], n) for n in range(1, 32))]
    token = token_of(accounts[0])
    await transact(new_film(token, ladder=ladder))
    assert await registry.functions.ladderOf(token).call() == ladder


async def test_any_ladder_is_accepted_exactly_if_it_rises_from_one_within_the_supply(new_film, accounts):
    dice = random.Random(20261120)
    token, accepted = token_of(accounts[0]), 0
    for _ in range(120):
        thresholds = [dice.choice([1, 1, 0, 2]), *(dice.randint(0, 13) for _ in range(dice.randint(0, 3)))]
        thresholds = sorted(thresholds) if dice.random() < 0.6 else thresholds
        good = bool(thresholds) and thresholds[0] == 1 and thresholds[-1] <= 12
        good = good and all(low < high for low, high in zip(thresholds, thresholds[1:], strict=False))
        call = new_film(token, supply=12, ladder=[(n, "personal", [], 0) for n in thresholds])
        if good:
            accepted += 1
            await call.call({"from": accounts[0]})
        else:
            with pytest.raises(ContractCustomError):
                await call.call({"from": accounts[0]})
    assert 15 < accepted < 105


async def test_minting_stops_at_the_maximum(registry, film, refused, transact, accounts):
    await transact(registry.functions.mint(accounts[5], film, 400))
    await refused(registry.functions.mint(accounts[5], film, 601), "SupplyExceeded(uint256,uint256,uint256)")
    await refused(
        registry.functions.mint(accounts[5], film, UINT256_MAX), "SupplyExceeded(uint256,uint256,uint256)"
    )
    receipt = await transact(registry.functions.mint(accounts[6], film, 600))
    (moved,) = registry.events.TransferSingle().process_receipt(receipt)
    assert (moved["args"]["from"], moved["args"]["to"], moved["args"]["value"]) == (ZERO, accounts[6], 600)
    assert await registry.functions.totalSupply(film).call() == SUPPLY
    await refused(registry.functions.mint(accounts[5], film, 1), "SupplyExceeded(uint256,uint256,uint256)")


async def test_supply_is_the_sum_of_balances_whatever_happens(registry, new_film, transact, accounts):
    dice, token, minted = random.Random(2), token_of(accounts[0]), 0
    people, balances = accounts[1:4], dict.fromkeys(accounts[1:4], 0)
    await transact(new_film(token))
    for _ in range(25):
        giver, taker, amount = dice.choice(people), dice.choice(people), dice.randint(0, 200)
        if dice.random() < 0.5 and minted + amount <= SUPPLY:
            await transact(registry.functions.mint(taker, token, amount))
            minted, balances[taker] = minted + amount, balances[taker] + amount
        elif balances[giver] >= amount:
            await transact(registry.functions.safeTransferFrom(giver, taker, token, amount, b""), giver)
            balances[giver] -= amount
            balances[taker] += amount
    held = await registry.functions.balanceOfBatch(people, [token] * len(people)).call()
    assert dict(zip(people, held, strict=True)) == balances
    assert await registry.functions.totalSupply(token).call() == sum(held) == minted > 0


async def test_only_its_publisher_looks_after_a_film(registry, film, refused, transact, accounts):
    role = await registry.functions.PUBLISHER_ROLE().call()
    await transact(registry.functions.grantRole(role, accounts[1]))
    for call in (
        registry.functions.mint(accounts[1], film, 1),
        registry.functions.setLadder(film, LADDER),
        registry.functions.setPackage(film, CID, SHA256),
    ):
        await refused(call, "NotThePublisher(uint256,address)", accounts[1])


async def test_a_ladder_is_replaced_whole(registry, film, transact):
    better = [(1, "personal", [], 0), (7, "festival-of-our-own", [], 0), (90, "small-venue", ["AT", "DE"], 0)]
    receipt = await transact(registry.functions.setLadder(film, better))
    (changed,) = registry.events.LadderChanged().process_receipt(receipt)
    assert changed["args"]["tokenId"] == film
    assert await registry.functions.ladderOf(film).call() == better


async def test_a_refused_ladder_leaves_the_old_one(registry, film, refused, accounts):
    await refused(registry.functions.setLadder(film, []), "EmptyLadder()")
    tx = await registry.functions.setLadder(film, [(2, "x", [], 0), (2, "y", [], 0)]).transact(
        {"from": accounts[0], "gas": 1_000_000}
    )
    receipt = await registry.w3.eth.wait_for_transaction_receipt(tx)
    assert receipt["status"] == 0
    assert await registry.functions.ladderOf(film).call() == LADDER


async def test_a_new_version_of_the_package(registry, film, refused, transact, accounts):
    receipt = await transact(registry.functions.setPackage(film, "bafynew", b"\1" * 32))
    (changed,) = registry.events.PackageChanged().process_receipt(receipt)
    assert changed["args"] == {"tokenId": film, "packageCid": "bafynew", "manifestSha256": b"\1" * 32}
    assert await registry.functions.filmOf(film).call() == (accounts[0], "bafynew", b"\1" * 32, SUPPLY)
    await refused(registry.functions.setPackage(film, "", SHA256), "EmptyPackageCid()")
    await refused(registry.functions.setPackage(film, CID, bytes(32)), "EmptyManifestHash()")


async def test_an_unknown_film_is_an_error_not_an_empty_answer(registry, refused, accounts):
    unknown = token_of(accounts[0])
    for call in (
        registry.functions.filmOf(unknown),
        registry.functions.ladderOf(unknown),
        registry.functions.uri(unknown),
        registry.functions.mint(accounts[0], unknown, 1),
        registry.functions.setLadder(unknown, LADDER),
    ):
        await refused(call, "UnknownFilm(uint256)")
