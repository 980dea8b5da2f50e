"""From a draft to a film on chain, with real uploads, real encryption and a real chain."""

import os
from dataclasses import dataclass, replace

import pytest

from tests.components.films import make_film
from tests.components.registry import ACCOUNTS, CHAIN_ID
from tests.fakes import FakeJobs
from tests.services.house import viewer_with
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.adapters.ffmpeg import AvProber, FfmpegEncoder, find_ffmpeg
from wylloh_server.adapters.uploads import EncryptedUploads
from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_of
from wylloh_server.domain.rights import Tier
from wylloh_server.domain.title import Answer, Terms, TitleId, TitleState, Upload, UploadId, UploadKind
from wylloh_server.domain.transaction import TransactionId
from wylloh_server.domain.types import Cid, wallet_of
from wylloh_server.services.approvals import Approvals
from wylloh_server.services.inspection import Inspection
from wylloh_server.services.publishing import Publishing
from wylloh_server.services.tasks import TaskDesk
from wylloh_server.services.titles import TitleDesk
from wylloh_server.services.tokenising import Place, Tokenising
from wylloh_server.web.door import LoopbackDoor

ABOUT = Description("Light", "Of light.", 2026, genres=("short",))
TERMS = Terms(1000, 500, None, (Tier(1, "personal"), Tier(100, "small-venue", ("AT",), 50)))
"""Terms that a contract takes."""


class Pages:
    """The live channel, as far as services see it."""

    def __init__(self):
        self.notices, self.topics = [], []

    def changed(self, *topics, wallet=None):
        self.topics += topics

    def notify(self, wallet, sentence, link="", task=""):
        self.notices.append((wallet, sentence, link))


@dataclass
class Desk:
    house: object
    titles: TitleDesk
    approvals: Approvals
    tokenising: Tokenising
    tasks: TaskDesk
    pages: Pages
    uploads: EncryptedUploads
    proposals: list
    film: bytes

    async def upload(self, viewer, title, content, kind=UploadKind.FEATURE, name="film.mkv", language=""):
        wanted = Upload(UploadId(""), title.id, kind, name, len(content), language)
        upload = await self.titles.begin_upload(viewer, wanted)
        await self.titles.append(upload, sent(content))
        return await self.titles.upload(viewer, upload.id)

    async def complete(self, viewer):
        title = await self.titles.draft(viewer, Description("Light"))
        await self.upload(viewer, title, self.film)
        return await self.titles.describe(viewer, title.id, ABOUT, TERMS)

    async def work(self, task):
        await self.tasks.work(task)
        viewer = viewer_with(wallet_of(ACCOUNTS[0].address), Role.OWNER)
        return await self.tasks.get(viewer, task)


def on_chain(title):
    """A title as the film that discovery makes of it."""
    root = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    origin = TokenOrigin(title.token, root, title.publisher, "0" * 64)
    return Film(film_id_of(str(title.token)), title.description, origin, FilmState.DISCOVERED)


async def sent(content):
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mkv", 2, size="320x180").read_bytes()


