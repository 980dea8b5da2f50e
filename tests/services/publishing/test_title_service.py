"""From a draft to a film on chain, with real uploads, real encryption and a real chain."""

import os
from dataclasses import dataclass, replace

import pytest

from tests.components.films import make_film
from tests.components.registry import ACCOUNTS, CHAIN_ID
from wylloh_server.sdk.testing.instant_jobs import InstantJobs
from tests.services.server_environment import viewer_with
from wylloh_server.adapters.chain import registry_calls
from wylloh_server.adapters.ffmpeg import FfmpegMediaTools, LoopbackMediaServer, find_ffmpeg
from wylloh_server.adapters.ipfs import NodeRpc
from wylloh_server.adapters.files.upload_files import EncryptedUploads
from wylloh_server.domain.access import Role
from wylloh_server.domain.chain_events import Contracts
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.rights import Tier
from wylloh_server.domain.title import (
    Answer,
    OwnerRequestKind,
    TitleTerms,
    TitleId,
    TitleState,
    Upload,
    UploadId,
    UploadKind,
)
from wylloh_server.domain.transaction import TransactionId
from wylloh_server.domain.types import Cid, parse_wallet
from wylloh_server.services.library.film_sources import opened
from wylloh_server.services.library.trailers import Trailers
from wylloh_server.services.chain.payee_check import PayeeCheck
from wylloh_server.services.publishing.approvals import Approvals
from wylloh_server.services.publishing.approved_files import ApprovedFiles
from wylloh_server.services.publishing.upload_validation import UploadValidation
from wylloh_server.services.publishing.film_packaging import FilmPackaging
from wylloh_server.services.operations.task_service import TaskService
from wylloh_server.services.publishing.title_service import TitleService
from wylloh_server.services.publishing.registration import Registration, title_subject

ABOUT = Description("Light", "Of light.", 2026, genres=("short",))
TERMS = TitleTerms(1000, 500, None, (Tier(1, "personal"), Tier(100, "small-venue", ("AT",), 50)))
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
class TitleEnvironment:
    server_environment: object
    titles: TitleService
    approvals: Approvals
    tokenising: Registration
    tasks: TaskService
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
        await self.tasks._run_job(f"{task}.0")
        viewer = viewer_with(parse_wallet(ACCOUNTS[0].address), Role.OWNER)
        return await self.tasks.get(viewer, task)


def on_chain(title):
    """A title as the film that discovery makes of it."""
    root = Cid("bafybeigdyrzt5sfp7udm7hu76uh7y26nf3efuylqabf3oclgtqy55fbzdi")
    origin = TokenOrigin(title.token, root, title.publisher, "0" * 64)
    return Film(film_id_for(str(title.token)), title.description, origin, FilmState.DISCOVERED)


async def sent(content):
    for start in range(0, len(content), 100_000):
        yield content[start : start + 100_000]


@pytest.fixture
def pages():
    return Pages()


@pytest.fixture(scope="module")
def film(tmp_path_factory):
    return make_film(tmp_path_factory.mktemp("film") / "film.mkv", 2, size="320x180").read_bytes()


def packaging_of(publisher, media):
    return FilmPackaging(
        staging=publisher.folder / "staging",
        media=media,
        cipher=publisher.cipher,
        film_keys=publisher.film_keys,
        server_keys=publisher.server_keys,
        packages=publisher.packages,
    )


def _title_service(publisher, uploads, media, clock):
    storage = publisher.storage
    return TitleService(
        titles=storage.titles,
        accounts=storage.accounts,
        uploads=uploads,
        inspect=UploadValidation(uploads=uploads, media=media).fault,
        payees=PayeeCheck(Contracts(publisher.registry.contract, None, None), storage.coins),
        clock=clock,
    )


