"""The interface behind a transaction's page: whose it is, what it asks, and what it takes."""

from __future__ import annotations

import pytest

from tests.web.conftest import COLLECTOR, OWNER
from wylloh_server.domain.access import DeviceKind, Role, Viewer
from wylloh_server.domain.ports.wallet_calls import SeenCall
from wylloh_server.domain.transaction import ContractCall, Proposal, SignaturePart, SignatureRequest
from wylloh_server.domain.types import wallet_of
from wylloh_server.web import keys

STORE = wallet_of("0x" + "5" * 40)
HASH = "0x" + "7e" * 32
SIGNATURE = "0x" + "11" * 32 + "22" * 32 + "1c"
CALL = ContractCall(STORE, "buy(uint256,uint256,uint256)", (7, 12, 59_880_000), says="Buy 12 tokens")
PERMIT = SignatureRequest({"primaryType": "Permit", "message": {"value": 10**30, "nonce": 3}}, "Permit")
WITH_PERMIT = ContractCall(
    STORE,
    "buyWithPermit(uint256,(uint256,uint8,bytes32,bytes32))",
    (7, (99, SignaturePart.V, SignaturePart.R, SignaturePart.S)),
)


def proposal(*steps, **changes):
    values = {
        "title": "Buy 12 tokens of Light",
        "explanation": ("You pay 59.88 dUSD.", "5 % goes to the makers."),
        "steps": steps or (CALL,),
        "done": "12 tokens of Light are yours.",
        "refusals": {"NotEnoughStock": "The store has fewer than that. Ask for less."},
        "back": "/films/x",
    }
    return Proposal(**(values | changes))


def viewer(wallet=OWNER, kind=DeviceKind.BROWSER):
    return Viewer("s", "d", wallet, Role.VIEWER, kind)


@pytest.fixture
async def proposed(house):
    async def propose(*steps, wallet=OWNER, **changes):
        return await house.app[keys.TRANSACTIONS].propose(viewer(wallet), proposal(*steps, **changes))

    return propose


@pytest.fixture
async def tv(owner, browsers):
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    await tv.get("/api/tv/state")
    return tv


async def asked(browser, transaction, claim="c"):
    reply = await browser.post(f"/api/transactions/{transaction}/ask", {"claim": claim})
    return reply.status, await reply.json()


async def told(browser, transaction, path, **body):
    reply = await browser.post(f"/api/transactions/{transaction}/{path}", body)
    return reply.status, await reply.json()


async def test_the_whole_way_of_a_purchase(house, owner, proposed):
    transaction = await proposed()
    status, answer = await asked(owner, transaction)
    call = answer["call"]
    assert status == 200
    assert (call["from"], call["to"], call["value"]) == (OWNER, STORE, "0x0")
    assert call["data"].startswith("0x") and len(call["data"]) == 2 + 8 + 3 * 64
    status, answer = await told(owner, transaction, "sent", hash=HASH.upper().replace("0X", "0x"))
    assert (status, answer["state"], answer["hashes"]) == (200, "sent", [HASH])
    house.calls.chain[HASH] = SeenCall(HASH, house.calls.tried[-1], 0, 7, True)
    await house.follower.look()
    state = await (await owner.get(f"/api/transactions/{transaction}")).json()
    assert (state["state"], state["block"], state["step"], state["steps"]) == ("confirmed", 7, 1, 1)
    assert state["back"] == "/films/x"


async def test_a_permission_is_signed_and_goes_into_the_call(owner, proposed):
    transaction = await proposed(PERMIT, WITH_PERMIT)
    _, answer = await asked(owner, transaction)
    # JavaScript would round the value.
    assert answer["sign"] == {"primaryType": "Permit", "message": {"value": str(10**30), "nonce": 3}}
    status, answer = await told(owner, transaction, "signed", signature="0x12")
    assert status == 400 and "no signature" in answer["error"]
    status, answer = await told(owner, transaction, "signed", signature=SIGNATURE)
    assert (status, answer["state"], answer["step"]) == (200, "prepared", 1)
    _, answer = await asked(owner, transaction)
    assert answer["call"]["data"].endswith(f"{99:064x}{28:064x}" + "11" * 32 + "22" * 32)


async def test_a_transaction_is_its_wallet_s_alone(owner, collector, browser, proposed):
    transaction = await proposed()
    for path, body in (
        ("ask", {"claim": "c"}),
        ("give-back", {"claim": "c"}),
        ("signed", {"signature": SIGNATURE}),
        ("sent", {"hash": HASH}),
    ):
        assert (await told(collector, transaction, path, **body))[0] == 404
        assert (await told(browser, transaction, path, **body))[0] == 401
    assert (await collector.get(f"/api/transactions/{transaction}")).status == 404
    assert (await browser.get(f"/api/transactions/{transaction}")).status == 401
    assert (await owner.get(f"/api/transactions/{transaction}")).status == 200
    assert (await owner.get(f"/api/transactions/{'0' * 32}")).status == 404