@pytest.fixture
async def desk(publisher, clock, pages, tmp_path, film):
    storage, proposals = publisher.storage, []
    uploads = EncryptedUploads(tmp_path / "uploads", bytes(32))
    tasks = TaskDesk(
        tasks=storage.tasks, jobs=FakeJobs(), plugins=None, bus=publisher.bus, live=pages, clock=clock
    )

    async def propose(viewer, proposal):
        proposals.append(proposal)
        return TransactionId("t" * 32)

    async with LoopbackDoor() as door:
        media = {"door": door, "prober": AvProber(), "encoder": FfmpegEncoder(find_ffmpeg())}
        inspection = Inspection(uploads=uploads, **media)
        titles = TitleDesk(titles=storage.titles, uploads=uploads, inspect=inspection.fault, clock=clock)
        publishing = Publishing(
            staging=publisher.folder / "staging",
            **media,
            cipher=publisher.cipher,
            film_keys=publisher.film_keys,
            server_keys=publisher.server_keys,
            packages=publisher.packages,
        )
        tokenising = Tokenising(
            desk=titles,
            titles=storage.titles,
            uploads=uploads,
            films=storage.films,
            publishing=publishing,
            signatures=publisher.signatures,
            tasks=tasks,
            propose=propose,
            live=pages,
            clock=clock,
            place=Place(CHAIN_ID, publisher.registry.contract, "https://films.example"),
        )
        approvals = Approvals(
            requests=storage.requests,
            titles=storage.titles,
            desk=titles,
            accounts=storage.accounts,
            unmake=tokenising.unmake,
            live=pages,
            clock=clock,
        )
        yield Desk(publisher, titles, approvals, tokenising, tasks, pages, uploads, proposals, film)


@pytest.fixture
async def owner(publisher):
    """The owner, whose wallet is also the registry's publisher."""
    wallet = wallet_of(ACCOUNTS[0].address)
    await publisher.storage.accounts.save(wallet, Role.OWNER)
    return viewer_with(wallet, Role.OWNER)


@pytest.fixture
async def maker(publisher):
    wallet = wallet_of(ACCOUNTS[2].address)
    await publisher.storage.accounts.save(wallet, Role.PUBLISHER)
    return viewer_with(wallet, Role.PUBLISHER)


STRANGER = viewer_with(wallet_of("0x" + "55" * 20), Role.PUBLISHER)


async def test_from_upload_to_chain(desk, publisher, owner, tmp_path):
    title, film = await desk.complete(owner), desk.film
    await desk.upload(owner, title, b"WEBVTT\n\nwords\n", UploadKind.SUBTITLES, "de.vtt", "de")
    assert (await desk.approvals.submit(owner, title.id)).state is TitleState.ACTIVE

    ended = await desk.work(await desk.tokenising.encrypt(owner, title.id))
    assert (ended.state, ended.link) == ("done", f"/titles/{title.id}"), ended.says
    assert film[:64] not in b"".join(path.read_bytes() for path in tmp_path.rglob("feature.enc"))
    request = await desk.tokenising.request(owner, title.id)
    signature = "0x" + ACCOUNTS[0].sign_typed_data(full_message=request).signature.hex().removeprefix("0x")
    packed = await desk.work(await desk.tokenising.sign(owner, title.id, signature))
    assert packed.state == "done", packed.says

    await desk.tokenising.register(owner, title.id, 250)
    (proposal,) = desk.proposals
    assert [step.function.partition("(")[0] for step in proposal.steps] == ["createFilm", "mint"]
    assert "at most 1,000 times" in proposal.explanation[0]
    for step in proposal.steps:
        types = registry_calls.call(step.to, step.function, step.arguments)
        await publisher.registry.send(types)
    await publisher.discovery.look()
    await desk.tokenising.look()
    found = await desk.titles.get(owner, title.id)
    assert found.state is TitleState.TOKENISED
    assert await desk.titles.files(found) == ()
    assert not any((publisher.folder / "staging").iterdir())

    film_id = film_id_of(str(found.token))
    await publisher.puller.pull(film_id)
    here = await publisher.storage.films.get(film_id)
    assert (here.state, here.title, here.description.genres) == (FilmState.READY, "Light", ("short",))
    assert here.description.subtitles == ("en", "de") or "de" in here.description.subtitles
    holdings = await publisher.chain.holdings(owner.wallet, [found.token])
    assert holdings.counts[found.token] == 250


async def test_a_draft_says_what_it_lacks(desk, maker):
    title = await desk.titles.draft(maker, Description("Light"))
    assert await desk.titles.missing(title) == (
        "Upload the film.",
        "Say how many tokens there will be.",
        "Set at least one tier of rights.",
    )
    with pytest.raises(InvalidValue, match="not complete") as caught:
        await desk.approvals.submit(maker, title.id)
    assert "Upload the film." in caught.value.fix
    described = await desk.titles.describe(maker, title.id, ABOUT, replace(TERMS, supply=50))
    assert "Let no tier need more tokens than there will be." in await desk.titles.missing(described)