@pytest.fixture
async def service(publisher, clock, pages, tmp_path, film):
    storage, proposals = publisher.storage, []
    uploads = EncryptedUploads(tmp_path / "uploads", bytes(32))
    tasks = TaskService(
        tasks=storage.tasks, jobs=InstantJobs(), plugins=None, bus=publisher.bus, live=pages, clock=clock
    )

    async def propose(viewer, proposal):
        proposals.append(proposal)
        return TransactionId("t" * 32)

    async with LoopbackMediaServer() as loopback:
        media = FfmpegMediaTools(loopback, find_ffmpeg())
        titles = _title_service(publisher, uploads, media, clock)
        approved_files = ApprovedFiles(requests=storage.requests, uploads=uploads)
        tokenising = Registration(
            title_service=titles,
            titles=storage.titles,
            uploads=uploads,
            approved_files=approved_files,
            films=storage.films,
            packaging=packaging_of(publisher, media),
            chain=publisher.chain,
            tasks=tasks,
            propose=propose,
            live=pages,
            clock=clock,
            chain_id=CHAIN_ID,
            registry=publisher.registry.contract,
            custodian_url="https://films.example",
        )
        approvals = Approvals(
            requests=storage.requests,
            titles=storage.titles,
            title_service=titles,
            approved_files=approved_files,
            accounts=storage.accounts,
            reopen=tokenising.reopen,
            live=pages,
            clock=clock,
        )
        yield TitleEnvironment(
            publisher, titles, approvals, tokenising, tasks, pages, uploads, proposals, film
        )


@pytest.fixture
async def owner(publisher):
    """The owner, whose wallet is also the registry's publisher."""
    wallet = parse_wallet(ACCOUNTS[0].address)
    await publisher.storage.accounts.save(wallet, Role.OWNER)
    return viewer_with(wallet, Role.OWNER)


@pytest.fixture
async def maker(publisher):
    wallet = parse_wallet(ACCOUNTS[2].address)
    await publisher.storage.accounts.save(wallet, Role.PUBLISHER)
    return viewer_with(wallet, Role.PUBLISHER)


STRANGER = viewer_with(parse_wallet("0x" + "55" * 20), Role.PUBLISHER)


async def test_from_upload_to_chain(service, publisher, owner, tmp_path):
    title, film = await service.complete(owner), service.film
    await service.upload(owner, title, b"WEBVTT\n\nwords\n", UploadKind.SUBTITLES, "de.vtt", "de")
    await service.upload(owner, title, film, UploadKind.TRAILER, "trailer.mkv")
    assert (await service.approvals.submit(owner, title.id)).state is TitleState.ACTIVE

    ended = await service.work(await service.tokenising.encrypt(owner, title.id))
    assert (ended.state, ended.link) == ("done", f"/titles/{title.id}"), ended.message
    assert film[:64] not in b"".join(path.read_bytes() for path in tmp_path.rglob("feature.enc"))
    request = await service.tokenising.request(owner, title.id)
    signature = "0x" + ACCOUNTS[0].sign_typed_data(full_message=request).signature.hex().removeprefix("0x")
    packed = await service.work(await service.tokenising.sign(owner, title.id, signature))
    assert packed.state == "done", packed.message

    await service.tokenising.register(owner, title.id, 250)
    (proposal,) = service.proposals
    assert [step.function.partition("(")[0] for step in proposal.steps] == ["createFilm", "mint"]
    assert "at most 1,000 times" in proposal.explanation[0]
    for step in proposal.steps:
        types = registry_calls.call(step.to, step.function, step.arguments)
        await publisher.registry.send(types)
    await publisher.follow_chain()
    await service.tokenising.check_chain()
    found = await service.titles.get(owner, title.id)
    assert found.state is TitleState.TOKENISED
    assert await service.titles.files(found) == ()
    assert not any((publisher.folder / "staging").iterdir())

    film_id = film_id_for(str(found.token))
    await publisher.puller.pull(film_id)
    here = await publisher.storage.films.get(film_id)
    assert (here.state, here.title, here.description.genres) == (FilmState.READY, "Light", ("short",))
    assert here.description.subtitles == ("en", "de") or "de" in here.description.subtitles
    assert (await publisher.chain.rights(owner.wallet, found.token)).stack.holding == 250
    trailers = Trailers(folders=None, packages=publisher.packages, manifests=publisher.manifests)
    async with opened(trailers.open(here)) as trailer:
        assert (await trailer.read(4, 4)) == b"ftyp", "47: made to what browsers play"


