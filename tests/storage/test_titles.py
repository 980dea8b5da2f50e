from dataclasses import replace

from wylloh_server.domain.film import Credit, Description
from wylloh_server.domain.rights import Tier
from wylloh_server.domain.title import (
    Answer,
    OwnerRequest,
    OwnerRequestId,
    OwnerRequestKind,
    SubmittedFile,
    Title,
    TitleId,
    TitleState,
    TitleTerms,
    UploadId,
)
from wylloh_server.domain.types import Cid, Timestamp, TokenReference, Wallet

MAKER, OTHER, OWNER = (Wallet("0x" + pair * 20) for pair in ("11", "22", "33"))
TOKEN = TokenReference.parse(f"eip155:1/erc1155:0x{'44' * 20}/{2**255}")
TERMS = TitleTerms(2**256 - 1, 500, OTHER, (Tier(1, "personal"), Tier(100, "small-venue", ("AT", "DE"), 50)))


def title(name="00", publisher=MAKER, changed=2.0):
    about = Description(
        "Light", "Of light.", 2026, credits=(Credit("Director", "Nobody"),), genres=("short",)
    )
    return Title(TitleId(name * 8), publisher, about, Timestamp(1), Timestamp(changed), terms=TERMS)


def request(name="aa", subject="t", asked=1.0):
    return OwnerRequest(
        OwnerRequestId(name), OwnerRequestKind.TITLE, subject, MAKER, "Light", Timestamp(asked)
    )


async def test_a_title_comes_back_as_it_was_saved(storage):
    plain = title()
    full = replace(plain, token=TOKEN, staged=True, root=Cid("bafy"), note="More light.")
    for one in (plain, full):
        await storage.titles.save(one)
        assert await storage.titles.get(one.id) == one
    assert await storage.titles.by_token(TOKEN) == full
    await storage.titles.remove(plain.id)
    assert await storage.titles.get(plain.id) is None


async def test_titles_are_listed_last_changed_first(storage):
    first, second, foreign = title("01"), title("02", changed=3.0), title("03", OTHER, changed=4.0)
    for one in (first, second, foreign):
        await storage.titles.save(one)
    assert await storage.titles.all(MAKER) == (second, first)
    assert await storage.titles.all() == (foreign, second, first)


async def test_a_title_is_replaced_only_from_the_state_it_was_seen_in(storage):
    await storage.titles.save(title())
    pending = replace(title(), state=TitleState.PENDING)
    assert await storage.titles.save_if(pending, TitleState.DRAFT)
    assert not await storage.titles.save_if(replace(pending, state=TitleState.ACTIVE), TitleState.DRAFT)
    assert await storage.titles.get(pending.id) == pending


async def test_nothing_is_asked_twice_at_once_and_nothing_answered_twice(storage):
    asked = request()
    assert await storage.requests.ask(asked)
    assert not await storage.requests.ask(request("bb"))
    assert await storage.requests.waiting() == (asked,)
    declined = replace(
        asked, answer=Answer.DECLINED, answered_by=OWNER, answered=Timestamp(5), note="Too dark."
    )
    assert await storage.requests.answer(declined, Answer.DECLINED)
    assert not await storage.requests.answer(replace(declined, note="No, fine."), Answer.APPROVED)
    assert await storage.requests.get(asked.id) == declined
    files = (SubmittedFile(UploadId("ab" * 16), "cd" * 32),)
    assert await storage.requests.ask(replace(request("bb", asked=6.0), files=files))
    assert await storage.requests.answered(10) == (declined,)
    assert await storage.requests.of_subject(OwnerRequestKind.TITLE, "t") == (
        replace(request("bb", asked=6.0), files=files),
        declined,
    )