async def test_the_owner_sends_a_title_back_and_then_lets_it_go_on(desk, maker, owner):
    title = await desk.complete(maker)
    assert (await desk.approvals.submit(maker, title.id)).state is TitleState.PENDING
    (asked,) = await desk.approvals.waiting()
    assert desk.pages.notices == [(owner.wallet, "Light waits for your approval.", "/approvals")]
    with pytest.raises(InvalidValue, match="why not"):
        await desk.approvals.answer(owner, asked.id, approve=False, note="  ")
    await desk.approvals.answer(owner, asked.id, approve=False, note="Too dark.")
    back = await desk.titles.get(maker, title.id)
    assert (back.state, back.note) == (TitleState.DRAFT, "Too dark.")
    assert desk.pages.notices[-1] == (maker.wallet, "Light came back: Too dark.", f"/titles/{title.id}")

    await desk.approvals.submit(maker, title.id)
    (again,) = await desk.approvals.waiting()
    await desk.approvals.answer(owner, again.id, approve=True, note="")
    with pytest.raises(InvalidValue, match="answered already"):
        await desk.approvals.answer(owner, again.id, approve=False, note="No.")
    assert (await desk.titles.get(maker, title.id)).state is TitleState.ACTIVE
    history = await desk.approvals.history()
    assert {(line.answer, line.note) for line in history} == {
        (Answer.APPROVED, ""),
        (Answer.DECLINED, "Too dark."),
    }


async def test_a_submitted_title_can_be_taken_back_but_not_changed(desk, maker, owner):
    title = await desk.complete(maker)
    await desk.approvals.submit(maker, title.id)
    with pytest.raises(AccessRefused, match="pending now"):
        await desk.titles.describe(maker, title.id, ABOUT, TERMS)
    with pytest.raises(AccessRefused, match="pending now"):
        await desk.upload(maker, title, b"another film")
    assert (await desk.approvals.withdraw(maker, title.id)).state is TitleState.DRAFT
    assert await desk.approvals.waiting() == ()
    assert [line.answer for line in await desk.approvals.history()] == [Answer.WITHDRAWN]


async def test_only_the_owner_answers_and_only_publishers_see_their_own(desk, maker, owner):
    title = await desk.complete(maker)
    await desk.approvals.submit(maker, title.id)
    (asked,) = await desk.approvals.waiting()
    with pytest.raises(AccessRefused):
        await desk.approvals.answer(maker, asked.id, approve=True, note="")
    assert await desk.titles.get(owner, title.id)
    for work in (
        desk.titles.get(STRANGER, title.id),
        desk.approvals.withdraw(STRANGER, title.id),
        desk.tokenising.encrypt(STRANGER, title.id),
        desk.titles.remove(owner, title.id),
    ):
        with pytest.raises(NotFound):
            await work


async def test_somebody_becomes_a_publisher(desk, publisher, owner):
    wallet = wallet_of("0x" + "66" * 20)
    await publisher.storage.accounts.save(wallet, Role.VIEWER)
    asker = viewer_with(wallet)
    with pytest.raises(InvalidValue, match="who you are"):
        await desk.approvals.apply(asker, "  ")
    await desk.approvals.apply(asker, "I make shorts.")
    with pytest.raises(InvalidValue, match="asked already"):
        await desk.approvals.apply(asker, "I make shorts.")
    (asked,) = await desk.approvals.waiting()
    await desk.approvals.answer(owner, asked.id, approve=True, note="Welcome.")
    assert await publisher.storage.accounts.role(wallet) is Role.PUBLISHER
    with pytest.raises(AccessRefused, match="already"):
        await desk.approvals.apply(viewer_with(wallet, Role.PUBLISHER), "Again.")


