"""Making splitters and changing recipients: what is proposed, what is refused, and that nothing is half done."""

from __future__ import annotations

import pytest
from royalty_samples import (
    ANN,
    BEN,
    COIN,
    PUBLISHER,
    SHARES,
    SPLITTER,
    VIEWER,
    answer,
    at,
    credited,
    happened,
    made,
    offer,
)

from wylloh_royalties.messages import SPLITTING
from wylloh_royalties.splitters import find_splitter
from wylloh_server.sdk import ChainError, Coin, Redirect, Role, UploadedFile, Wallet, checksummed
from wylloh_server.sdk.testing import CONTRACTS

CREATE = "create(address,(address,uint16,string)[],address[])"


def form(*lines: tuple[str, str, str], do: str = "propose", **more):
    columns = zip(*lines, strict=True)
    return dict(zip(("account", "role", "share"), map(list, columns), strict=True)) | {"do": do} | more


def typed(page) -> list[tuple[str, str, str]]:
    return [(line.typed.account, line.typed.role, line.typed.share) for line in page.values["lines"]]


async def test_a_new_splitter_is_proposed_as_it_was_typed(royalties):
    async with royalties() as app:
        await happened(app, offer(1))
        page = await app.get("new")
        assert typed(page)[0] == (checksummed(VIEWER), "", "100")
        assert [coin.symbol for coin in page.values["coins"]] == ["dUSD"]
        assert 'class="button button-primary"' in await app.render(page)
        lines = (checksummed(VIEWER), " film  director ", "66.67"), (ANN, "", "3333 bp")
        went = await app.post("new", form(*lines, coin=COIN))
        assert isinstance(went, Redirect)
        (proposal,) = app.transactions.proposals
        (call,) = proposal.steps
        assert (call.to, call.function) == (CONTRACTS.splitters, CREATE)
        assert call.arguments == (VIEWER, ((VIEWER, 6_667, "film director"), (ANN, 3_333, "")), (COIN,))
        assert proposal.explanation[0] == (
            "What it receives is divided: 66.67\xa0% for you and 33.33\xa0% for 0xa1a1…a1a1."
        )
        assert proposal.back == "/plugins/royalties/"


@pytest.mark.parametrize(
    ("lines", "words"),
    [
        ([(VIEWER, "", "99.99")], "99.99\xa0%: 0.01\xa0% missing"),
        ([(VIEWER, "", "60"), (ANN, "", "60")], "120\xa0%: 20\xa0% too much"),
        ([(VIEWER, "", "50"), (VIEWER.upper().replace("0X", "0x"), "", "50")], "Line 2: The same address"),
        ([(VIEWER, "", "50"), ("0x123", "", "50")], "Line 2: “0x123” is not an address"),
        ([(VIEWER, "", str(2**256))], "is not a share"),
        ([(VIEWER, "", "-1")], "negative"),
        ([(VIEWER, "", "0"), (ANN, "", "100")], "A share of 0 is nothing"),
        ([("", "", "")], "There is no recipient"),
        ([(VIEWER, "", "50"), (CONTRACTS.registry, "", "50")], "Money sent to it stays there for good"),
    ],
)
async def test_what_is_no_whole_is_refused_and_stays_as_typed(royalties, lines, words):
    async with royalties() as app:
        page = await app.post("new", form(*lines))
        assert page.status == 400
        assert words in f"{page.values['error']}"
        assert typed(page) == lines
        assert app.transactions.proposals == []
        assert 'role="alert"' in await app.render(page)


