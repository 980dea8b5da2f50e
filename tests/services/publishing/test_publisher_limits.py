"""What a publisher may take of the disk, and what stays of a publisher who is removed."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.fakes import FakeInspector
from tests.services.server_environment import viewer_with
from tests.web.publishers import publishing_services
from wylloh_server.adapters.files.upload_files import EncryptedUploads
from wylloh_server.domain.access import Role
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.film import Description
from wylloh_server.domain.title import Answer, TitleState, Upload, UploadId, UploadKind
from wylloh_server.domain.types import parse_wallet
from wylloh_server.services.chain.payee_check import PayeeCheck
from wylloh_server.services.operations.live_updates import LiveUpdates
from wylloh_server.services.publishing import title_service
from wylloh_server.services.publishing.title_service import TitleService

OWNER, MAKER, OTHER = (parse_wallet("0x" + digit * 40) for digit in "abc")
QUOTA = 1_000


def wanted(title, size, kind=UploadKind.FEATURE, language=""):
    return Upload(UploadId(""), title.id, kind, "film.mp4", size, language)


@pytest.fixture
def titles(storage, clock, tmp_path):
    uploads = EncryptedUploads(tmp_path / "uploads", bytes(32))
    return TitleService(
        titles=storage.titles,
        accounts=storage.accounts,
        uploads=uploads,
        inspect=FakeInspector().fault,
        payees=PayeeCheck(Contracts(None, None, None), storage.coins),
        clock=clock,
        quota=QUOTA,
    )


@pytest.fixture
async def maker(storage):
    await storage.accounts.save(MAKER, Role.PUBLISHER)
    return viewer_with(MAKER, Role.PUBLISHER)


async def draft(titles, viewer):
    return await titles.draft(viewer, Description("Dunes"))


async def test_what_was_announced_counts_over_all_titles_of_a_publisher(titles, maker):
    first, second = await draft(titles, maker), await draft(titles, maker)
    await titles.begin_upload(maker, wanted(first, 600))
    with pytest.raises(AccessRefused, match="would exceed") as caught:
        await titles.begin_upload(maker, wanted(second, 401))
    assert "publishing.quota_gb" in caught.value.fix
    await titles.begin_upload(maker, wanted(second, 400))


async def test_of_uploads_that_begin_at_once_no_more_are_taken_than_the_quota(titles, maker):
    drafts = [await draft(titles, maker) for _ in range(4)]
    began = [titles.begin_upload(maker, wanted(one, 600)) for one in drafts]
    outcomes = await asyncio.gather(*began, return_exceptions=True)
    assert sum(isinstance(outcome, AccessRefused) for outcome in outcomes) == 3


async def test_the_titles_of_a_publisher_that_are_not_on_chain_are_bounded(
    titles, storage, maker, monkeypatch
):
    monkeypatch.setattr(title_service, "_MOST_TITLES", 2)
    outcomes = await asyncio.gather(*(draft(titles, maker) for _ in range(4)), return_exceptions=True)
    (first, second) = [one for one in outcomes if not isinstance(one, AccessRefused)]
    for state in (TitleState.PENDING, TitleState.ACTIVE):
        await storage.titles.save(replace(first, state=state))
        with pytest.raises(AccessRefused, match="not on chain yet") as caught:
            await draft(titles, maker)
        assert "delete drafts" in caught.value.fix
    await storage.titles.save(replace(first, state=TitleState.TOKENISED))
    await draft(titles, maker)
    await titles.remove(maker, second.id)
    await draft(titles, maker)
    owner = viewer_with(OWNER, Role.OWNER)
    assert len([await draft(titles, owner) for _ in range(3)]) == 3


async def test_the_files_of_a_publisher_are_bounded_in_number_over_all_titles(titles, maker, monkeypatch):
    """Subtitles may have more languages than there are, each a folder of one byte."""
    monkeypatch.setattr(title_service, "_MOST_FILES", 3)
    first, second = await draft(titles, maker), await draft(titles, maker)
    for title, language in ((first, "en"), (first, "x-a"), (second, "x-b")):
        kept = await titles.begin_upload(maker, wanted(title, 1, UploadKind.SUBTITLES, language))
    for title in (first, second):
        with pytest.raises(AccessRefused, match="no more are kept") as caught:
            await titles.begin_upload(maker, wanted(title, 1, UploadKind.SUBTITLES, "x-c"))
        assert "Remove files" in caught.value.fix
    again = await titles.begin_upload(maker, wanted(second, 2, UploadKind.SUBTITLES, "x-b"))
    await titles.remove_upload(maker, again.id)
    await titles.begin_upload(maker, wanted(second, 1, UploadKind.SUBTITLES, "x-c"))
    assert kept.id not in {file.id for file in await titles.files(second)}


async def test_an_upload_begun_again_does_not_count_against_itself(titles, maker):
    title = await draft(titles, maker)
    first = await titles.begin_upload(maker, wanted(title, 600))
    again = await titles.begin_upload(maker, wanted(title, 700))
    assert await titles.files(title) == (again,)
    with pytest.raises(AccessRefused, match="take 0 bytes"):
        await titles.begin_upload(maker, wanted(title, 1_001))
    assert await titles.files(title) == (again,), "who is refused keeps what was there"
    with pytest.raises(NotFound):
        await titles.upload(maker, first.id)


async def test_each_publisher_has_a_quota_and_the_owner_none(titles, maker):
    other, owner = viewer_with(OTHER, Role.PUBLISHER), viewer_with(OWNER, Role.OWNER)
    for viewer in (maker, other):
        await titles.begin_upload(viewer, wanted(await draft(titles, viewer), QUOTA))
    await titles.begin_upload(owner, wanted(await draft(titles, owner), 5 * QUOTA))


async def test_a_removed_publisher_leaves_no_drafts_files_or_questions(storage, clock, tmp_path, maker):
    titles, approvals, removal = publishing_services(LiveUpdates(), storage, tmp_path, clock)
    await storage.accounts.claim(OWNER)
    guest, owner = viewer_with(OTHER), viewer_with(OWNER, Role.OWNER)
    waiting, other = await draft(titles, maker), await draft(titles, owner)
    for viewer, title in ((maker, waiting), (owner, other)):
        upload = await titles.begin_upload(viewer, wanted(title, 9))
        await titles.append(upload, _sent(b"film film"))
    await titles.begin_upload(maker, wanted(await draft(titles, maker), 9))
    await storage.titles.save(replace(waiting, state=TitleState.PENDING))
    asked = await approvals.apply(guest, "I make films.")

    await removal.forget(MAKER)
    await removal.forget(OTHER)

    assert [title.id for title in await storage.titles.all()] == [other.id]
    assert len(list((tmp_path / "uploads").iterdir())) == 1
    assert await storage.requests.waiting() == ()
    assert (await storage.requests.get(asked.id)).answer is Answer.WITHDRAWN


async def test_an_old_question_is_no_way_back_for_somebody_removed(storage, clock, tmp_path):
    _, approvals, _ = publishing_services(LiveUpdates(), storage, tmp_path, clock)
    await storage.accounts.claim(OWNER)
    asked = await approvals.apply(viewer_with(OTHER), "I make films.")
    await approvals.answer(viewer_with(OWNER, Role.OWNER), asked.id, approve=True, note="")
    assert await storage.accounts.role(OTHER) is None


async def _sent(content):
    yield content