@pytest.mark.filterwarnings("ignore:The 'strict' parameter is no longer needed:FutureWarning")
async def test_55_a_title_of_the_browser_is_pinned_on_the_configured_node(service, owner):
    """A node that is down undoes nothing, and the publisher reads of it."""
    packaging, pinned = service.tokenising.packaging, {}

    async def add(folder, root):
        pinned[root] = {path.name for path in folder.iterdir()}

    for add_to_node, fails in ((add, False), (NodeRpc("/ip4/127.0.0.1/tcp/9").add_folder, True)):
        packaging.add_to_node = add_to_node
        title = await service.complete(owner)
        await service.approvals.submit(owner, title.id)
        await service.work(await service.tokenising.encrypt(owner, title.id))
        request = await service.tokenising.request(owner, title.id)
        signature = "0x" + ACCOUNTS[0].sign_typed_data(full_message=request).signature.hex()
        packed = await service.work(await service.tokenising.sign(owner, title.id, signature))
        assert (packed.state, "Put it on chain now" in packed.message) == ("done", True)
        assert ("did not take it" in packed.message) is fails
        root = (await service.titles.get(owner, title.id)).root
        assert (root in pinned) is not fails
    (files,) = pinned.values()
    assert {"feature.enc", "manifest.json", "manifest.sig"} <= files


async def test_a_draft_says_what_it_lacks(service, maker):
    title = await service.titles.draft(maker, Description("Light"))
    assert await service.titles.missing(title) == (
        "Upload the film.",
        "Say how many tokens there will be.",
    )
    emptied = await service.titles.describe(maker, title.id, ABOUT, replace(TERMS, tiers=()))
    assert "Set at least one tier of rights." in await service.titles.missing(emptied)
    with pytest.raises(InvalidValue, match="not complete") as caught:
        await service.approvals.submit(maker, title.id)
    assert "Upload the film." in caught.value.fix
    described = await service.titles.describe(maker, title.id, ABOUT, replace(TERMS, supply=50))
    assert "Let no tier need more tokens than there will be." in await service.titles.missing(described)


async def test_the_owner_sends_a_title_back_and_then_lets_it_go_on(service, maker, owner):
    title = await service.complete(maker)
    assert (await service.approvals.submit(maker, title.id)).state is TitleState.PENDING
    (asked,) = await service.approvals.requests.waiting()
    assert service.pages.notices == [(owner.wallet, "Light waits for your approval.", "/approvals")]
    with pytest.raises(InvalidValue, match="why not"):
        await service.approvals.answer(owner, asked.id, approve=False, note="  ")
    await service.approvals.answer(owner, asked.id, approve=False, note="Too dark.")
    back = await service.titles.get(maker, title.id)
    assert (back.state, back.note) == (TitleState.DRAFT, "Too dark.")
    assert service.pages.notices[-1] == (maker.wallet, "Light came back: Too dark.", f"/titles/{title.id}")

    await service.approvals.submit(maker, title.id)
    (again,) = await service.approvals.requests.waiting()
    await service.approvals.answer(owner, again.id, approve=True, note="")
    with pytest.raises(InvalidValue, match="answered already"):
        await service.approvals.answer(owner, again.id, approve=False, note="No.")
    assert (await service.titles.get(maker, title.id)).state is TitleState.ACTIVE
    history = await service.approvals.requests.answered(200)
    assert {(line.answer, line.note) for line in history} == {
        (Answer.APPROVED, ""),
        (Answer.DECLINED, "Too dark."),
    }


async def test_a_submitted_title_can_be_taken_back_but_not_changed(service, maker, owner):
    title = await service.complete(maker)
    await service.approvals.submit(maker, title.id)
    with pytest.raises(AccessRefused, match="pending now"):
        await service.titles.describe(maker, title.id, ABOUT, TERMS)
    with pytest.raises(AccessRefused, match="pending now"):
        await service.upload(maker, title, b"another film")
    assert (await service.approvals.withdraw(maker, title.id)).state is TitleState.DRAFT
    assert await service.approvals.requests.waiting() == ()
    assert [line.answer for line in await service.approvals.requests.answered(200)] == [Answer.WITHDRAWN]