async def test_lines_come_and_go_without_javascript(royalties):
    async with royalties() as app:
        lines = (VIEWER, "a", "50"), (ANN, "b", "25"), (BEN, "c", "25")
        added = await app.post("new", form(*lines, do="add"))
        assert typed(added) == [*lines, ("", "", "")]
        assert added.values["sum"] == "Together exactly 100 %."
        removed = await app.post("new", form(*lines, do="remove:2"))
        assert typed(removed) == [lines[0], lines[2]]
        assert removed.values["sum"] == "Together 75\xa0%: 25\xa0% missing."
        last = await app.post("new", form(lines[0], do="remove:1"))
        assert typed(last) == [("", "", "")]
        odd = await app.post("new", form(*lines, do="remove:\N{SUPERSCRIPT TWO}"))
        assert typed(odd) == list(lines)
        assert [line.share for line in odd.values["lines"]] == [
            "50\xa0% · 5,000 basis points",
            *["25\xa0% · 2,500 basis points"] * 2,
        ]


async def test_a_wrong_line_is_marked(royalties):
    async with royalties() as app:
        page = await app.post("new", form((VIEWER, "", "50"), ("nobody", "", "50"), do="check"))
        assert [bool(line.fault) for line in page.values["lines"]] == [False, True]
        assert 'aria-invalid="true" aria-describedby="fault-2"' in await app.render(page)


async def test_a_form_of_somebodys_own_is_refused(royalties):
    async with royalties() as app:
        for broken in ({"account": [VIEWER], "role": [], "share": ["100"]}, form(*[(VIEWER, "", "1")] * 51)):
            assert (await app.post("new", broken)).status == 400


async def test_csv_fills_in_the_form_and_proposes_nothing(royalties):
    async with royalties() as app:
        text = f"address,role,basis points\n{VIEWER},director,6500\n{ANN},music,3500\n"
        pasted = await app.post("new", form(("", "", ""), do="import", csv=text))
        file = UploadedFile("people.csv", text.encode())
        chosen = await app.post("new", form(("", "", ""), do="import", csv=""), files={"file": file})
        for page in (pasted, chosen):
            assert typed(page) == [(VIEWER, "director", "65"), (ANN, "music", "35")]
            assert page.values["sum"] == "Together exactly 100 %."
        assert app.transactions.proposals == []


async def test_bad_csv_leaves_the_form_as_it_was(royalties):
    async with royalties() as app:
        text = "\n".join(f"0x{number},role,{number}" for number in range(10_000))
        page = await app.post("new", form((VIEWER, "me", "100"), do="import", csv=text))
        assert page.status == 400
        assert str(page.values["error"]).startswith("10,000 of 10,000 lines cannot be used, so nothing was")
        assert typed(page) == [(VIEWER, "me", "100")]
        binary = UploadedFile("people.xlsx", b"PK\x03\x04\xff\xfe")
        page = await app.post("new", form((VIEWER, "me", "100"), do="import"), files={"file": binary})
        assert "not UTF-8" in str(page.values["error"])


async def test_only_the_owner_changes_recipients(royalties):
    async with royalties() as app:
        answer(app, owner=PUBLISHER)
        await happened(app, *made())
        for reply in (
            await app.get(at(page="recipients")),
            await app.post(at(page="recipients"), form((VIEWER, "", "100"))),
        ):
            assert (reply.status, "Only the owner of this splitter" in reply.sentence) == (403, True)


async def test_a_change_says_what_changes_and_that_the_past_is_divided_the_old_way(royalties):
    async with royalties() as app:
        answer(app, owner=PUBLISHER, pending=2_500_000)
        await happened(app, *made(), *credited((VIEWER, 1)))
        page = await app.get(at(page="recipients"), by=Role.PUBLISHER)
        assert typed(page) == [(checksummed(VIEWER), "director", "65"), (checksummed(ANN), "music", "35")]
        assert "What came before is divided the old way." in await app.render(page, by=Role.PUBLISHER)
        lines = (VIEWER, "director", "50"), (BEN, "sound", "50")
        went = await app.post(at(page="recipients"), form(*lines), by=Role.PUBLISHER)
        assert isinstance(went, Redirect)
        (proposal,) = app.transactions.proposals
        assert proposal.steps[0].arguments == (((VIEWER, 5_000, "director"), (BEN, 5_000, "sound")),)
        assert proposal.explanation == (
            "Later income is divided: 50\xa0% for 0x0000…0004 and 50\xa0% for 0xb2b2…b2b2.",
            "New: 0xb2b2…b2b2 with 50\xa0%.",
            "No longer: 0xa1a1…a1a1.",
            "Changed: 0x0000…0004 from 65\xa0% to 50\xa0%.",
            "What came before is divided the old way, whichever coin it is. A coin that was never divided here "
            "follows the old shares once more, until somebody divides it. Now that is 2.50 dUSD. "
            "What is set aside stays whose it is.",
        )


