"""The owner approves one film, and no other is published: neither by another file nor by other bytes."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from tests.services.server_environment import viewer_with
from tests.web.publishers import publishing_services
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, NotFound
from wylloh_server.domain.film import Description
from wylloh_server.domain.rights import PERSONAL, Tier
from wylloh_server.domain.title import Answer, TitleState, TitleTerms, Upload, UploadId, UploadKind
from wylloh_server.domain.types import parse_wallet
from wylloh_server.services.operations.live_updates import LiveUpdates

OWNER, MAKER = viewer_with(parse_wallet("0x" + "a" * 40), Role.OWNER), parse_wallet("0x" + "b" * 40)
PUBLISHER = viewer_with(MAKER, Role.PUBLISHER)
TERMS = TitleTerms(supply=10, tiers=(Tier(1, PERSONAL),))


async def sent(content):
    yield content


class Desk:
    """A title with one film that can be submitted, and what is done to it."""

    def __init__(self, storage, titles, approvals, title):
        self.storage, self.titles, self.approvals, self.title = storage, titles, approvals, title
        self.uploads = approvals.approved_files.uploads

    async def begin(self, name, size, kind=UploadKind.FEATURE):
        return await self.titles.begin_upload(
            PUBLISHER, Upload(UploadId(""), self.title.id, kind, name, size)
        )

    async def upload(self, name, content, kind=UploadKind.FEATURE):
        upload = await self.begin(name, len(content), kind)
        await self.titles.append(upload, sent(content))
        return upload

    async def names(self):
        return [file.filename for file in await self.titles.files(self.title)]

    async def state(self):
        return (await self.storage.titles.get(self.title.id)).state

    async def set_state(self, state):
        await self.storage.titles.save(replace(await self.storage.titles.get(self.title.id), state=state))

    async def submit(self):
        await self.approvals.submit(PUBLISHER, self.title.id)
        (asked,) = await self.storage.requests.waiting()
        return asked

    async def approve(self, asked):
        return await self.approvals.answer(OWNER, asked.id, approve=True, note="")


@pytest.fixture
async def desk(storage, clock, tmp_path):
    titles, approvals, _ = publishing_services(LiveUpdates(), storage, tmp_path, clock)
    await storage.accounts.claim(OWNER.wallet)
    await storage.accounts.save(MAKER, Role.PUBLISHER)
    title = await titles.draft(PUBLISHER, Description("Dunes"))
    await titles.describe(PUBLISHER, title.id, Description("Dunes"), TERMS)
    desk = Desk(storage, titles, approvals, title)
    await desk.upload("decent.mp4", b"decent")
    return desk


async def test_no_file_begins_while_a_title_is_submitted(desk, monkeypatch):
    save_if, begun = desk.storage.titles.save_if, []

    async def slow(changed, state):
        if changed.state is TitleState.PENDING:
            begun.append(asyncio.create_task(desk.begin("other.mp4", 5)))
            await asyncio.sleep(0.02)
        return await save_if(changed, state)

    monkeypatch.setattr(desk.storage.titles, "save_if", slow)
    await desk.submit()
    with pytest.raises(AccessRefused, match="pending now"):
        await begun[0]
    assert await desk.names() == ["decent.mp4"]


@pytest.mark.parametrize("state", [TitleState.PENDING, TitleState.ACTIVE, TitleState.TOKENISED])
async def test_a_file_that_ends_after_its_title_was_submitted_takes_no_files_place(desk, state):
    other = await desk.begin("other.mp4", 5)

    async def dripping():
        yield b"oth"
        await desk.set_state(state)
        yield b"er"

    with pytest.raises(AccessRefused, match=f"{state} now"):
        await desk.titles.append(other, dripping())
    assert await desk.names() == ["decent.mp4", "other.mp4"]
    assert (await desk.titles.uploaded_film(desk.title)).origin.upload != other.id
    with pytest.raises(AccessRefused, match=f"{state} now"):
        await desk.titles.append(await desk.uploads.get(other.id), sent(b""))


async def test_a_file_that_was_removed_while_it_came_takes_no_files_place(desk):
    """Not being among the title's files, it would have removed all others of its kind."""
    other = await desk.begin("other.mp4", 5)

    async def dripping():
        yield b"other"
        await desk.titles.remove_upload(PUBLISHER, other.id)

    with pytest.raises(NotFound, match="no such upload"):
        await desk.titles.append(other, dripping())
    assert await desk.names() == ["decent.mp4"]