async def test_18_requests_withdrawn_again_and_again_leave_one_row_and_answers_stay(service, maker, owner):
    title = await service.complete(maker)
    await service.approvals.submit(maker, title.id)
    (asked,) = await service.approvals.requests.waiting()
    await service.approvals.answer(owner, asked.id, approve=False, note="Too dark.")
    for _ in range(3):
        await service.approvals.submit(maker, title.id)
        await service.approvals.withdraw(maker, title.id)
    history = await service.approvals.requests.answered(200)
    assert sorted(line.answer for line in history) == [Answer.DECLINED, Answer.WITHDRAWN]


async def test_only_the_owner_answers_and_only_publishers_see_their_own(service, maker, owner):
    title = await service.complete(maker)
    await service.approvals.submit(maker, title.id)
    (asked,) = await service.approvals.requests.waiting()
    with pytest.raises(AccessRefused):
        await service.approvals.answer(maker, asked.id, approve=True, note="")
    assert await service.titles.get(owner, title.id)
    for work in (
        service.titles.get(STRANGER, title.id),
        service.approvals.withdraw(STRANGER, title.id),
        service.tokenising.encrypt(STRANGER, title.id),
        service.titles.remove(STRANGER, title.id),
    ):
        with pytest.raises(NotFound):
            await work


async def test_the_owner_deletes_what_a_removed_publisher_left_approved(service, publisher, maker, owner):
    title = await service.complete(maker)
    await service.approvals.submit(maker, title.id)
    (asked,) = await service.approvals.requests.waiting()
    await service.approvals.answer(owner, asked.id, approve=True, note="")
    await publisher.storage.accounts.remove(maker.wallet)
    with pytest.raises(AccessRefused, match="active now"):
        await service.titles.remove(owner, title.id)
    await service.approvals.withdraw(owner, title.id)
    await service.titles.remove(owner, title.id)
    with pytest.raises(NotFound):
        await service.titles.get(owner, title.id)
    assert await service.uploads.of_title(title.id) == ()


async def test_somebody_becomes_a_publisher(service, publisher, owner):
    wallet = parse_wallet("0x" + "66" * 20)
    await publisher.storage.accounts.save(wallet, Role.VIEWER)
    asker = viewer_with(wallet)
    with pytest.raises(InvalidValue, match="who you are"):
        await service.approvals.apply(asker, "  ")
    await service.approvals.apply(asker, "I make shorts.")
    with pytest.raises(InvalidValue, match="asked already"):
        await service.approvals.apply(asker, "I make shorts.")
    (asked,) = await service.approvals.requests.waiting()
    await service.approvals.answer(owner, asked.id, approve=True, note="Welcome.")
    assert await publisher.storage.accounts.role(wallet) is Role.PUBLISHER
    with pytest.raises(AccessRefused, match="already"):
        await service.approvals.apply(viewer_with(wallet, Role.PUBLISHER), "Again.")


async def test_an_unapproved_title_gets_nowhere_near_the_chain(service, maker):
    title = await service.complete(maker)
    for work in (service.tokenising.encrypt, service.tokenising.request):
        with pytest.raises(AccessRefused, match="draft now"):
            await work(maker, title.id)
    with pytest.raises(AccessRefused, match="draft now"):
        await service.tokenising.register(maker, title.id, 1)


async def test_a_royalty_that_could_never_be_taken_out_is_refused_also_at_the_last_step(
    service, publisher, owner
):
    """A draft may be older than the check."""
    title, lost = await service.complete(owner), publisher.registry.contract
    with pytest.raises(InvalidValue, match="stays there for good"):
        await service.titles.describe(owner, title.id, ABOUT, replace(TERMS, royalty_receiver=lost))
    older = replace(
        title, state=TitleState.ACTIVE, root=Cid("bafy"), terms=replace(TERMS, royalty_receiver=lost)
    )
    await publisher.storage.titles.save(older)
    with pytest.raises(InvalidValue, match="stays there for good") as caught:
        await service.tokenising.register(owner, title.id, 1)
    assert "royalty splitter" in caught.value.fix and service.proposals == []