async def test_an_unapproved_title_gets_nowhere_near_the_chain(desk, maker):
    title = await desk.complete(maker)
    for work in (desk.tokenising.encrypt, desk.tokenising.request):
        with pytest.raises(AccessRefused, match="draft now"):
            await work(maker, title.id)
    with pytest.raises(AccessRefused, match="draft now"):
        await desk.tokenising.register(maker, title.id, 1)


@pytest.mark.parametrize(
    "kind, name, content, sentence",
    [
        (UploadKind.FEATURE, "film.mkv", b"#EXTM3U\n/etc/passwd\n", "not a film"),
        (UploadKind.FEATURE, "film.mkv", os.urandom(7000), "not a film"),
        (UploadKind.POSTER, "poster.jpg", b"\xff\xd8\xff garbage", "not a JPEG, PNG or WebP"),
        (UploadKind.SUBTITLES, "de.vtt", b"1\n00:00:01,000 --> 00:00:02,000\nWorte\n", "not WebVTT"),
    ],
)
async def test_a_file_is_looked_into_as_soon_as_it_is_here(desk, owner, kind, name, content, sentence):
    language = "de" if kind is UploadKind.SUBTITLES else ""
    title = await desk.complete(owner)
    assert await desk.titles.missing(title) == ()
    (found,) = await desk.titles.files(title)
    assert found.fault == ""
    bad = await desk.upload(owner, title, content, kind, name, language)
    assert sentence in bad.fault
    (said,) = await desk.titles.missing(title)
    assert said.startswith(f"Replace {name}. ") and sentence in said
    with pytest.raises(InvalidValue, match="not complete"):
        await desk.approvals.submit(owner, title.id)
    assert await desk.titles.poster(title) is None
    await desk.titles.remove_upload(owner, bad.id)
    if kind is UploadKind.FEATURE:
        await desk.upload(owner, title, desk.film)
    assert (await desk.approvals.submit(owner, title.id)).state is TitleState.ACTIVE


async def test_a_file_nobody_looked_into_is_looked_into_when_it_is_submitted(desk, owner, tmp_path):
    title = await desk.complete(owner)
    bad = await desk.upload(owner, title, b"A diary", UploadKind.POSTER, "poster.png")
    (tmp_path / "uploads" / bad.id / "fault.txt").unlink()
    assert (await desk.titles.upload(owner, bad.id)).fault is None
    with pytest.raises(InvalidValue, match="not complete") as caught:
        await desk.approvals.submit(owner, title.id)
    assert "Replace poster.png." in caught.value.fix


async def test_an_approved_title_is_taken_back_and_goes_the_whole_way_again(desk, owner, maker):
    title = await desk.complete(maker)
    await desk.approvals.submit(maker, title.id)
    (asked,) = await desk.approvals.waiting()
    await desk.approvals.answer(owner, asked.id, approve=True, note="")
    assert (await desk.work(await desk.tokenising.encrypt(maker, title.id))).state == "done"
    with pytest.raises(NotFound):
        await desk.approvals.withdraw(STRANGER, title.id)

    back = await desk.approvals.withdraw(maker, title.id)
    assert (back.state, back.staged, back.root) == (TitleState.DRAFT, False, None)
    assert not any((desk.house.folder / "staging").iterdir())
    assert await desk.approvals.waiting() == ()
    line = next(one for one in await desk.approvals.of_title(title) if one.answer is Answer.WITHDRAWN)
    assert (line.answered_by, line.note) == (maker.wallet, "After it was approved.")
    with pytest.raises(AccessRefused, match="draft now"):
        await desk.approvals.withdraw(maker, title.id)

    await desk.upload(maker, title, desk.film, name="better.mkv")
    await desk.approvals.submit(maker, title.id)
    (again,) = await desk.approvals.waiting()
    await desk.approvals.answer(owner, again.id, approve=True, note="")
    assert (await desk.approvals.withdraw(owner, title.id)).state is TitleState.DRAFT
    assert desk.pages.notices[-1][:2] == (maker.wallet, "The owner made Light a draft again.")


