"""Statements: computed from facts, complete to the last unit, the same on the page, as CSV and on paper."""

from __future__ import annotations

import csv
import datetime as dt
import hashlib
import io
from dataclasses import replace

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
    film,
    happened,
    made,
    offer,
    paid,
    sold,
)

from wylloh_royalties.film_split import FilmIncome
from wylloh_royalties.issuer import issuer_lines
from wylloh_royalties.pdf import printed
from wylloh_royalties.periods import period_of
from wylloh_royalties.projection import ROYALTY, SALE
from wylloh_royalties.statement_view import (
    WrittenAccount,
    WrittenFilm,
    WrittenLine,
    WrittenStatement,
    WrittenSums,
)
from wylloh_royalties.statement import statement_of
from wylloh_server.sdk import (
    EventQuery,
    NATIVE_COIN,
    Download,
    IncomeCredited,
    IndexState,
    LogPosition,
    PayoutMade,
    Role,
    ServerIdentity,
    Share,
)

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
            EventQuery(
                kinds=(IncomeCredited, PayoutMade), contract=SPLITTER, wallet=VIEWER, newest_first=False
            )
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
        wrong = await app.get(at(page="statement"), query={"from": "2026-11-05", "to": "2026-11-01"})
        html = await app.render(wrong)
        assert wrong.status == 400
        assert 'value="2026-11-05"' in html and 'value="2026-11-01"' in html


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


ISSUER = ("Meadow Films Ltd", "12 Park Street, Floor 2", "London")


async def sold_and_divided(app, shares=DIRECTOR) -> None:
    """Two films sell for one splitter; 0.50 dUSD come from elsewhere; all is divided in November."""
    answer(app, owner=PUBLISHER)
    await happened(
        app, *made(shares=shares), created(1), created(2), offer(1), offer(2, payee=ANN), at=NOVEMBER
    )
    await happened(app, sold(1, 1_000_003), sold(2, 8_000_000), sold(2, 7_000_000, listing=3), at=NOVEMBER)
    await happened(app, *credited((VIEWER, 1_190_000), (ANN, 635_003)), at=NOVEMBER + DAY)
    await happened(app, sold(1, 2_000_000), at=NOVEMBER + 2 * DAY)
    await happened(app, offer(1, payee=ANN), sold(1, 64_000_000), at=NOVEMBER + 3 * DAY)
    await happened(app, *credited((VIEWER, 1_267_500), (ANN, 682_500)), at=NOVEMBER + 4 * DAY)


async def test_credits_are_split_by_film_to_the_last_unit(royalties):
    async with royalties() as app:
        await sold_and_divided(app)
        (account,) = (
            (await app.get(at(page="statement"), query={"period": "2026-11"})).values["statement"].accounts
        )
        # 975,003 of Winter Light, 350,000 of The Meadow's resale and 500,000 of neither were divided first, then
        # 1,950,000 of Winter Light: what its sales bring others, and what The Meadow's first sales bring, is not here.
        assert [(film.title, film.sales, film.resales, film.together) for film in account.films] == [
            ("The Meadow", "", "0.228219 dUSD", "0.228219 dUSD"),
            ("Winter Light", "1.903254 dUSD", "", "1.903254 dUSD"),
            ("Other transfers", "", "", "0.326027 dUSD"),
        ]
        assert account.film_sums == WrittenFilm("Together", "1.903254 dUSD", "0.228219 dUSD", "2.4575 dUSD")
        assert account.sums.credits == "2.4575 dUSD"
        assert 228_219 + 1_903_254 + 326_027 == 1_190_000 + 1_267_500
        query = {"period": "2026-11", "who": "all"}
        (whole,) = (
            (await app.get(at(page="statement"), query=query, by=Role.PUBLISHER)).values["statement"].accounts
        )
        assert [(film.title, film.together) for film in whole.films] == [
            ("The Meadow", "0.35 dUSD"),
            ("Winter Light", "2.925003 dUSD"),
            ("Other transfers", "0.50 dUSD"),
        ]


async def test_paper_names_its_issuer_and_whom_it_is_for_and_every_film(royalties):
    titles = [f"Film {number}" for number in range(1, 9)]
    films = [film(number, title) for number, title in enumerate(titles, 1)]
    async with royalties(films=films, settings={"issuer": ISSUER}) as app:
        answer(app, owner=PUBLISHER)
        facts = [
            fact for number in range(1, 9) for fact in (created(number), offer(number), sold(number, 10_000))
        ]
        await happened(app, *made(shares=DIRECTOR), *facts, at=NOVEMBER)
        await happened(app, *credited((VIEWER, 50_700), (ANN, 27_300)), at=NOVEMBER + DAY)
        shown = (await app.get(at(page="statement"), query={"period": "2026-11"})).values["statement"]
        (account,) = shown.accounts
        assert account.sums.credits == "0.0507 dUSD"
        assert sum(round(1e6 * float(one.together.split()[0])) for one in account.films) == 50_700
        paper = await app.get(at(page="statement.pdf"), query={"period": "2026-11"})
        text = text_of(paper.body)
        assert text.startswith("\n".join(ISSUER))
        assert f"For {shown.who}, Kamera · режиссёр" in text
        assert " more" not in text
        assert ", ".join(titles) in " ".join(text.split())
        split = text.partition("Credits by film")[2].partition("Together")
        assert [one for one in titles if one not in split[0]] == [] and "0.0507 dUSD" in split[2]
        assert PdfReader(io.BytesIO(paper.body)).metadata.author == ISSUER[0]


