"""What splitters look like to those concerned, and to nobody else."""

from __future__ import annotations

import re

import pytest
from royalty_samples import (
    ANN,
    BEN,
    COIN,
    OTHER,
    SPLITTER,
    VIEWER,
    answer,
    at,
    created,
    credited,
    happened,
    made,
    offer,
    paid,
    settled,
    sold,
)

from wylloh_royalties.splitter_sync import TOPIC, topic_of
from wylloh_server.sdk import (
    NATIVE_COIN,
    Coin,
    ErrorReply,
    Role,
    Share,
    TransactionConfirmed,
    TransactionId,
)

STRANGER = "Only the owner of a splitter and its recipients see this."


async def test_it_runs_as_the_server_installs_it(royalties):
    async with royalties() as app:
        assert (app.record.status, app.record.reason, app.record.errors) == ("running", "", 0)
        html = await app.render(await app.get())
        assert "No splitter concerns this wallet yet." in html
        assert "Make a splitter" in html


async def test_the_navigation_leads_here_whom_it_concerns(royalties):
    async with royalties() as app:
        assert await app.nav_items(by=None) == ()
        assert await app.nav_items() == ()
        assert [item.path for item in await app.nav_items(by=Role.PUBLISHER)] == ["/plugins/royalties/"]
        await happened(app, *made())
        assert [item.label for item in await app.nav_items()] == ["Royalties"]


async def test_a_recipient_sees_what_came_in_what_is_set_aside_and_what_was_paid(royalties):
    async with royalties() as app:
        answer(app, pending=1_234_567)
        await happened(app, *made(), created(1), offer(1))
        await happened(app, *credited((VIEWER, 65_000_000), (ANN, 35_000_000)), paid(VIEWER, 50_000_000))
        page = await app.get()
        (one,) = page.values["splitters"]
        (balance,) = one.money.shown
        assert (balance.pending, balance.owed, balance.paid) == (1_234_567, 15_000_000, 50_000_000)
        assert (one.films, one.share, one.owner) == ("Winter Light", "65\xa0% · director", False)
        html = await app.render(page)
        assert page.values["lead"] == "15.00 dUSD is set aside for you."
        for text in ("1.234567 dUSD", "15.00 dUSD", "50.00 dUSD", "Winter Light", "Your share: 65\xa0%"):
            assert text in html
        assert html.count("button small button-primary") == 1  # Withdraw; Distribute beside it is not white
        assert f'data-live="{TOPIC} wallet {topic_of(SPLITTER)}"' in html


async def test_sums_are_rounded_and_say_their_exact_figure(royalties):
    async with royalties() as app:
        answer(app, pending=1_234_567)
        await happened(app, *made(), *credited((VIEWER, 3_402_750), (ANN, 5)))
        for page in ("", at(), at(page="statement")):
            html = await app.render(await app.get(page))
            assert '<abbr class="exact" title="3.40275" tabindex="0">3.40</abbr> dUSD' in html
            shown = re.sub(
                r'title="[^"]*"|data-live-say="[^"]*"|<span class="visually-hidden">[^<]*', "", html
            )
            assert "3.40275" not in shown and "1.234567" not in shown


async def test_where_rounded_parts_do_not_add_up_the_page_says_why(royalties):
    why = "Amounts are rounded down to cents, so parts may add up to less than their sum."
    async with royalties() as app:
        answer(app, pending=0)
        await happened(app, *made(), *credited((VIEWER, 30_000_000), (ANN, 20_000_000)))
        for page in (at(), at(page="statement")):
            assert why not in await app.render(await app.get(page))
        await happened(app, *credited((VIEWER, 2_218_750), (ANN, 868_000)))
        for page in (at(), at(page="statement")):
            assert why in await app.render(await app.get(page))


async def test_the_owner_sees_a_splitter_without_a_share_of_it(royalties):
    async with royalties() as app:
        answer(app, pending=500_000)
        await happened(app, *made())
        (one,) = (await app.get(by=Role.PUBLISHER)).values["splitters"]
        assert (one.share, one.owner) == ("", True)
        page = await app.get(at(), by=Role.PUBLISHER)
        html = await app.render(page, by=Role.PUBLISHER)
        assert "Change recipients" in html
        assert "0.50 dUSD came in and is not divided yet." in html


async def test_a_recipient_sees_others_shares_but_not_their_money(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made(), *credited((VIEWER, 650), (ANN, 350)))
        own = {person.account: person for person in (await app.get(at())).values["people"]}
        assert (own[VIEWER].paid, own[ANN].paid) == ("0.00 dUSD", "")
        assert (own[VIEWER].owed, own[ANN].owed, own[ANN].share) == ("0.00065 dUSD", "", "35\xa0%")
        html = await app.render(await app.get(at()))
        assert "0.00035" not in html
        assert "Change recipients" not in html
        everything = {
            person.account: person.owed
            for person in (await app.get(at(), by=Role.PUBLISHER)).values["people"]
        }
        assert everything == {VIEWER: "0.00065 dUSD", ANN: "0.00035 dUSD"}


@pytest.mark.parametrize("page", ["", "statement", "statement.csv", "statement.pdf", "recipients.csv"])
async def test_strangers_see_nothing_of_a_splitter(royalties, page):
    async with royalties() as app:
        answer(app)
        await happened(app, *made())
        refused = await app.get(at(page=page), by=Role.OWNER)  # of the server: a stranger to the splitter
        assert (refused.status, refused.sentence) == (403, STRANGER)


async def test_who_was_a_recipient_once_still_comes_to_the_own_money(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made(), *credited((VIEWER, 65), (ANN, 35)))
        await happened(app, made(shares=(Share(BEN, 10_000),))[1])
        page = await app.get()
        assert [one.share for one in page.values["splitters"]] == [""]
        people = (await app.get(at())).values["people"]
        assert [(person.account, person.share) for person in people] == [
            (BEN, "100\xa0%"),
            (VIEWER, "no longer"),
        ]