@pytest.mark.parametrize(
    "kind, name, content, sentence",
    [
        (UploadKind.FEATURE, "film.mkv", b"#EXTM3U\n/etc/passwd\n", "not a film"),
        (UploadKind.FEATURE, "film.mkv", os.urandom(7000), "not a film"),
        (UploadKind.TRAILER, "trailer.mov", os.urandom(7000), "not a film"),
        (UploadKind.POSTER, "poster.jpg", b"\xff\xd8\xff garbage", "not a JPEG, PNG or WebP"),
        (UploadKind.BACKDROP, "wide.png", b"\x89PNG garbage", "not a JPEG, PNG or WebP"),
        (UploadKind.SUBTITLES, "de.srt", b"1\n00:00:01,000 --> 00:00:02,000\nWorte\n", "Choose a .vtt file"),
    ],
)
async def test_a_file_is_looked_into_as_soon_as_it_is_here(service, owner, kind, name, content, sentence):
    language = "de" if kind is UploadKind.SUBTITLES else ""
    title = await service.complete(owner)
    assert await service.titles.missing(title) == ()
    (found,) = await service.titles.files(title)
    assert found.fault == ""
    bad = await service.upload(owner, title, content, kind, name, language)
    assert sentence in bad.fault
    (said,) = await service.titles.missing(title)
    assert said.startswith(f"Replace {name}. ") and sentence in said
    with pytest.raises(InvalidValue, match="not complete"):
        await service.approvals.submit(owner, title.id)
    assert await service.titles.picture(title, UploadKind.POSTER) is None
    await service.titles.remove_upload(owner, bad.id)
    assert (await service.approvals.submit(owner, title.id)).state is TitleState.ACTIVE


async def test_a_file_nobody_looked_into_is_looked_into_when_it_is_submitted(service, owner, tmp_path):
    title = await service.complete(owner)
    bad = await service.upload(owner, title, b"A diary", UploadKind.POSTER, "poster.png")
    (tmp_path / "uploads" / bad.id / "fault.txt").unlink()
    assert (await service.titles.upload(owner, bad.id)).fault is None
    with pytest.raises(InvalidValue, match="not complete") as caught:
        await service.approvals.submit(owner, title.id)
    assert "Replace poster.png." in caught.value.fix


async def test_an_approved_title_is_taken_back_and_goes_the_whole_way_again(service, owner, maker):
    title = await service.complete(maker)
    await service.approvals.submit(maker, title.id)
    (asked,) = await service.approvals.requests.waiting()
    await service.approvals.answer(owner, asked.id, approve=True, note="")
    assert (await service.work(await service.tokenising.encrypt(maker, title.id))).state == "done"
    with pytest.raises(NotFound):
        await service.approvals.withdraw(STRANGER, title.id)

    back = await service.approvals.withdraw(maker, title.id)
    assert (back.state, back.staged, back.root) == (TitleState.DRAFT, False, None)
    assert not any((service.server_environment.folder / "staging").iterdir())
    assert await service.approvals.requests.waiting() == ()
    lines = await service.approvals.requests.of_subject(OwnerRequestKind.TITLE, title.id)
    line = next(one for one in lines if one.answer is Answer.WITHDRAWN)
    assert (line.answered_by, line.note) == (maker.wallet, "After it was approved.")
    with pytest.raises(AccessRefused, match="draft now"):
        await service.approvals.withdraw(maker, title.id)

    await service.upload(maker, title, service.film, name="better.mkv")
    await service.approvals.submit(maker, title.id)
    (again,) = await service.approvals.requests.waiting()
    await service.approvals.answer(owner, again.id, approve=True, note="")
    assert (await service.approvals.withdraw(owner, title.id)).state is TitleState.DRAFT
    assert service.pages.notices[-1][:2] == (maker.wallet, "The owner made Light a draft again.")