async def test_without_a_named_issuer_the_server_is_it(royalties):
    async with royalties() as app:
        await past(app)
        assert issuer_lines(app.context, "10.0.0.7:8484") == ("Wylloh", "10.0.0.7:8484")
        named = replace(app.context, server=ServerIdentity("Sofa", "https://films.example"))
        assert issuer_lines(named, "10.0.0.7:8484") == ("Sofa", "https://films.example")
        paper = await app.get(at(page="statement.pdf"), query={"period": "2026-11"})
        assert text_of(paper.body).startswith("Wylloh\nStatement")


@pytest.mark.parametrize("issuer", [["line"] * 9, ["A" * 101], ["Films\nLondon"], [" "]])
async def test_an_issuer_that_no_paper_can_hold_is_refused_at_the_start(royalties, issuer):
    async with royalties(settings={"issuer": issuer}) as app:
        assert app.record.status == "failed" and "issuer has" in app.record.reason


facts = st.lists(
    st.tuples(
        st.sampled_from([IncomeCredited, PayoutMade, FilmIncome]),
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
    history, incomes = [], []
    for number, (kind, who, coin, splitter, amount, when) in enumerate(told):
        mark = LogPosition(
            number // 3, "0x" + "ab" * 32, f"0x{number // 2:064x}", number % 3, NOVEMBER + when
        )
        if kind is FilmIncome:
            incomes.append(FilmIncome(mark, who, SALE if amount % 2 else ROYALTY, coin, amount))
        else:
            history.append(kind(mark, splitter, who, coin, amount))
    period = period_of({"period": "2026-11"}, dt.date(2026, 11, 1))
    counted = IndexState(1_000, NOVEMBER + 50 * DAY, 900, 1_000)
    for recipient in (None, ANN, VIEWER):
        own = [fact for fact in history if fact.splitter == SPLITTER and recipient in (None, fact.recipient)]
        found = statement_of(history, SPLITTER, recipient, period, counted, incomes=incomes)
        for account in found.accounts:
            of_coin = [fact for fact in own if fact.coin == account.coin]
            expected = sum(
                -fact.amount if isinstance(fact, PayoutMade) else fact.amount
                for fact in of_coin
                if fact.mark.at < period.ends
            )
            assert account.sums.closing == expected
            assert account.sums.closing == account.sums.opening + sum(line.amount for line in account.lines)
            assert sum(sums.closing for _, sums in account.recipients) == expected
            assert sum(film.together for film in account.films) == account.sums.credits
            if account.lines:
                assert account.lines[-1].balance == expected


def test_paper_takes_long_amounts_and_letters_it_lacks():
    amount = f"{2**255:,}.{'1' * 18} LONGESTCOIN"
    sums = WrittenSums(amount, amount, amount, amount, "0x" + "ab" * 20)
    line = WrittenLine(
        "1 May 2026, 10:00", "Credit", "0x" + "ab" * 20, amount, amount, 7, "", "0x" + "cd" * 32, ""
    )
    account = WrittenAccount("硬币", sums, (line,) * 60, 60, (sums,))
    films = tuple(f"Фильм 電影 {number}" for number in range(60))
    statement = WrittenStatement(
        "Lead",
        ("Kino 電影 Ltd", "12 Park Street"),
        "",
        "",
        "0x" + "5a" * 20,
        films,
        "May",
        "days",
        (replace(account, films=tuple(WrittenFilm(f"{title} " * 9, amount, "", amount) for title in films)),),
        ("note",),
    )
    body = printed(statement, NOVEMBER)
    reader = PdfReader(io.BytesIO(body))
    text = text_of(body)
    assert len(reader.pages) > 3
    assert amount in text
    assert all(f"Фильм ?? {number}" in text for number in range(60))
    assert [f"Page {number} of {len(reader.pages)}" in text for number in (1, 2, len(reader.pages))] == [
        True
    ] * 3
    later = [page.extract_text() for page in reader.pages[1:]]
    assert all(page.startswith("Kino ?? Ltd · Statement, May · All recipients") for page in later)
    assert sum("Credits by film" in page for page in later) > 2, "the columns are named on every page"
    assert sum("Balance" in page for page in later) > 2
