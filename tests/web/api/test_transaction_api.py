"""The interface behind a transaction's page: whose it is, what it asks, and what it takes."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from eth_utils.address import to_checksum_address

from tests.web.conftest import CHAIN, COLLECTOR, OWNER, STORE
from wylloh_server.domain.access import DeviceKind, Role, Viewer
from wylloh_server.domain.ports.wallet_calls import SeenCall
from wylloh_server.domain.transaction import ContractCall, Proposal, SignaturePart, SignatureRequest
from wylloh_server.sdk.testing.sample_chain import DOLLAR
from wylloh_server.web import app_keys

HASH = "0x" + "7e" * 32
SIGNATURE = "0x" + "11" * 32 + "22" * 32 + "1c"
CALL = ContractCall(STORE, "buy(uint256,uint256,uint256)", (7, 12, 59_880_000), summary="Buy 12 tokens")
PERMIT = SignatureRequest(
    {
        "types": {
            "EIP712Domain": [
                {"name": "name", "type": "string"},
                {"name": "chainId", "type": "uint256"},
                {"name": "verifyingContract", "type": "address"},
            ],
            "Permit": [
                {"name": name, "type": kind}
                for name, kind in (
                    ("owner", "address"),
                    ("spender", "address"),
                    ("value", "uint256"),
                    ("nonce", "uint256"),
                    ("deadline", "uint256"),
                )
            ],
        },
        "primaryType": "Permit",
        "domain": {"name": "dUSD", "chainId": int(CHAIN), "verifyingContract": DOLLAR.address},
        "message": {"owner": OWNER, "spender": STORE, "value": 10**30, "nonce": 3, "deadline": 99},
    },
    "Permit",
)
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
async def proposed(server_under_test):
    async def propose(*steps, wallet=OWNER, **changes):
        return await server_under_test.app[app_keys.SERVICES].transactions.propose(
            viewer(wallet), proposal(*steps, **changes)
        )

    return propose


@pytest.fixture
async def tv(owner, browsers):
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    await tv.get("/api/tv/state")
    return tv


async def terms_read(browser, transaction):
    """What the page of a transaction would tell back; empty where it offers nothing."""
    page = await (await browser.get(f"/transactions/{transaction}")).text()
    terms = re.search(r'id="confirm" data-terms="([0-9a-f]{64})"', page)
    return terms[1] if terms else ""


async def asked(browser, transaction, claim="c", terms=None):
    terms = await terms_read(browser, transaction) if terms is None else terms
    body = {"claim": claim, "terms": terms}
    reply = await browser.post(f"/api/transactions/{transaction}/ask", body)
    return reply.status, await reply.json()


async def report(browser, transaction, path, **body):
    reply = await browser.post(f"/api/transactions/{transaction}/{path}", body)
    return reply.status, await reply.json()


async def test_the_whole_way_of_a_purchase(server_under_test, owner, proposed):
    transaction = await proposed()
    status, answer = await asked(owner, transaction)
    call = answer["call"]
    assert status == 200
    assert (call["from"], call["to"], call["value"]) == (OWNER, STORE, "0x0")
    assert call["data"].startswith("0x") and len(call["data"]) == 2 + 8 + 3 * 64
    status, answer = await report(owner, transaction, "sent", hash=HASH.upper().replace("0X", "0x"))
    assert (status, answer["state"], answer["hashes"]) == (200, "sent", [HASH])
    server_under_test.calls.chain[HASH] = SeenCall(HASH, server_under_test.calls.tried[-1], 0, 7, True)
    await server_under_test.tracker.check()
    state = await (await owner.get(f"/api/transactions/{transaction}")).json()
    assert (state["state"], state["block"], state["step"], state["steps"]) == ("confirmed", 7, 1, 1)
    assert state["back"] == "/films/x"


async def test_8_a_call_names_its_chain_and_the_page_what_the_server_read_in_it(owner, proposed):
    allow = ContractCall(
        DOLLAR.address, "approve(address,uint256)", (STORE, 59_880_000), summary="Buy a token"
    )
    transaction = await proposed(allow, CALL)
    _, answer = await asked(owner, transaction)
    assert answer["call"]["chainId"] == hex(CHAIN)
    page = await (await owner.get(f"/transactions/{transaction}")).text()
    before, _, read = page.partition('class="call-summary"')
    assert "Buy a token" in before, "first what the plugin says"
    address = to_checksum_address(STORE)
    assert f"Allows Film &amp; coin store ({address}) to take 59.88 dUSD." in read
    assert "<dd>dUSD <code>" in read
    assert "<code>approve</code>" in read
    assert f"<dd>Film &amp; coin store <code>{address}</code></dd>" in read
    assert "<code>buy</code>" in read


async def test_8_a_confirmation_tells_back_what_the_page_showed(owner, proposed):
    transaction, other = await proposed(), await proposed(replace(CALL, arguments=(7, 13, 59_880_000)))
    page = await (await owner.get(f"/transactions/{other}")).text()
    terms = re.search(r'data-terms="([^"]*)"', page)[1]
    for wrong in ({"terms": terms}, {"terms": ""}):
        status, answer = await report(owner, transaction, "ask", claim="c", **wrong)
        assert (status, answer["error"]) == (400, "This has changed since you read it.")
    assert (await report(owner, transaction, "ask", claim="c"))[0] == 400
    assert (await asked(owner, transaction))[0] == 200


async def test_a_permission_is_signed_and_goes_into_the_call(owner, proposed):
    transaction = await proposed(PERMIT, WITH_PERMIT)
    _, answer = await asked(owner, transaction)
    # JavaScript would round the value.
    assert answer["sign"]["message"] == {**PERMIT.typed_data["message"], "value": str(10**30)}
    status, answer = await report(owner, transaction, "signed", signature="0x12")
    assert status == 400 and "no signature" in answer["error"]
    status, answer = await report(owner, transaction, "signed", signature=SIGNATURE)
    assert (status, answer["state"], answer["step"]) == (200, "prepared", 1)
    _, answer = await asked(owner, transaction)
    assert answer["call"]["data"].endswith(f"{99:064x}{28:064x}" + "11" * 32 + "22" * 32)


async def test_a_transaction_is_its_wallet_s_alone(owner, collector, browser, proposed):
    transaction = await proposed()
    for path, body in (
        ("ask", {"claim": "c", "terms": ""}),
        ("give-back", {"claim": "c"}),
        ("signed", {"signature": SIGNATURE}),
        ("sent", {"hash": HASH}),
    ):
        assert (await report(collector, transaction, path, **body))[0] == 404
        assert (await report(browser, transaction, path, **body))[0] == 401
    assert (await collector.get(f"/api/transactions/{transaction}")).status == 404
    assert (await browser.get(f"/api/transactions/{transaction}")).status == 401
    assert (await owner.get(f"/api/transactions/{transaction}")).status == 200
    assert (await owner.get(f"/api/transactions/{'0' * 32}")).status == 404


async def test_another_site_cannot_ask(owner, proposed):
    transaction = await proposed()
    for origin in ("https://evil.example", None):
        reply = await owner.post(
            f"/api/transactions/{transaction}/ask", {"claim": "c", "terms": ""}, headers={"Origin": origin}
        )
        assert reply.status == 403


async def test_a_tv_is_sent_to_the_phone(tv, proposed):
    transaction = await proposed()
    status, answer = await asked(tv, transaction)
    assert status == 403 and "phone" in answer["fix"]
    assert (await tv.get(f"/api/transactions/{transaction}")).status == 403


async def test_two_windows_do_not_ask_the_wallet_twice(server_under_test, owner, browsers, proposed):
    transaction, other = await proposed(), browsers()
    await other.sign_in(OWNER)
    assert (await asked(owner, transaction, "one"))[0] == 200
    for browser, claim in ((other, "two"), (owner, "one")):
        status, answer = await asked(browser, transaction, claim)
        assert status == 400 and "asked already" in answer["error"] and "60 s" in answer["fix"]
    assert (await report(other, transaction, "give-back", claim="two"))[0] == 200
    assert (await asked(other, transaction, "two"))[0] == 400
    assert (await report(owner, transaction, "give-back", claim="one"))[0] == 200
    assert (await asked(other, transaction, "two"))[0] == 200
    server_under_test.clock.now += 61
    assert (await asked(owner, transaction, "three"))[0] == 200


async def test_what_the_contracts_would_refuse_is_told_before_the_wallet_is_asked(
    server_under_test, owner, proposed
):
    transaction = await proposed()
    terms = await terms_read(owner, transaction)
    server_under_test.calls.refused = "NotEnoughStock"
    status, answer = await asked(owner, transaction, terms=terms)
    assert (status, answer["error"]) == (400, "The store has fewer than that. Ask for less.")
    server_under_test.calls.refused = ""
    assert (await asked(owner, transaction))[0] == 200, "a refusal must not leave the step taken"


async def test_a_wallet_is_not_asked_for_what_it_has_sent_for_another_proposal(
    server_under_test, owner, proposed
):
    first, second = await proposed(), await proposed()
    terms = await terms_read(owner, second)
    assert (await asked(owner, first))[0] == 200
    assert (await report(owner, first, "sent", hash=HASH))[0] == 200
    status, answer = await asked(owner, second, terms=terms)
    assert (status, answer["fix"]) == (400, "Wait until the chain has confirmed it.")


async def test_a_silent_chain_is_told_and_changes_nothing(server_under_test, owner, proposed):
    transaction = await proposed()
    server_under_test.calls.silent = True
    assert (await asked(owner, transaction))[0] == 503
    server_under_test.calls.silent = False
    assert (await asked(owner, transaction))[0] == 200
    server_under_test.calls.silent = True
    status, answer = await report(owner, transaction, "sent", hash=HASH)
    assert (status, answer["state"]) == (200, "sent")


@pytest.mark.parametrize("sent", ["", "0x12", "0x" + "zz" * 32, HASH + "00", 7, None])
async def test_what_is_no_hash_is_refused(owner, proposed, sent):
    transaction = await proposed()
    await asked(owner, transaction)
    assert (await report(owner, transaction, "sent", hash=sent))[0] == 400


async def test_a_hash_counts_once(owner, proposed):
    first, second = await proposed(), await proposed()
    await asked(owner, first)
    await asked(owner, second)
    assert (await report(owner, first, "sent", hash=HASH))[0] == 200
    assert (await report(owner, first, "sent", hash=HASH))[0] == 200
    status, answer = await report(owner, second, "sent", hash=HASH)
    assert status == 400 and "another transaction" in answer["error"]


async def test_nothing_is_taken_that_was_not_asked_for(owner, proposed):
    transaction = await proposed()
    assert (await report(owner, transaction, "sent", hash=HASH))[0] == 400
    assert (await report(owner, transaction, "signed", signature=SIGNATURE))[0] == 400
    state = await (await owner.get(f"/api/transactions/{transaction}")).json()
    assert (state["state"], state["hashes"]) == ("prepared", [])


async def test_it_cannot_be_asked_without_end(owner, proposed):
    transaction = await proposed()
    statuses = [(await asked(owner, transaction))[0] for _ in range(62)]
    assert statuses[0] == 200
    assert statuses[-1] == 429


async def test_open_pages_of_the_wallet_hear_of_it(server_under_test, owner, proposed):
    live, transaction = server_under_test.app[app_keys.LIVE], await proposed(topics=("film:x",))
    with live.listening(OWNER) as mine, live.listening(COLLECTOR) as others:
        await asked(owner, transaction)
        await report(owner, transaction, "sent", hash=HASH)
        assert (await mine.next(1)).topics == {"transactions"}
        server_under_test.calls.chain[HASH] = SeenCall(HASH, server_under_test.calls.tried[-1], 0, 7, True)
        await server_under_test.tracker.check()
        news = await mine.next(1)
        assert news.topics == {"transactions", "wallet", "film:x"}
        assert news.notices[0].sentence == "12 tokens of Light are yours."
        assert news.notices[0].link == f"/transactions/{transaction}"
        assert (await others.next(1)).topics == {"film:x"}