async def test_what_is_at_work_or_on_chain_is_not_taken_back(service, publisher, owner):
    title = await service.complete(owner)
    await service.approvals.submit(owner, title.id)
    real, refused = service.tokenising.packaging.stage, []

    async def stage(*arguments):
        with pytest.raises(AccessRefused, match="being encrypted") as caught:
            await service.approvals.withdraw(owner, title.id)
        refused.append(caught.value.fix)
        return await real(*arguments)

    service.tokenising.packaging.stage = stage
    ended = await service.work(await service.tokenising.encrypt(owner, title.id))
    assert ended.state == "done" and refused, ended.message
    held = await service.titles.get(owner, title.id)
    await publisher.storage.films.save(on_chain(held))
    with pytest.raises(AccessRefused, match="on chain"):
        await service.approvals.withdraw(owner, title.id)
    assert (await service.titles.get(owner, title.id)).staged


async def test_nothing_is_discarded_of_a_title_that_has_moved_on(service, owner, monkeypatch):
    title = await service.complete(owner)
    await service.approvals.submit(owner, title.id)
    assert (await service.work(await service.tokenising.encrypt(owner, title.id))).state == "done"
    held = await service.titles.get(owner, title.id)

    async def refused(*arguments):
        return False

    monkeypatch.setattr(service.tokenising.titles, "save_if", refused)
    with pytest.raises(AccessRefused, match="moved on"):
        await service.approvals.withdraw(owner, title.id)
    assert service.tokenising.packaging.staged(held.token).folder.exists()


async def test_a_second_press_encrypts_nothing_again_unless_that_is_asked_for(service, owner):
    title = await service.complete(owner)
    await service.approvals.submit(owner, title.id)
    first = await service.tokenising.encrypt(owner, title.id)
    assert await service.tokenising.encrypt(owner, title.id) == first, "while it is at work"
    assert (await service.work(first)).state == "done"
    before = await service.tokenising.request(owner, title.id)
    with pytest.raises(InvalidValue, match="encrypted already") as caught:
        await service.tokenising.encrypt(owner, title.id)
    assert caught.value.fix == "Sign it with your wallet now."
    assert await service.tokenising.request(owner, title.id) == before
    assert await service.tokenising.encrypt(owner, title.id, again=True) != first


async def test_the_tasks_of_light_are_not_those_of_the_light(service, owner):
    """They were told apart by the end of their names."""
    light, the_light = await service.complete(owner), await service.complete(owner)
    for title in (light, the_light):
        await service.approvals.submit(owner, title.id)
    task = await service.tokenising.encrypt(owner, the_light.id)
    assert await service.tokenising.encrypt(owner, the_light.id) == task, "it is encrypted twice at once"
    assert await service.tasks.about(owner, title_subject(light.id)) == ()
    (found,) = await service.tasks.about(owner, title_subject(the_light.id))
    assert found.id == task


async def test_a_title_taken_back_while_its_transaction_was_on_the_way_is_on_chain(service, publisher, owner):
    title = await service.complete(owner)
    await service.approvals.submit(owner, title.id)
    assert (await service.work(await service.tokenising.encrypt(owner, title.id))).state == "done"
    back = await service.approvals.withdraw(owner, title.id)
    await publisher.storage.films.save(on_chain(back))
    await service.tokenising.check_chain()
    assert (await service.titles.get(owner, title.id)).state is TitleState.TOKENISED


async def test_another_wallets_signature_is_refused(service, owner):
    title = await service.complete(owner)
    await service.approvals.submit(owner, title.id)
    await service.work(await service.tokenising.encrypt(owner, title.id))
    request = await service.tokenising.request(owner, title.id)
    forged = ACCOUNTS[1].sign_typed_data(full_message=request).signature.hex()
    with pytest.raises(InvalidValue, match="not your signature"):
        await service.tokenising.sign(owner, title.id, "0x" + forged.removeprefix("0x"))


