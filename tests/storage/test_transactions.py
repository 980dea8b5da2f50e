"""Transactions for wallets, on both databases."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from wylloh_server.domain.transaction import (
    ContractCall,
    Proposal,
    SignaturePart,
    SignatureRequest,
    SigningClaim,
    PendingCall,
    Transaction,
    TransactionId,
    TransactionState,
)
from wylloh_server.domain.types import Wallet

ANNA, BERT, STORE = (Wallet("0x" + digit * 40) for digit in "abc")
HASH, OTHER_HASH = "0x" + "1" * 64, "0x" + "2" * 64
STATES = TransactionState
CALL = ContractCall(
    STORE,
    "buy(uint256,(uint8,bytes32),bytes,bool,string)",
    (2**256 - 1, (SignaturePart.V, SignaturePart.R), b"\0\xff", True, "Zwölf"),
    value=2**200,
    summary="Buy",
)
PROPOSAL = Proposal(
    "Buy “Light”",
    ("You pay.", "They get."),
    (SignatureRequest({"message": {"value": 10**30}}, "Sign"), CALL),
    "Yours.",
    {"NotOnSale": "No."},
    ("film:x",),
    "/films/x?a=1",
)


def made(number=0, wallet=ANNA, **changes):
    about = {"state": STATES.PREPARED, "step": 0, "hashes": (), "created": 100.0 + number, "changed": 100.0}
    return Transaction(TransactionId(f"{number:032x}"), wallet, PROPOSAL, **(about | changes))


FULL = made(
    7,
    state=STATES.SENT,
    step=1,
    hashes=(HASH,),
    changed=200.5,
    block=2**40,
    reason="Why.",
    plugin="store",
    signatures=("0x12",),
    trail=PendingCall(150.25, 2**40, 3, 4),
    final=True,
)


async def test_it_comes_back_whole(storage):
    for one in (made(), FULL):
        await storage.transactions.add(one)
        assert await storage.transactions.get(one.id) == one
    assert await storage.transactions.get(TransactionId("f" * 32)) is None


async def test_saving_replaces_it_and_a_hash_belongs_to_one(storage):
    first, second = made(1), made(2)
    for one in (first, second):
        await storage.transactions.add(one)
    sent = replace(first, hashes=(HASH, OTHER_HASH), state=STATES.SENT)
    assert await storage.transactions.save(sent)
    assert await storage.transactions.save(sent)
    assert not await storage.transactions.save(replace(second, hashes=(OTHER_HASH,), state=STATES.SENT))
    assert await storage.transactions.get(second.id) == second
    assert await storage.transactions.of_hash(OTHER_HASH) == first.id
    assert await storage.transactions.of_hash("0x" + "3" * 64) is None


async def test_a_wallet_s_own_come_newest_first_without_those_that_came_to_nothing(storage):
    waiting, expired = made(1), made(2, state=STATES.EXPIRED)
    half = made(3, state=STATES.EXPIRED, hashes=(HASH,))
    for one in (waiting, expired, half, made(4, BERT)):
        await storage.transactions.add(one)
    assert await storage.transactions.of_wallet(ANNA, limit=9) == (half, waiting)
    assert await storage.transactions.of_wallet(ANNA, limit=1, offset=1) == (waiting,)


async def test_followed_are_those_asked_or_sent_and_not_final(storage):
    trail = PendingCall(1.0, 1, 0)
    asked, sent = made(1, trail=trail), made(2, hashes=(HASH,), state=STATES.SENT)
    for one in (
        sent,
        asked,
        made(3),
        made(4, hashes=(OTHER_HASH,), final=True),
        made(5, trail=trail, final=True),
    ):
        await storage.transactions.add(one)
    assert await storage.transactions.followed() == (asked, sent)


async def test_waiting_are_those_in_which_nothing_has_happened_for_long(storage):
    old, young = made(1, changed=50.0), made(2, changed=100.0)
    for one in (young, old, made(3, changed=50.0, state=STATES.SENT)):
        await storage.transactions.add(one)
    assert await storage.transactions.waiting(100.0) == (old,)
    assert await storage.transactions.waiting(100.1) == (old, young)


async def test_what_came_to_nothing_is_forgotten(storage):
    expired, half = made(1, state=STATES.EXPIRED), made(2, state=STATES.EXPIRED, hashes=(HASH,))
    for one in (expired, half, made(3)):
        await storage.transactions.add(one)
    await storage.transactions.forget(101.0)
    assert await storage.transactions.get(expired.id) == expired
    await storage.transactions.forget(500.0)
    assert await storage.transactions.get(expired.id) is None
    assert await storage.transactions.get(half.id) == half


async def test_of_many_who_ask_for_a_step_at_once_one_holds_the_claim_until_it_is_over(storage):
    """The claim is in the row, so it also holds between servers and over a restart."""
    kept, one = storage.transactions, made()
    await kept.add(one)
    claims = [SigningClaim(f"{number}", 160.0, 1, first=True) for number in range(8)]
    won = await asyncio.gather(*(kept.claim(one.id, claim, 100.0) for claim in claims))
    assert sum(won) == 1
    held = await kept.claimed(one.id)
    assert held == claims[won.index(True)]
    assert await kept.save(replace(one, changed=120.0))
    assert await kept.claimed(one.id) == held, "a change of the transaction gave the claim away"
    other = SigningClaim("other", 220.0, 1, first=False)
    assert not await kept.claim(one.id, other, 159.0)
    assert await kept.claim(one.id, other, 160.0)
    assert await kept.claim(one.id, next_step := replace(other, by="next", step=2), 161.0)
    assert await kept.claimed(one.id) == next_step
    await kept.release(one.id)
    assert await kept.claimed(one.id) is None
    assert await kept.claim(one.id, other, 162.0)
