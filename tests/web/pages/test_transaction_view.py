"""What the pages about transactions say in every state."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import replace

import pytest

from tests.web.api.test_transaction_api import CALL, PERMIT, SIGNATURE, WITH_PERMIT, proposal, viewer
from tests.web.conftest import COLLECTOR, OWNER
from tests.web.pages.samples import ELSEWHERE
from tests.web.pages.test_pages import page_of
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.transaction import TransactionState
from wylloh_server.domain.types import short_address
from wylloh_server.services.transactions import transaction_service
from wylloh_server.web import app_keys

HASH = "0x" + "7e" * 32
NASTY = "<script>alert(1)</script>\"'&"


@pytest.fixture
def proposed(server_under_test):
    """Propose, and let what was proposed have come so far: `await proposed(steps…, state=…)`."""

    async def propose(*steps, wallet=OWNER, about=None, **changes):
        desktop = server_under_test.app[app_keys.SERVICES].transactions
        transaction = await desktop.propose(viewer(wallet), proposal(*steps, **(about or {})))
        if changes:
            kept = await server_under_test.storage.transactions.get(transaction)
            assert await server_under_test.storage.transactions.save(replace(kept, **changes))
        return transaction

    return propose


async def test_what_waits_for_the_wallet_says_first_what_it_does(owner, proposed):
    page = await page_of(owner, f"/transactions/{await proposed()}")
    first = (
        "Buy 12 tokens of Light You pay 59.88 dUSD. 5 % goes to the makers. 1 Buy 12 tokens Waits for your"
    )
    assert first in page.text
    assert "Nothing has happened yet." in page.text
    assert "button-primary" in page.named("button")["Confirm in your wallet"]["class"]
    assert page.named("a")["Back"]["href"] == "/films/x"
    assert (
        sum("button-primary" in about.get("class", "").split() for tag, about in page.tags) == 2
    )  # and the skip link


async def test_a_list_rounds_what_is_done_and_shows_exactly_what_still_waits(owner, proposed):
    about = {"title": "Withdraw 3.40275 dUSD", "explanation": ("3.40275 dUSD comes to you.",)}
    waits = await proposed(about=about)
    await proposed(about=about, state=TransactionState.CONFIRMED, step=1, hashes=(HASH,), final=True)
    text = (await page_of(owner, "/transactions")).text
    assert "Withdraw 3.40275 dUSD" in text and "Withdraw 3.40 dUSD" in text
    assert (await page_of(owner, f"/transactions/{waits}")).text.count("3.40275 dUSD") >= 2


async def test_what_waits_says_when_it_expires(owner, proposed, server_under_test):
    changed = time.time() - 11 * 60
    await proposed(changed=changed)
    page = await page_of(owner, "/transactions")
    assert "Nothing has happened yet. Expires in 19 min" in page.text


async def test_success_says_play_and_shows_the_film(owner, proposed, server_under_test):
    about = {"back": f"/films/{ELSEWHERE.id}"}
    waits = await page_of(owner, f"/transactions/{await proposed(about=about)}")
    assert f"/play/{ELSEWHERE.id}.pictures/backdrop.jpg" in str(waits.tags) and "Play" not in waits.named("a")
    bought = await proposed(about=about, state=TransactionState.CONFIRMED, step=1, hashes=(HASH,), final=True)
    page = await page_of(owner, f"/transactions/{bought}")
    assert "Play" not in page.named("a"), "it is confirmed, and no token has come yet"
    topics = next(about["data-live"] for _, about in page.tags if about.get("id") == "transaction").split()
    assert {"wallet", f"film:{ELSEWHERE.id}"} <= set(topics), "the page looks again once the token has come"
    await server_under_test.hold(OWNER, ELSEWHERE.token, 1)
    page = await page_of(owner, f"/transactions/{bought}")
    assert page.named("a")["Play"]["href"] == f"/watch/{ELSEWHERE.id}"
    assert "button-primary" in page.named("a")["Play"]["class"]


async def test_the_page_tells_its_script_whose_it_is_and_on_which_chain(open_server_under_test, open_browser):
    chain = {
        "rpc": ("http://127.0.0.1:1",),
        "id": 137,
        "name": 'A "chain"',
        "wallet_rpc": "https://rpc.example",
    }
    server_under_test = await open_server_under_test(chain=chain)
    owner = open_browser(server_under_test)
    await owner.sign_in(OWNER)
    transaction = await server_under_test.app[app_keys.SERVICES].transactions.propose(viewer(), proposal())
    page = await page_of(owner, f"/transactions/{transaction}")
    about = next(about for _, about in page.tags if "data-transaction" in about)
    assert (about["data-transaction"], about["data-wallet"]) == (transaction, OWNER)
    assert json.loads(about["data-chain"]) == {
        "chainId": "0x89",
        "chainName": 'A "chain"',
        "rpcUrls": ["https://rpc.example"],
        "nativeCurrency": {"name": "POL", "symbol": "POL", "decimals": 18},
    }


async def test_an_rpc_address_with_its_key_is_never_given_away(open_server_under_test, open_browser):
    server_under_test = await open_server_under_test(
        chain={"rpc": ("http://127.0.0.1:1/secret-key",), "id": 1}
    )
    owner = open_browser(server_under_test)
    await owner.sign_in(OWNER)
    transaction = await server_under_test.app[app_keys.SERVICES].transactions.propose(viewer(), proposal())
    text = await (await owner.get(f"/transactions/{transaction}")).text()
    assert "secret-key" not in text
    assert "Chain 1" in text


@pytest.mark.parametrize(
    ("changes", "sentence", "white", "words"),
    [
        (
            {"state": TransactionState.SENT, "hashes": (HASH,)},
            "Sent. The chain has not confirmed it yet; you may leave this page.",
            "",
            ("Sent", "0x7e7e7e7e…7e7e7e7e"),
        ),
        (
            {"state": TransactionState.CONFIRMED, "hashes": (HASH,), "step": 1, "block": 1234},
            "12 tokens of Light are yours.",
            "Go on",
            ("Done", "In block 1,234, final in a while"),
        ),
        (
            {"state": TransactionState.CONFIRMED, "hashes": (HASH,), "step": 1, "block": 1234, "final": True},
            "12 tokens of Light are yours.",
            "Go on",
            ("In block 1,234, final",),
        ),
        (
            {"state": TransactionState.FAILED, "hashes": (HASH,), "reason": "Somebody was quicker."},
            "Somebody was quicker.",
            "Go back and start again",
            ("Failed",),
        ),
        (
            {"state": TransactionState.EXPIRED, "reason": "Nobody confirmed this in time."},
            "Nobody confirmed this in time.",
            "Go back and start again",
            ("Not begun",),
        ),
    ],
    ids=["sent", "confirmed", "final", "failed", "expired"],
)
async def test_each_state_has_its_sentence_and_at_most_one_white_button(
    owner, proposed, changes, sentence, white, words
):
    page = await page_of(owner, f"/transactions/{await proposed(**changes)}")
    assert all(word in page.text for word in (sentence, *words))
    assert "Confirm in your wallet" not in page.named("button")
    links = [
        name for name, about in page.named("a").items() if "button-primary" in about.get("class", "").split()
    ]
    assert [name for name in links if not name.startswith("Skip")] == [white] * bool(white)
    said = next(about["data-live-say"] for _, about in page.tags if about.get("id") == "transaction")
    assert said == sentence


async def test_a_block_is_looked_up_in_the_explorer_the_settings_name(open_server_under_test, open_browser):
    chain = {"rpc": ("http://127.0.0.1:1",), "id": 1, "explorer": "https://scan.example/block/{block}"}
    server_under_test = await open_server_under_test(chain=chain)
    owner = open_browser(server_under_test)
    await owner.sign_in(OWNER)
    desktop = server_under_test.app[app_keys.SERVICES].transactions
    transaction = await desktop.propose(viewer(), proposal())
    kept = await server_under_test.storage.transactions.get(transaction)
    done = replace(kept, state=TransactionState.CONFIRMED, step=1, block=77, hashes=(HASH,))
    await server_under_test.storage.transactions.save(done)
    page = await page_of(owner, f"/transactions/{transaction}")
    assert page.named("a")["In block 77, final in a while"]["href"] == "https://scan.example/block/77"


async def test_several_steps_say_which_is_next(owner, proposed):
    unsaid = replace(PERMIT, summary="")
    transaction = await proposed(unsaid, WITH_PERMIT, signatures=(SIGNATURE,), step=1)
    page = await page_of(owner, f"/transactions/{transaction}")
    assert "Sign a permission Done" in page.text
    assert "Step 1 of 2 is done. Your wallet has to confirm the next one." in page.text


async def test_a_tv_does_not_get_to_it(owner, browsers, proposed):
    tv = browsers()
    code = (await (await tv.post("/api/tv/code", {})).json())["code"]
    await owner.post("/api/tv/approve", {"code": code, "name": "Sofa"})
    await tv.get("/api/tv/state")
    page = await page_of(tv, f"/transactions/{await proposed()}", status=403)
    assert "Use your phone or computer." in page.text


async def test_what_plugins_write_stays_text(owner, proposed):
    about = {"title": NASTY, "explanation": (NASTY, NASTY), "done": NASTY, "back": "/films/x?a=1&b=2"}
    step = replace(CALL, summary=NASTY)
    transaction = await proposed(step, about=about, state=TransactionState.FAILED, reason=NASTY)
    for path in (f"/transactions/{transaction}", "/transactions"):
        text = await (await owner.get(path)).text()
        assert "<script>alert" not in text
        assert await page_of(owner, path)


async def test_only_one_s_own_are_shown(server_under_test, owner, collector, browser, proposed):
    mine, theirs = await proposed(), await proposed(wallet=COLLECTOR)
    await page_of(owner, f"/transactions/{theirs}", status=404)
    await page_of(owner, "/transactions/nonsense", status=404)
    listed = await page_of(owner, "/transactions")
    links = [about.get("href", "") for tag, about in listed.tags if tag == "a"]
    assert f"/transactions/{mine}" in links
    assert f"/transactions/{theirs}" not in links
    assert (await browser.get(f"/transactions/{mine}")).headers["Location"].startswith("/sign-in?next=")
    assert "/transactions" in [about.get("href") for _, about in (await page_of(owner, "/devices")).tags]


async def test_the_list_is_newest_first_and_paged(server_under_test, owner, proposed):
    page = await page_of(owner, "/transactions")
    assert "There are none yet." in page.text
    assert short_address(OWNER) in page.text
    for number in range(27):
        server_under_test.clock.now += 1
        await proposed(about={"title": f"Purchase {number:02}"})
    first, second = await page_of(owner, "/transactions"), await page_of(owner, "/transactions?page=2")
    assert first.text.index("Purchase 26") < first.text.index("Purchase 25")
    assert "Purchase 01" not in first.text and "Purchase 01" in second.text
    assert (first.named("a")["Older"]["href"], second.named("a")["Newer"]["href"]) == (
        "/transactions?page=2",
        "/transactions?page=1",
    )
    assert "Older" not in second.named("a")
    for odd in ("0", "-1", "x", "9" * 30, "3"):
        assert await page_of(owner, f"/transactions?page={odd}")


async def test_what_expired_unsent_is_not_in_the_list(server_under_test, owner, proposed):
    await proposed()
    await proposed(about={"title": "Half done"}, hashes=(HASH,), step=0)
    server_under_test.clock.now += 31 * 60
    await server_under_test.tracker.check()
    page = await page_of(owner, "/transactions")
    assert "Half done" in page.text
    assert "Buy 12 tokens of Light" not in page.text


async def test_what_waits_can_be_discarded_by_its_wallet_alone(server_under_test, owner, collector, proposed):
    transaction = await proposed()
    page = await page_of(owner, f"/transactions/{transaction}")
    assert "Nothing happens on the chain." in page.text
    assert "Discard" in page.named("button")
    assert (await collector.post(f"/transactions/{transaction}/discard", {})).status == 404
    reply = await owner.post(f"/transactions/{transaction}/discard", {}, allow_redirects=False)
    assert (reply.status, reply.headers["Location"]) == (303, "/transactions")
    kept = await server_under_test.storage.transactions.get(transaction)
    assert (kept.state, kept.reason) == ("expired", "Discarded. Nothing happened on the chain.")
    page = await page_of(owner, f"/transactions/{transaction}")
    assert "Discard" not in page.named("button")


async def test_what_cannot_be_done_now_leads_to_where_it_is_begun(server_under_test, owner, proposed):
    class Renewer:
        async def renew(self, *_):
            raise InvalidValue("Sold out.", fix="Look elsewhere.")

    transaction = await proposed(about={"recipe": {"do": "buy"}, "start": "/plugins/store/film/x/buy"})
    server_under_test.app[app_keys.SERVICES].transactions.refresher = Renewer()
    page = await page_of(owner, f"/transactions/{transaction}")
    assert "Sold out. Look elsewhere." in page.text
    assert "5 % goes to the makers" not in page.text
    assert "Confirm in your wallet" not in page.named("button")
    assert page.named("a")["Begin again"]["href"] == "/plugins/store/film/x/buy"
    reply = await owner.post(f"/api/transactions/{transaction}/ask", {"claim": "c", "terms": ""})
    assert (reply.status, (await reply.json())["error"]) == (400, "Sold out.")


async def test_what_another_proposal_has_done_already_offers_nothing(server_under_test, owner, proposed):
    """A film was registered from another window; nothing prepares such a proposal anew."""
    gone = {"FilmExists": "This film is on chain already: there is nothing more to confirm."}
    transaction = await proposed(about={"title": "Put Light on chain", "refusals": gone})
    server_under_test.calls.refused = "FilmExists"
    page = await page_of(owner, f"/transactions/{transaction}")
    assert gone["FilmExists"] in page.text and "Not possible now" in page.text
    assert "Confirm in your wallet" not in page.named("button") and "Begin again" not in page.named("a")
    row = (await page_of(owner, "/transactions")).text
    assert gone["FilmExists"] in row and "Waits for your wallet" not in row
    server_under_test.calls.refused, server_under_test.calls.silent = "", True
    page = await page_of(owner, f"/transactions/{transaction}")
    assert "Confirm in your wallet" in page.named("button"), "nothing is known without the chain"


async def test_a_chain_that_never_answers_keeps_the_page_waiting_for_a_moment_only(
    server_under_test, owner, proposed, monkeypatch
):
    transaction = await proposed()
    monkeypatch.setattr(transaction_service, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(server_under_test.calls, "refusal", lambda *_: asyncio.sleep(600))
    for path in (f"/transactions/{transaction}", "/transactions"):
        async with asyncio.timeout(60):
            assert "Nothing has happened yet." in (await page_of(owner, path)).text


async def test_what_the_wallet_has_sent_for_another_proposal_is_waited_for(
    server_under_test, owner, proposed
):
    same, other = await proposed(), await proposed(replace(CALL, arguments=(7, 13, 59_880_000)))
    await proposed(state=TransactionState.SENT, hashes=(HASH,))
    page = await page_of(owner, f"/transactions/{same}")
    assert "Your wallet has sent the same already" in page.text
    assert "Confirm in your wallet" not in page.named("button")
    assert "Confirm in your wallet" in (await page_of(owner, f"/transactions/{other}")).named("button")


async def test_what_is_over_was_said_beforehand(owner, proposed):
    about = {"state": TransactionState.CONFIRMED, "hashes": (HASH,), "step": 1, "block": 1}
    page = await page_of(owner, f"/transactions/{await proposed(**about)}")
    assert "What was said beforehand: You pay 59.88 dUSD." in page.text