async def test_a_coin_that_the_splitter_does_not_know_is_divided_before_a_change(royalties):
    """So that the new shares hold for it at once, too."""
    async with royalties() as app:
        answer(app, owner=PUBLISHER, pending=2_500_000)
        app.chain.answer(SPLITTER, "coins()", ((),))
        await happened(app, *made(), *credited((VIEWER, 1)))
        await app.post(at(page="recipients"), form((BEN, "sound", "100")), by=Role.PUBLISHER)
        first, second = app.transactions.proposals[0].steps
        assert (first.function, first.arguments) == ("distribute(address)", (COIN,))
        assert second.function.startswith("setRecipients(")


@pytest.mark.parametrize("earlier", [False, True])
async def test_of_more_coins_than_fit_into_one_go_it_says_how_to_go_on(royalties, earlier):
    """Those with income come first; a proposal of more than ten steps would be refused."""
    async with royalties() as app:
        coins = [Wallet(f"0xc{index:039x}") for index in range(13)]
        answer(app, owner=PUBLISHER, pending=0)
        app.chain.answer(SPLITTER, "pending(address)", lambda coin: (0 if coin == coins[0] else 5,))
        if earlier:
            app.chain.answer(SPLITTER, "sharesOf(address)", ChainError("the contract refused the call"))
        app.chain.answer(SPLITTER, "coins()", ((),))
        for index, coin in enumerate(coins):
            app.chain.coin(Coin(coin, f"C{index}", 2, permits=False))
        await happened(app, *made(), *[credited((VIEWER, 1), coin=coin)[0] for coin in coins])
        went = await app.post(at(page="recipients"), form((BEN, "sound", "100")), by=Role.PUBLISHER)
        assert isinstance(went, Redirect)
        (proposal,) = app.transactions.proposals
        divided = [call.arguments[0] for call in proposal.steps[:-1]]
        assert len(divided) == 9
        assert set(divided) <= set(coins[1:])
        left = [f"C{index}" for index, coin in enumerate(coins) if coin not in divided]
        promise = proposal.explanation[-1]
        assert ("So does what came in of" in promise, "on its page before you confirm" in promise) == (
            not earlier,
            earlier,
        )
        assert all(symbol in promise for symbol in left)


async def test_of_a_splitter_of_an_earlier_release_it_says_what_is_not_promised(royalties):
    """There the new shares hold for whatever came in of a coin that nobody has divided."""
    async with royalties() as app:
        answer(app, owner=PUBLISHER, pending=2_500_000)
        app.chain.answer(SPLITTER, "sharesOf(address)", ChainError("the contract refused the call"))
        app.chain.answer(SPLITTER, "coins()", ((),))
        await happened(app, *made(), *credited((VIEWER, 1)))
        await app.post(at(page="recipients"), form((BEN, "sound", "100")), by=Role.PUBLISHER)
        (proposal,) = app.transactions.proposals
        assert [call.function.partition("(")[0] for call in proposal.steps] == ["distribute", "setRecipients"]
        assert (
            "This splitter is of an earlier release: what came in of any other coin"
            in proposal.explanation[-1]
        )
        assert "first, in dUSD and ETH." in proposal.explanation[-1]