async def test_another_site_cannot_ask(owner, proposed):
    transaction = await proposed()
    for origin in ("https://evil.example", None):
        reply = await owner.post(
            f"/api/transactions/{transaction}/ask", {"claim": "c"}, headers={"Origin": origin}
        )
        assert reply.status == 403


async def test_a_tv_is_sent_to_the_phone(tv, proposed):
    transaction = await proposed()
    status, answer = await asked(tv, transaction)
    assert status == 403 and "phone" in answer["fix"]
    assert (await tv.get(f"/api/transactions/{transaction}")).status == 200


async def test_two_windows_do_not_ask_the_wallet_twice(house, owner, browsers, proposed):
    transaction, other = await proposed(), browsers()
    await other.sign_in(OWNER)
    assert (await asked(owner, transaction, "one"))[0] == 200
    for browser, claim in ((other, "two"), (owner, "one")):
        status, answer = await asked(browser, transaction, claim)
        assert status == 400 and "asked already" in answer["error"] and "60 s" in answer["fix"]
    assert (await told(other, transaction, "give-back", claim="two"))[0] == 200
    assert (await asked(other, transaction, "two"))[0] == 400
    assert (await told(owner, transaction, "give-back", claim="one"))[0] == 200
    assert (await asked(other, transaction, "two"))[0] == 200
    house.clock.now += 61
    assert (await asked(owner, transaction, "three"))[0] == 200


async def test_what_the_contracts_would_refuse_is_told_before_the_wallet_is_asked(house, owner, proposed):
    transaction = await proposed()
    house.calls.refused = "NotEnoughStock"
    status, answer = await asked(owner, transaction)
    assert (status, answer["error"]) == (400, "The store has fewer than that. Ask for less.")
    house.calls.refused = ""
    assert (await asked(owner, transaction))[0] == 200, "a refusal must not leave the step taken"


async def test_a_silent_chain_is_told_and_changes_nothing(house, owner, proposed):
    transaction = await proposed()
    house.calls.silent = True
    assert (await asked(owner, transaction))[0] == 503
    house.calls.silent = False
    assert (await asked(owner, transaction))[0] == 200
    house.calls.silent = True
    status, answer = await told(owner, transaction, "sent", hash=HASH)
    assert (status, answer["state"]) == (200, "sent")


@pytest.mark.parametrize("sent", ["", "0x12", "0x" + "zz" * 32, HASH + "00", 7, None])
async def test_what_is_no_hash_is_refused(owner, proposed, sent):
    transaction = await proposed()
    await asked(owner, transaction)
    assert (await told(owner, transaction, "sent", hash=sent))[0] == 400


async def test_a_hash_counts_once(owner, proposed):
    first, second = await proposed(), await proposed()
    await asked(owner, first)
    await asked(owner, second)
    assert (await told(owner, first, "sent", hash=HASH))[0] == 200
    assert (await told(owner, first, "sent", hash=HASH))[0] == 200
    status, answer = await told(owner, second, "sent", hash=HASH)
    assert status == 400 and "another transaction" in answer["error"]


async def test_nothing_is_taken_that_was_not_asked_for(owner, proposed):
    transaction = await proposed()
    assert (await told(owner, transaction, "sent", hash=HASH))[0] == 400
    assert (await told(owner, transaction, "signed", signature=SIGNATURE))[0] == 400
    state = await (await owner.get(f"/api/transactions/{transaction}")).json()
    assert (state["state"], state["hashes"]) == ("prepared", [])


async def test_it_cannot_be_asked_without_end(owner, proposed):
    transaction = await proposed()
    statuses = [(await asked(owner, transaction))[0] for _ in range(62)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


async def test_open_pages_of_the_wallet_hear_of_it(house, owner, proposed):
    live, transaction = house.app[keys.LIVE], await proposed(topics=("film:x",))
    with live.listening(OWNER) as mine, live.listening(COLLECTOR) as others:
        await asked(owner, transaction)
        await told(owner, transaction, "sent", hash=HASH)
        assert (await mine.next(1)).topics == {"transactions"}
        house.calls.chain[HASH] = SeenCall(HASH, house.calls.tried[-1], 0, 7, True)
        await house.follower.look()
        news = await mine.next(1)
        assert news.topics == {"transactions", "wallet", "film:x"}
        assert news.notices[0].sentence == "12 tokens of Light are yours."
        assert news.notices[0].link == f"/transactions/{transaction}"
        assert (await others.next(1)).topics == {"film:x"}