@pytest.mark.parametrize("role", [Role.VIEWER, None])
async def test_a_file_of_who_is_no_publisher_any_more_takes_no_files_place(desk, role):
    """The role was read before the body, which may take hours."""
    other = await desk.begin("other.mp4", 5)

    async def dripping():
        yield b"other"
        await (desk.storage.accounts.save(MAKER, role) if role else desk.storage.accounts.remove(MAKER))

    with pytest.raises(AccessRefused, match="not publish here any more"):
        await desk.titles.append(other, dripping())
    assert await desk.names() == ["decent.mp4", "other.mp4"]


async def test_files_that_are_not_those_submitted_are_not_approved(desk):
    asked = await desk.submit()
    (film,) = asked.files
    foreign = Upload(UploadId("cd" * 16), desk.title.id, UploadKind.POSTER, "late.jpg", 4)
    await desk.uploads.begin(foreign)
    await desk.uploads.append(foreign, sent(b"late"))
    with pytest.raises(AccessRefused, match="not those that were submitted"):
        await desk.approve(asked)
    assert await desk.state() is TitleState.PENDING
    await desk.uploads.remove(foreign.id)

    kept = await desk.uploads.get(film.upload)
    await desk.uploads.remove(film.upload)
    await desk.uploads.begin(kept)
    await desk.uploads.append(replace(kept, received=0), sent(b"indece"))
    with pytest.raises(AccessRefused, match="not those that were submitted") as caught:
        await desk.approve(asked)
    assert "Send it back" in caught.value.fix
    await desk.approvals.answer(OWNER, asked.id, approve=False, note="Again, please.")
    assert await desk.state() is TitleState.DRAFT


async def test_only_the_approved_files_are_published(desk):
    approved = desk.approvals.approved_files
    with pytest.raises(NotFound, match="Nobody approved"):
        await approved.of(desk.title.id)
    await desk.approve(await desk.submit())
    assert [file.filename for file in await approved.of(desk.title.id)] == ["decent.mp4"]
    (file,) = await desk.titles.files(desk.title)
    await desk.uploads.remove(file.id)
    await desk.uploads.begin(file)
    await desk.uploads.append(replace(file, received=0), sent(b"indece"))
    with pytest.raises(AccessRefused, match="not those that were submitted"):
        await approved.of(desk.title.id)


async def test_a_request_of_an_older_version_is_bound_to_its_files_when_it_is_approved(desk, monkeypatch):
    ask = desk.storage.requests.ask
    monkeypatch.setattr(desk.storage.requests, "ask", lambda request: ask(replace(request, files=None)))
    answered = await desk.approve(await desk.submit())
    assert [file.upload for file in answered.files] == [(await desk.titles.files(desk.title))[0].id]
    assert (await desk.storage.requests.get(answered.id)).files == answered.files


async def test_a_title_resubmitted_while_the_owner_answers_needs_another_answer(desk, monkeypatch):
    asked, answer, racing = await desk.submit(), desk.storage.requests.answer, []

    async def slow(request, given):
        done = await answer(request, given)
        if given is Answer.APPROVED and not racing:
            racing.append(asyncio.create_task(desk.approvals.withdraw(PUBLISHER, desk.title.id)))
            await asyncio.sleep(0.02)
        return done

    monkeypatch.setattr(desk.storage.requests, "answer", slow)
    await desk.approve(asked)
    await racing[0]
    assert await desk.state() is TitleState.DRAFT
    lines = await desk.storage.requests.of_subject(asked.kind, asked.subject)
    assert sorted(line.answer for line in lines) == [Answer.APPROVED, Answer.WITHDRAWN], "it was taken back"