async def test_a_contract_that_the_factory_did_not_make_is_no_splitter(royalties):
    async with royalties() as app:
        answer(app, splitter=OTHER)
        await happened(app, made(splitter=OTHER)[1], *credited((VIEWER, 10**30), splitter=OTHER))
        assert (await app.get()).values["splitters"] == []
        assert (await app.get(at(splitter=OTHER))).status == 404


async def test_income_is_told_by_film_and_the_rest_is_other_transfers(royalties):
    async with royalties() as app:
        answer(app, pending=1_000_000)
        await happened(app, *made(), created(1), created(2), offer(1), offer(2, payee=ANN))
        await happened(app, sold(1, 20_000_000), sold(2, 8_000_000), sold(2, 40_000_000, listing=3))
        await happened(app, *credited((VIEWER, 15_000_000), (ANN, 10_000_000)))
        lines = (await app.get(at())).values["earned"]
        assert [(line.title, line.sales, line.resales, line.together) for line in lines] == [
            ("The Meadow", "", "2.00 dUSD", "2.00 dUSD"),
            ("Winter Light", "19.50 dUSD", "", "19.50 dUSD"),
            ("Other transfers", "", "", "4.50 dUSD"),
        ]


async def test_a_first_sale_counts_for_whom_the_offer_paid_at_that_time(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made(), offer(1, payee=ANN), sold(1, 4_000_000), offer(1), sold(1, 8_000_000))
        await happened(app, offer(1, payee=BEN))
        await happened(app, sold(1, 16_000_000))
        (line,) = (await app.get(at())).values["earned"]
        assert line.together == "7.80 dUSD"
        assert (await app.get(at())).values["films"] == []  # now it pays somebody else


async def test_what_a_reorg_takes_back_is_counted_no_more(royalties):
    async with royalties() as app:
        answer(app, pending=2_000_000)
        await happened(app, *made(), created(1), offer(1))
        await happened(app, sold(1, 4_000_000), *credited((VIEWER, 65), (ANN, 35)), offer(1, payee=BEN))
        before = (await app.get(at())).values
        assert [line.title for line in before["earned"]] == ["Winter Light"]
        await app.taken_back()
        await settled(app)
        after = (await app.get(at())).values
        assert [(line.title, line.together) for line in after["earned"]] == [("Other transfers", "2.00 dUSD")]
        assert (after["balances"][0].owed, after["films"][0].title) == (0, "Winter Light")
        await happened(app, sold(1, 6_000_000))
        assert (await app.get(at())).values["earned"][0].together == "5.85 dUSD"


async def test_open_pages_are_told_when_money_comes_in_without_any_fact(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made())
        await app.get()
        app.live.changes.clear()
        await happened(app)
        assert app.live.topics == set()
        answer(app, pending=7)
        await happened(app)
        assert app.live.topics == {topic_of(SPLITTER)}


async def test_only_what_somebody_looks_at_is_asked_for(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made())
        app.chain.asked.clear()
        await happened(app)
        assert app.chain.asked == []
        await app.get()
        app.chain.asked.clear()
        await happened(app)
        assert {question[1] for question in app.chain.asked} == {"pending(address)"}


async def test_open_pages_are_told_of_facts_and_of_own_transactions(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made())
        assert {TOPIC, topic_of(SPLITTER)} <= app.live.topics
        app.live.changes.clear()
        await happened(app, *credited((VIEWER, 1)))
        assert app.live.topics == {topic_of(SPLITTER)}
        app.live.changes.clear()
        for plugin in ("store", "royalties"):
            await app.emit(TransactionConfirmed(TransactionId("ab" * 16), VIEWER, plugin))
        assert [told.topics for told in app.live.changes] == [(TOPIC,)]


async def test_without_the_chain_what_was_read_is_still_shown(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made(), *credited((VIEWER, 65_000_000), (ANN, 35_000_000)))
        await app.get()  # coins are kept once they were read
        app.chain.silent = True
        html = await app.render(await app.get())
        assert "65.00 dUSD is set aside for you." in html
        assert "unknown now" in html
        assert "Set aside for you" in await app.render(await app.get(at()))
        refused = await app.get(at(), by=Role.PUBLISHER)
        assert isinstance(refused, ErrorReply)
        assert (refused.status, "cannot be asked" in refused.sentence) == (503, True)


async def test_native_coin_and_coins_nobody_can_name(royalties):
    async with royalties() as app:
        answer(app)
        strange = "0x" + "e7" * 20
        await happened(app, *made(), *credited((VIEWER, 10**18), coin=NATIVE_COIN))
        await happened(app, *credited((VIEWER, 12_345), coin=strange))
        balances = {one.coin: one.owed_written for one in (await app.get(at())).values["balances"]}
        assert balances == {
            COIN: "0.00 dUSD",
            NATIVE_COIN: "1.00 ETH",
            strange: "12,345 units of 0xe7e7…e7e7",
        }


async def test_a_coin_with_a_hostile_name_is_only_text(royalties):
    async with royalties() as app:
        answer(app)
        bad = "0x" + "bd" * 20
        app.chain.coin(Coin(bad, "<b>x", 6, permits=False))
        await happened(app, *made(), *credited((VIEWER, 5), coin=bad))
        html = await app.render(await app.get(at()))
        assert "<b>x" not in html
        assert "&lt;b&gt;x" in html


async def test_an_address_that_is_none_is_refused_with_a_sentence(royalties):
    async with royalties() as app:
        refused = await app.get("splitter/0x12")
        assert (refused.status, "is not an address" in refused.sentence) == (400, True)
