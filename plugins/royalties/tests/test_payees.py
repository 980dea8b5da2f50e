"""Whom films pay: wallets, splitters, splits of 0xSplits, and what nobody knows."""

from __future__ import annotations


from royalty_samples import (
    ANN,
    BEN,
    COIN,
    OTHER,
    PUBLISHER,
    SPLITTER,
    answer,
    created,
    happened,
    made,
    offer,
)

from wylloh_server.sdk import (
    ChainError,
    ErrorReply,
    RecipientsChanged,
    Role,
    Share,
)
from wylloh_server.sdk.testing import SOMEWHERE

HASH = bytes.fromhex("ab" * 32)
FINGERPRINT = "0x" + "ab" * 32


def announced(fingerprint: str, *shares: Share) -> RecipientsChanged:
    return RecipientsChanged(SOMEWHERE, OTHER, shares, fingerprint)


async def looked_at(app, address: str):
    return (await app.get("films", query={"address": address})).values["looked"]


async def test_a_wallet_a_splitter_and_an_unknown_contract(royalties):
    async with royalties() as app:
        answer(app)
        app.chain.answer(OTHER, "splitHash()", ChainError("no"))
        await happened(app, *made())
        assert (await looked_at(app, ANN)).summary == "A wallet"
        assert (await looked_at(app, SPLITTER)).summary == "A splitter among 2"
        unknown = await looked_at(app, OTHER)
        assert (unknown.summary, unknown.shares) == ("An unknown contract", ())
        assert "Nobody here can say" in unknown.sentence
        assert unknown.url == f"https://explorer.example/address/{OTHER}"


async def test_of_a_foreign_split_the_announcement_with_its_own_hash_is_believed(royalties):
    async with royalties() as app:
        app.chain.answer(OTHER, "splitHash()", (HASH,))
        right, wrong = (Share(ANN, 7_500), Share(BEN, 2_500)), (Share(PUBLISHER, 10_000),)
        await happened(app, announced("0x" + "00" * 32, *wrong))
        assert (await looked_at(app, OTHER)).summary == "A split of 0xSplits that this server has not read"
        await happened(app, announced(FINGERPRINT, *right), announced("0x" + "cd" * 32, *wrong))
        split = await looked_at(app, OTHER)
        assert (split.summary, split.shares) == ("A split of 0xSplits among 2", right)
        html = await app.render(await app.get("films", query={"address": OTHER}))
        assert "75\xa0%" in html and "held against its own hash" in html
        assert "Change recipients" not in html


async def test_ones_own_films_show_whom_they_pay(royalties):
    async with royalties() as app:
        answer(app)
        app.chain.answer(OTHER, "splitHash()", (HASH,))
        await happened(
            app, *made(), created(1), created(2, OTHER), offer(1), announced(FINGERPRINT, Share(ANN, 10_000))
        )
        page = await app.get("films", by=Role.PUBLISHER)
        own = {film.title: film for film in page.values["films"]}
        assert own["Winter Light"].sale.summary == own["Winter Light"].royalty.summary == "A splitter among 2"
        assert (own["The Meadow"].sale, own["The Meadow"].royalty.summary) == (
            None,
            "A split of 0xSplits among 1",
        )
        assert own["The Meadow"].royalty_share == "5\xa0%"
        html = await app.render(page, by=Role.PUBLISHER)
        assert "nobody: it is not on sale" in html
        assert f'href="https://explorer.example/address/{OTHER}"' in html
        assert (await app.get("films")).values["films"] == []


async def test_a_bad_address_is_refused_and_a_silent_chain_told(royalties):
    async with royalties() as app:
        page = await app.get("films", query={"address": "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"})
        assert (page.status, "EIP-55" in str(page.values["error"])) == (400, True)
        app.chain.silent = True
        assert isinstance(await app.get("films", query={"address": COIN}), ErrorReply)


async def test_a_reorg_brings_the_payee_before_back(royalties):
    async with royalties() as app:
        answer(app)
        await happened(app, *made(), created(1), offer(1))
        await happened(app, offer(1, payee=ANN))
        assert (await app.get("films", by=Role.PUBLISHER)).values["films"][0].sale.summary == "A wallet"
        await app.taken_back()
        await happened(app)
        assert (await app.get("films", by=Role.PUBLISHER)).values["films"][
            0
        ].sale.summary == "A splitter among 2"
