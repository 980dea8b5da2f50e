"""Statements: computed from facts, complete to the last unit, the same on the page, as CSV and on paper."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pypdf import PdfReader
from royalty_samples import (
    ANN,
    COIN,
    OTHER,
    PUBLISHER,
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
)

from wylloh_royalties.paper import printed
from wylloh_royalties.periods import period_of
from wylloh_royalties.showing import (
    WrittenAccount,
    WrittenLine,
    WrittenStatement,
    WrittenSums,
)
from wylloh_royalties.statement import statement_of
from wylloh_server.sdk import NATIVE_COIN, Download, IncomeCredited, IndexState, Mark, PayoutMade, Role, Share

DAY = 86_400
NOVEMBER = dt.datetime(2026, 11, 1, tzinfo=dt.UTC).timestamp()
DIRECTOR = (Share(VIEWER, 6_500, "Kamera · режиссёр"), Share(ANN, 3_500, "music"))


def text_of(body: bytes) -> str:
    return "\n".join(page.extract_text() for page in PdfReader(io.BytesIO(body)).pages)


async def past(app) -> None:
    """Income in October, on the first and the last second of November, and in December."""
    answer(app, owner=PUBLISHER)
    await happened(app, *made(shares=DIRECTOR), created(1), offer(1), at=NOVEMBER - 20 * DAY)
    await happened(app, *credited((VIEWER, 100_000_000), (ANN, 50_000_000)), at=NOVEMBER - 1)
    await happened(app, *credited((VIEWER, 7_000_001), (ANN, 3_000_000)), at=NOVEMBER)
    await happened(app, paid(VIEWER, 60_000_000), paid(ANN, 53_000_000), at=NOVEMBER + DAY)
    await happened(app, *credited((VIEWER, 5), coin=NATIVE_COIN), at=NOVEMBER + 2 * DAY)
    await happened(app, *credited((VIEWER, 1)), at=NOVEMBER + 30 * DAY - 1)
    await happened(app, *credited((VIEWER, 999_000_000)), at=NOVEMBER + 30 * DAY)


async def test_what_it_says_adds_up(royalties):
    async with royalties() as app:
        await past(app)
        page = await app.get(at(page="statement"), query={"period": "2026-11"})
        shown = page.values["statement"]
        dollar, native = shown.accounts
        assert dollar.sums == WrittenSums("100.00 dUSD", "7.000002 dUSD", "−60.00 dUSD", "47.000002 dUSD")
        assert [(line.what, line.amount, line.balance) for line in dollar.lines] == [
            ("Credit", "+7.000001 dUSD", "107.000001 dUSD"),
            ("Payout", "−60.00 dUSD", "47.000001 dUSD"),
            ("Credit", "+0.000001 dUSD", "47.000002 dUSD"),
        ]
        assert native.sums.closing == "0.000000000000000005 ETH"
        html = await app.render(page)
        for text in (
            "November 2026: 7.000002 dUSD and 0.000000000000000005 ETH were set aside for you.",
            "Counted up",
        ):
            assert text in html
        assert "53" not in dollar.sums.payouts
        assert 'href="https://explorer.example/tx/0x' in html


async def test_csv_and_paper_hold_the_same_numbers(royalties):
    async with royalties() as app:
        await past(app)
        query = {"period": "2026-11"}
        shown = (await app.get(at(page="statement"), query=query)).values["statement"]
        sheet = await app.get(at(page="statement.csv"), query=query)
        paper = await app.get(at(page="statement.pdf"), query=query)
        assert isinstance(sheet, Download) and isinstance(paper, Download)
        assert sheet.filename == f"statement-2026-11-{VIEWER[:10]}.csv"
        head, *lines = csv.reader(io.StringIO(sheet.body.decode()))
        assert {len(line) for line in lines} == {len(head)}, "every row has every column"
        rows = [dict(zip(head, line, strict=True)) for line in lines]
        assert rows[-1]["what"] == shown.notes[-1]
        dollars = [row for row in rows if row["coin"] == "dUSD"]
        assert [row["balance"] for row in dollars] == [
            "100.00",
            "107.000001",
            "47.000001",
            "47.000002",
            "47.000002",
        ]
        moved = sum(int(row["amount in base units"]) for row in dollars if row["amount in base units"])
        assert int(dollars[0]["balance in base units"]) + moved == int(dollars[-1]["balance in base units"])
        assert dollars[2]["amount"] == "-60.00"  # a number that spreadsheets add up
        text = text_of(paper.body)
        assert paper.body.startswith(b"%PDF-")
        for account in shown.accounts:
            for written in (*vars_of(account.sums), *(part for line in account.lines for part in said(line))):
                assert written in text
        flat = text.replace("\n", "")
        for line in shown.accounts[0].lines:
            assert line.transaction in flat
        assert shown.notes[-1].rpartition(" ")[2] in flat
        assert (await app.get(at(page="statement.pdf"), query=query)).body == paper.body


def vars_of(sums: WrittenSums) -> tuple[str, ...]:
    return sums.opening, sums.credits, sums.payouts, sums.closing


def said(line: WrittenLine) -> tuple[str, ...]:
    return line.when, line.what, line.amount, line.balance, f"Block {line.block:,}"


async def test_anybody_can_recompute_the_digest(royalties):
    async with royalties() as app:
        await past(app)
        facts = await app.context.chain.history(
            kinds=(IncomeCredited, PayoutMade), contract=SPLITTER, wallet=VIEWER, newest_first=False
        )
        lines = [
            f"{fact.mark.block} {fact.mark.index} {fact.mark.transaction} "
            f"{'payout' if isinstance(fact, PayoutMade) else 'credit'} "
            f"{fact.splitter} {fact.recipient} {fact.coin} {fact.amount}\n"
            for fact in facts
            if NOVEMBER <= fact.mark.at < NOVEMBER + 30 * DAY
        ]
        digest = hashlib.sha256("".join(lines).encode()).hexdigest()
        shown = (await app.get(at(page="statement"), query={"period": "2026-11"})).values["statement"]
        assert len(lines) == 4
        assert shown.notes[-1].endswith(digest)


async def test_the_owner_sees_all_of_it_and_each_of_them(royalties):
    async with royalties() as app:
        await past(app)
        query = {"period": "2026-11", "who": "all"}
        page = await app.get(at(page="statement"), query=query, by=Role.PUBLISHER)
        account = page.values["statement"].accounts[0]
        assert account.sums == WrittenSums("150.00 dUSD", "10.000002 dUSD", "−113.00 dUSD", "47.000002 dUSD")
        assert {one.who.lower(): one.closing for one in account.recipients} == {
            VIEWER: "47.000002 dUSD",
            ANN: "0.00 dUSD",
        }
        assert [choice.value for choice in page.values["choices"]] == ["all", VIEWER, ANN]
        paper = await app.get(at(page="statement.pdf"), query=query, by=Role.PUBLISHER)
        assert account.recipients[0].who in text_of(paper.body)
        one = await app.get(at(page="statement"), query={"who": ANN, "period": "2026-11"}, by=Role.PUBLISHER)
        assert one.values["statement"].accounts[0].sums.payouts == "−53.00 dUSD"


@pytest.mark.parametrize("page", ["statement", "statement.csv", "statement.pdf"])
@pytest.mark.parametrize("who", ["all", ANN])
async def test_a_recipient_sees_nobody_elses(royalties, page, who):
    async with royalties() as app:
        await past(app)
        refused = await app.get(at(page=page), query={"who": who})
        assert (refused.status, "statements of others" in refused.sentence) == (403, True)


async def test_bad_questions_get_a_sentence(royalties):
    async with royalties() as app:
        await past(app)
        page = await app.get(at(page="statement"), query={"period": "tomorrow"})
        assert (page.status, "“tomorrow” is no period" in str(page.values["error"])) == (400, True)
        assert "is no period" in await app.render(page)
        for name in ("statement.csv", "statement.pdf"):
            assert (await app.get(at(page=name), query={"period": "tomorrow"})).status == 400
        assert (await app.get(at(page="statement"), query={"who": "0x1"})).status == 400


async def test_a_long_statement_is_cut_on_the_page_and_whole_in_its_csv(royalties):
    async with royalties() as app:
        answer(app)
        await happened(
            app, *made(), *[fact for _ in range(1_001) for fact in credited((VIEWER, 1))], at=NOVEMBER
        )
        query = {"period": "2026-11"}
        page = await app.get(at(page="statement"), query=query)
        assert "The first 500 of 1,001 lines. The CSV has all of them." in await app.render(page)
        assert page.values["statement"].accounts[0].sums.closing == "0.001001 dUSD"
        assert (await app.get(at(page="statement.csv"), query=query)).body.count(b"Credit") == 1_001
        refused = await app.get(at(page="statement.pdf"), query=query)
        assert (refused.status, refused.sentence) == (400, "1,001 lines are too many to print.")


async def test_a_period_without_anything_says_so(royalties):
    async with royalties() as app:
        await past(app)
        html = await app.render(await app.get(at(page="statement"), query={"period": "2020"}))
        assert "2020: nothing was set aside for you." in html
        paper = await app.get(at(page="statement.pdf"), query={"period": "2020"})
        assert "Nothing was set aside or paid" in text_of(paper.body)


facts = st.lists(
    st.tuples(
        st.booleans(),
        st.sampled_from([ANN, VIEWER]),
        st.sampled_from([COIN, NATIVE_COIN]),
        st.sampled_from([SPLITTER, OTHER]),
        st.integers(1, 2**120),
        st.integers(-40 * DAY, 40 * DAY),
    ),
    max_size=40,
)


@given(facts)
def test_any_history_adds_up_to_the_last_unit(told):
    told = sorted(told, key=lambda one: one[-1])
    history = []
    for number, (is_paid, who, coin, splitter, amount, when) in enumerate(told):
        mark = Mark(number // 3, "0x" + "ab" * 32, "0x" + "cd" * 32, number % 3, NOVEMBER + when)
        kind = PayoutMade if is_paid else IncomeCredited
        history.append(kind(mark, splitter, who, coin, amount))
    period = period_of({"period": "2026-11"}, dt.date(2026, 11, 1))
    counted = IndexState(1_000, NOVEMBER + 50 * DAY, 900, 1_000)
    for recipient in (None, ANN, VIEWER):
        own = [fact for fact in history if fact.splitter == SPLITTER and recipient in (None, fact.recipient)]
        for account in statement_of(history, SPLITTER, recipient, period, counted).accounts:
            of_coin = [fact for fact in own if fact.coin == account.coin]
            expected = sum(
                -fact.amount if isinstance(fact, PayoutMade) else fact.amount
                for fact in of_coin
                if fact.mark.at < period.ends
            )
            assert account.sums.closing == expected
            assert account.sums.closing == account.sums.opening + sum(line.amount for line in account.lines)
            assert sum(sums.closing for _, sums in account.recipients) == expected
            if account.lines:
                assert account.lines[-1].balance == expected


def test_paper_takes_long_amounts_and_letters_it_lacks():
    amount = f"{2**255:,}.{'1' * 18} LONGESTCOIN"
    sums = WrittenSums(amount, amount, amount, amount, "0x" + "ab" * 20)
    line = WrittenLine(
        "1 May 2026, 10:00", "Credit", "0x" + "ab" * 20, amount, amount, 7, "", "0x" + "cd" * 32, ""
    )
    account = WrittenAccount("硬币", sums, (line,) * 60, 60, (sums,))
    statement = WrittenStatement(
        "Lead", "", "0x" + "5a" * 20, "Фильм 電影", "May", "days", (account,), ("note",)
    )
    body = printed(statement, NOVEMBER)
    reader = PdfReader(io.BytesIO(body))
    text = text_of(body)
    assert len(reader.pages) > 3
    assert amount in text
    assert "Фильм ??" in text
    assert f"Page 2 of {len(reader.pages)}" in text