@pytest.mark.parametrize(
    "kind, name, size, language, sentence",
    [
        (UploadKind.FEATURE, "film.mkv", 0, "", "film.mkv is empty"),
        (UploadKind.FEATURE, "film.mkv", 1 << 43, "", "than 4.4 TB, the most that a film may have"),
        (
            UploadKind.POSTER,
            "p.jpg",
            11 << 20,
            "",
            "p.jpg is larger than 10.5 MB, the most that a poster may",
        ),
        (UploadKind.FEATURE, " ", 5, "", "name"),
        (UploadKind.SUBTITLES, "x.vtt", 5, "", "Subtitles need a language"),
        (UploadKind.SUBTITLES, "x.vtt", 5, "../x", "language"),
        (UploadKind.FEATURE, "film.mkv", 5, "en", "language"),
    ],
)
async def test_uploads_that_make_no_sense_are_refused(service, maker, kind, name, size, language, sentence):
    title = await service.titles.draft(maker, Description("Light"))
    with pytest.raises(InvalidValue, match=sentence):
        await service.titles.begin_upload(maker, Upload(UploadId(""), title.id, kind, name, size, language))
    assert await service.titles.files(title) == ()


async def test_a_new_file_takes_the_place_of_the_old_and_goes_with_its_draft(service, maker):
    title = await service.titles.draft(maker, Description("Light"))
    kind, words = (UploadKind.SUBTITLES, "de.vtt", "de"), b"WEBVTT\n\n00:01.000 --> 00:02.000\nWorte\n"
    old = await service.upload(maker, title, words, *kind)
    unfit = await service.upload(maker, title, b"no words", *kind)
    assert await service.titles.files(title) == (old, unfit), "what can be used stays until its successor can"
    begun = await service.titles.begin_upload(
        maker, Upload(UploadId(""), title.id, UploadKind.SUBTITLES, "new.vtt", len(words), "de")
    )
    assert old in await service.titles.files(title)
    new = await service.upload(maker, title, words, *kind)
    assert await service.titles.files(title) == (new,)
    for gone in (old, unfit, begun):
        assert await service.uploads.get(gone.id) is None
    await service.titles.remove(maker, title.id)
    assert await service.uploads.get(new.id) is None
    with pytest.raises(NotFound):
        await service.titles.get(maker, TitleId(title.id))


async def test_the_newest_file_takes_the_place_of_one_that_failed(service, maker):
    title = await service.complete(maker)
    (film,) = await service.titles.files(title)
    failed = await service.upload(maker, title, b"a text", name="text.mp4")
    assert await service.titles.files(title) == (film, failed)
    again = await service.upload(maker, title, b"another text", name="audio.mp4")
    assert await service.titles.files(title) == (film, again)
    assert [said for said in await service.titles.missing(title) if "text.mp4" in said] == []
    half = Upload(UploadId(""), title.id, UploadKind.FEATURE, "half.mp4", 5)
    begun = await service.titles.begin_upload(maker, half)
    assert [file.id for file in await service.titles.files(title)] == [film.id, begun.id]


async def test_of_a_draft_only_what_was_changed_is_changed(service, maker):
    title = await service.titles.draft(maker, ABOUT)
    before = title.description, title.terms
    await service.titles.describe(maker, title.id, replace(ABOUT, synopsis="Of more light."), TERMS)
    changed = await service.titles.describe(maker, title.id, replace(ABOUT, year=2027), title.terms, before)
    assert changed.description == replace(ABOUT, synopsis="Of more light.", year=2027)
    assert changed.terms == TERMS
    same = replace(ABOUT, synopsis="Of more light.")
    assert await service.titles.describe(maker, title.id, same, title.terms, before)
    for about, terms, sentence in (
        (replace(ABOUT, synopsis="Of less light."), title.terms, "The synopsis was changed elsewhere"),
        (ABOUT, replace(title.terms, supply=7), "The number of tokens was changed elsewhere"),
    ):
        with pytest.raises(AccessRefused, match=sentence) as caught:
            await service.titles.describe(maker, title.id, about, terms, before)
        assert "reload the page" in caught.value.fix
    kept = await service.titles.get(maker, title.id)
    assert (kept.description, kept.terms) == (changed.description, changed.terms)