async def test_what_is_at_work_or_on_chain_is_not_taken_back(desk, publisher, owner):
    title = await desk.complete(owner)
    await desk.approvals.submit(owner, title.id)
    real, refused = desk.tokenising._publishing.stage, []

    async def stage(*arguments):
        with pytest.raises(AccessRefused, match="being encrypted") as caught:
            await desk.approvals.withdraw(owner, title.id)
        refused.append(caught.value.fix)
        return await real(*arguments)

    desk.tokenising._publishing.stage = stage
    ended = await desk.work(await desk.tokenising.encrypt(owner, title.id))
    assert ended.state == "done" and refused, ended.says
    held = await desk.titles.get(owner, title.id)
    await publisher.storage.films.save(on_chain(held))
    with pytest.raises(AccessRefused, match="on chain"):
        await desk.approvals.withdraw(owner, title.id)
    assert (await desk.titles.get(owner, title.id)).staged


async def test_a_title_taken_back_while_its_transaction_was_on_the_way_is_on_chain(desk, publisher, owner):
    title = await desk.complete(owner)
    await desk.approvals.submit(owner, title.id)
    assert (await desk.work(await desk.tokenising.encrypt(owner, title.id))).state == "done"
    back = await desk.approvals.withdraw(owner, title.id)
    await publisher.storage.films.save(on_chain(back))
    await desk.tokenising.look()
    assert (await desk.titles.get(owner, title.id)).state is TitleState.TOKENISED


async def test_another_wallets_signature_is_refused(desk, owner):
    title = await desk.complete(owner)
    await desk.approvals.submit(owner, title.id)
    await desk.work(await desk.tokenising.encrypt(owner, title.id))
    request = await desk.tokenising.request(owner, title.id)
    forged = ACCOUNTS[1].sign_typed_data(full_message=request).signature.hex()
    with pytest.raises(InvalidValue, match="not your signature"):
        await desk.tokenising.sign(owner, title.id, "0x" + forged.removeprefix("0x"))


@pytest.mark.parametrize(
    "kind, name, size, language, sentence",
    [
        (UploadKind.FEATURE, "film.mkv", 0, "", "1 to"),
        (UploadKind.POSTER, "p.jpg", 11 << 20, "", "10,485,760"),
        (UploadKind.FEATURE, " ", 5, "", "name"),
        (UploadKind.SUBTITLES, "x.vtt", 5, "", "language"),
        (UploadKind.SUBTITLES, "x.vtt", 5, "../x", "language"),
        (UploadKind.FEATURE, "film.mkv", 5, "en", "language"),
    ],
)
async def test_uploads_that_make_no_sense_are_refused(desk, maker, kind, name, size, language, sentence):
    title = await desk.titles.draft(maker, Description("Light"))
    with pytest.raises(InvalidValue, match=sentence):
        await desk.titles.begin_upload(maker, Upload(UploadId(""), title.id, kind, name, size, language))
    assert await desk.titles.files(title) == ()


async def test_a_new_file_takes_the_place_of_the_old_and_goes_with_its_draft(desk, maker):
    title = await desk.titles.draft(maker, Description("Light"))
    old = await desk.upload(maker, title, b"one poster", UploadKind.POSTER)
    new = await desk.upload(maker, title, b"another poster", UploadKind.POSTER)
    assert await desk.titles.files(title) == (new,)
    assert await desk.uploads.get(old.id) is None
    await desk.titles.remove(maker, title.id)
    assert await desk.uploads.get(new.id) is None
    with pytest.raises(NotFound):
        await desk.titles.get(maker, TitleId(title.id))