async def test_the_same_recipients_are_no_change(royalties):
    async with royalties() as app:
        answer(app, owner=PUBLISHER)
        await happened(app, *made())
        lines = [(share.account, share.role, f"{share.basis_points} bp") for share in SHARES]
        page = await app.post(at(page="recipients"), form(*lines), by=Role.PUBLISHER)
        assert "already" in str(page.values["error"])


async def test_dividing_foretells_who_gets_what(royalties):
    async with royalties() as app:
        answer(app, pending=1_000_001)
        await happened(app, *made())
        assert isinstance(await app.post(at(page="distribute"), {"coin": COIN}), Redirect)
        (proposal,) = app.transactions.proposals
        assert proposal.steps[0].function == "distribute(address)"
        assert proposal.explanation[0] == (
            "1.000001 dUSD came in. It is set aside now: 0.650001 dUSD for you and 0.35 dUSD for 0xa1a1…a1a1."
        )
        app.chain.answer(SPLITTER, "sharesOf(address)", (((BEN, 10_000),),))
        await app.post(at(page="distribute"), {"coin": COIN})
        earlier = app.transactions.proposals[1]
        assert "It is set aside now: 1.000001 dUSD for 0xb2b2…b2b2." in earlier.explanation[0]
        answer(app, pending=0)
        refused = await app.post(at(page="distribute"), {"coin": COIN})
        assert (refused.status, "Nothing of this coin came in" in refused.sentence) == (400, True)


async def test_withdrawing_takes_out_only_the_viewers_own(royalties):
    async with royalties() as app:
        answer(app, owed=lambda who, coin: 7_000_000 if (who, coin) == (VIEWER, COIN) else 0)
        await happened(app, *made())
        assert isinstance(await app.post(at(page="withdraw"), {"coin": COIN}), Redirect)
        (proposal,) = app.transactions.proposals
        assert proposal.title == "Withdraw 7.00 dUSD"
        assert proposal.steps[0].arguments == (VIEWER, COIN)
        refused = await app.post(at(page="withdraw"), {"coin": COIN}, by=Role.PUBLISHER)
        assert (refused.status, refused.sentence) == (400, SPLITTING["NothingOwed"])


@pytest.mark.parametrize("page", ["distribute", "withdraw"])
async def test_strangers_and_bad_coins_are_refused(royalties, page):
    async with royalties() as app:
        answer(app, pending=5, owed=lambda *_: 5)
        await happened(app, *made())
        assert (await app.post(at(page=page), {"coin": COIN}, by=Role.OWNER)).status == 403
        assert (await app.post(at(page=page), {"coin": "dollar"})).status == 400
        assert (await app.post(at(page=page), {})).status == 400
        assert app.transactions.proposals == []


@pytest.mark.parametrize("name", sorted(SPLITTING))
async def test_each_refusal_of_the_contract_has_its_sentence(royalties, name):
    async with royalties() as app:
        answer(app, pending=5)
        await happened(app, *made())
        app.transactions.calls.refused = name
        refused = await app.post(at(page="distribute"), {"coin": COIN})
        assert (refused.status, refused.sentence) == (400, SPLITTING[name])


async def test_a_refused_change_stays_as_typed(royalties):
    async with royalties() as app:
        answer(app, owner=PUBLISHER)
        await happened(app, *made())
        app.transactions.calls.refused = "BadRecipient"
        page = await app.post(at(page="recipients"), form((SPLITTER, "", "100")), by=Role.PUBLISHER)
        assert str(page.values["error"]) == SPLITTING["BadRecipient"]
        assert typed(page) == [(SPLITTER, "", "100")]
        assert await find_splitter(app.context, SPLITTER) is not None


async def test_without_a_factory_nothing_is_made(royalties):
    from dataclasses import replace

    async with royalties(contracts=replace(CONTRACTS, splitters=None)) as app:
        assert await app.nav_items(by=Role.PUBLISHER) == ()
        page = await app.post("new", form((VIEWER, "", "100")))
        assert "name no factory" in str(page.values["error"])
