"""From an approved title to tokens on chain: encrypted and packed here, signed and sent by the wallet.

Each step can be done again after a crash, and none touches a key that moves tokens.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.percentage import format_percent
from wylloh_server.domain.task import TaskResult, TaskSubject
from wylloh_server.domain.title import Title, TitleId, TitleState, UploadKind
from wylloh_server.domain.topics import TITLES
from wylloh_server.domain.transaction import ContractCall, Proposal
from wylloh_server.domain.types import TokenReference
from wylloh_server.resources import contract_function
from wylloh_server.services.operations.task_service import TaskKind
from wylloh_server.services.publishing.film_packaging import PublishOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.chain import Chain
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.ports.uploads import Uploads
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.title import Upload
    from wylloh_server.domain.transaction import TransactionId
    from wylloh_server.domain.types import ChainId, Wallet
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.task_run import TaskRun
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.services.publishing.approved_files import ApprovedFiles
    from wylloh_server.services.publishing.film_packaging import FilmPackaging
    from wylloh_server.services.publishing.title_service import TitleService
    from wylloh_server.storage.films import FilmRepository
    from wylloh_server.storage.titles import TitleRepository

    Propose = Callable[[Viewer, Proposal], Awaitable[TransactionId]]

ENCRYPT, PACK = "encrypt", "pack"
"""The kinds of background task of this service; their argument is the title's id."""

_SALT_BITS = 96
_REGISTRY = "FilmRegistry"
_REFUSALS = {
    "AccessControlUnauthorizedAccount": "The registry does not let this wallet publish yet: ask its admin "
    "to grant it the publisher role.",
    "FilmExists": "This film is on chain already: there is nothing more to confirm.",
    "RoyaltyAboveLimit": "The registry takes at most 25 % of a resale as royalty. Ask for less.",
    "LadderMustStartWithWatching": "The first tier must be personal viewing for 1 token, everywhere.",
    "ThresholdAboveSupply": "A tier needs more tokens than there will ever be. Lower it, or make more.",
    "SupplyExceeded": "That is more tokens than there will ever be. Make fewer.",
}


@dataclass(kw_only=True, eq=False)
class Registration:
    """Takes approved titles on chain.

    Attributes:
        registry: the contract; None where the settings name none.
        custodian_url: this server's public address, where holders' servers ask for keys.
    """

    title_service: TitleService
    titles: TitleRepository
    uploads: Uploads
    approved_files: ApprovedFiles
    films: FilmRepository
    packaging: FilmPackaging
    chain: Chain
    tasks: TaskService
    propose: Propose
    live: LiveUpdates
    clock: Clock
    chain_id: ChainId
    registry: Wallet | None
    custodian_url: str
    _working: set[TitleId] = field(init=False, default_factory=set)

    def __post_init__(self) -> None:
        """Name what runs its tasks."""
        self.tasks.register(ENCRYPT, TaskKind(self._encrypt))
        self.tasks.register(PACK, TaskKind(self._pack))

    async def encrypt(self, viewer: Viewer, title_id: TitleId, *, again: bool = False) -> TaskId:
        """Begin to encrypt an approved title, as a background task; `again` replaces what is encrypted.

        Raises:
            NotFound, AccessRefused: it is not the viewer's, or not approved.
            InvalidValue: no registry is configured here; or it is encrypted already.
        """
        title = await self._approved(viewer, title_id)
        if title.staged and not again:
            raise InvalidValue("This title is encrypted already.", fix="Sign it with your wallet now.")
        if title.token is None:
            title = await self._keep(title, token=self._new_token(title.publisher))
        return await self._start(viewer, ENCRYPT, title, {"title": title.id})

    async def request(self, viewer: Viewer, title_id: TitleId) -> dict[str, Any]:
        """Return what the publisher's wallet signs: EIP-712 data over the manifest's digest.

        Raises:
            NotFound, AccessRefused: it is not the viewer's, not approved, or not encrypted yet.
        """
        title = await self._approved(viewer, title_id)
        token = _title_token(title)
        staged = self.packaging.staged(token)
        return self.chain.manifest_request(token, staged.manifest_sha256)

    async def sign(self, viewer: Viewer, title_id: TitleId, signature: str) -> TaskId:
        """Take the wallet's signature and pack the film, as a background task.

        Raises:
            InvalidValue: this wallet did not sign this manifest.
            NotFound, AccessRefused: like `request`.
        """
        title = await self._approved(viewer, title_id)
        token = _title_token(title)
        staged = self.packaging.staged(token)
        if not await self.chain.signed_manifest(title.publisher, token, staged.manifest_sha256, signature):
            raise InvalidValue(
                "That is not your signature under this film.", fix="Sign again, with the same wallet."
            )
        return await self._start(viewer, PACK, title, {"title": title.id, "signature": signature})

    async def _start(self, viewer: Viewer, kind: str, title: Title, arguments: dict[str, str]) -> TaskId:
        name, subject = f"{kind.capitalize()} {title.description.title}", title_subject(title.id)
        return await self.tasks.start(kind, name, arguments, viewer.wallet, subject=subject)

    async def register(self, viewer: Viewer, title_id: TitleId, first: int) -> TransactionId:
        """Propose to put a packed title on chain and to make its first tokens.

        Args:
            viewer: its publisher; the wallet that signs.
            title_id: the title.
            first: tokens to make at once, for the publisher's own wallet; 0 makes none.

        Raises:
            InvalidValue: `first` is more than there will ever be, the receiver of the royalty could not take
                it out again, or the contract would refuse.
            NotFound, AccessRefused: it is not the viewer's, not approved, or not packed.
            ChainError: the chain cannot be asked.
        """
        title = await self.title_service.own(viewer, title_id, TitleState.ACTIVE)
        if title.root is None:
            raise NotFound("The film is not packed yet.", fix="Encrypt and sign it first.")
        if not 0 <= first <= title.terms.supply:
            raise InvalidValue(
                f"Make 0 to {title.terms.supply:,} tokens now, not {first:,}.", fix="Correct the number."
            )
        await self.title_service.payees.check(title.terms.royalty_receiver)
        staged = self.packaging.staged(_title_token(title))
        return await self.propose(viewer, _proposal(title, staged.manifest_sha256, first))

    async def reopen(self, title: Title) -> Title:
        """Make an approved title a draft again, and discard what was built of it; return the draft.

        Its token stays: a film has one key for good. Nothing is discarded before the draft is stored.

        Raises:
            AccessRefused: it is being encrypted or packed at this moment, on chain, or no longer approved.
        """
        if title.id in self._working:
            raise AccessRefused(
                "The film is being encrypted or packed.", fix="Cancel that on the page of background tasks."
            )
        if title.token is not None and await self.films.by_token(title.token) is not None:
            raise AccessRefused("This title is on chain, and stays there.", fix="Reload the page.")
        draft = replace(title, state=TitleState.DRAFT, staged=False, root=None, changed=self.clock())
        if not await self.titles.save_if(draft, TitleState.ACTIVE):
            raise AccessRefused("This title has moved on meanwhile.", fix="Reload the page.")
        await self._discard(title)
        return draft

    async def _discard(self, title: Title) -> None:
        """Throw away the folder of a title that was staged, if there is one."""
        if title.token is not None:
            with suppress(NotFound):
                await self.packaging.discard(self.packaging.staged(title.token))

    async def check_chain(self) -> None:
        """Record which titles the chain knows by now, and throw away what only publishing needed."""
        for title in await self.titles.all():
            # Whatever its state: it may have been taken back while its transaction was on the way.
            if title.state is TitleState.TOKENISED or title.token is None:
                continue
            if await self.films.by_token(title.token) is not None:
                await self._arrived(title)

    async def _arrived(self, title: Title) -> None:
        changed = replace(title, state=TitleState.TOKENISED, changed=self.clock())
        if not await self.titles.save_if(changed, title.state):
            return
        for upload in await self.uploads.of_title(title.id):
            await self.uploads.remove(upload.id)
        await self._discard(title)
        self.live.changed(TITLES, wallet=title.publisher)
        self.live.notify(title.publisher, f"{title.description.title} is on chain.", f"/titles/{title.id}")

    async def _encrypt(self, run: TaskRun) -> TaskResult:
        with self._at_work(run):
            title = await self._to_do(run)
            order = await self._order(title)
            staged = await self.packaging.stage(order, lambda done, of: run.note(done, of, "Encrypting"))
            await self._keep(title, staged=True)
        message = " ".join(("Encrypted. Sign it with your wallet now.", *staged.notes))
        return TaskResult(message, f"/titles/{title.id}")

    async def _pack(self, run: TaskRun) -> TaskResult:
        with self._at_work(run):
            title = await self._to_do(run)
            run.note(0, 0, "Packing")
            staged = self.packaging.staged(_title_token(title))
            root = await self.packaging.finish(staged, str(run.arguments["signature"]))
            fault = await self.packaging.pin(staged, root)
            await self._keep(title, root=root)
        message = " ".join(filter(None, ("Packed and signed. Put it on chain now.", fault)))
        return TaskResult(message, f"/titles/{title.id}")

    async def _order(self, title: Title) -> PublishOrder:
        files = await self.approved_files.of(title.id)
        feature = next((file for file in files if file.kind is UploadKind.FEATURE), None)
        trailer = next((file for file in files if file.kind is UploadKind.TRAILER), None)
        if feature is None or title.token is None:
            raise NotFound("The uploaded film is gone.", fix="Ask the owner to send the title back to you.")
        return PublishOrder(
            film=self.uploads.film(feature),
            description=title.description,
            token=title.token,
            publisher=title.publisher,
            custodian_url=self.custodian_url,
            subtitles=tuple([await self._words(file) for file in files if file.kind is UploadKind.SUBTITLES]),
            poster=await self._picture(files, UploadKind.POSTER),
            backdrop=await self._picture(files, UploadKind.BACKDROP),
            trailer=self.uploads.film(trailer) if trailer else None,
        )

    async def _picture(self, files: list[Upload], kind: UploadKind) -> bytes | None:
        file = next((file for file in files if file.kind is kind), None)
        return await self.uploads.content(file) if file else None

    async def _words(self, file: Upload) -> tuple[str, bytes]:
        return file.language, await self.uploads.content(file)

    async def _approved(self, viewer: Viewer, title_id: TitleId) -> Title:
        title = await self.title_service.own(viewer, title_id, TitleState.ACTIVE)
        if title.root is not None:
            raise InvalidValue("This title is packed and signed already.", fix="Put it on chain.")
        return title

    @contextmanager
    def _at_work(self, run: TaskRun) -> Iterator[None]:
        """Keep the title of a run from being taken back. Begins before anybody looks at its state."""
        title = _title_id(run)
        self._working.add(title)
        try:
            yield
        finally:
            self._working.discard(title)

    async def _to_do(self, run: TaskRun) -> Title:
        title = await self.titles.get(_title_id(run))
        if title is None or title.state is not TitleState.ACTIVE or title.root is not None:
            raise NotFound("The title has moved on meanwhile.", fix="Look at its page.")
        return title

    async def _keep(self, title: Title, **changes: Any) -> Title:
        changed = replace(title, changed=self.clock(), **changes)
        await self.titles.save_if(changed, title.state)
        self.live.changed(TITLES, wallet=title.publisher)
        return changed

    def _new_token(self, publisher: Wallet) -> TokenReference:
        """Choose a token id that only this publisher can register; see `contracts/FilmRegistry.sol`."""
        if self.registry is None:
            raise InvalidValue(
                "No film registry is configured here.", fix="Ask who runs this server to set chain.contract."
            )
        token_id = int(publisher, 16) << _SALT_BITS | secrets.randbits(_SALT_BITS)
        return TokenReference(self.chain_id, self.registry, token_id)


def _title_id(run: TaskRun) -> TitleId:
    return TitleId(str(run.arguments["title"]))


def title_subject(title: TitleId) -> TaskSubject:
    """Return what the tasks on a title are about."""
    return TaskSubject("title", title)


def _title_token(title: Title) -> TokenReference:
    if title.token is None or not title.staged:
        raise NotFound("The film is not encrypted yet.", fix="Encrypt it first.")
    return title.token


def _proposal(title: Title, sha256: str, first: int) -> Proposal:
    token, terms, name = _title_token(title), title.terms, title.description.title
    receiver = terms.royalty_receiver or title.publisher
    tiers = tuple((tier.threshold, tier.right, tier.territories, tier.seats or 0) for tier in terms.tiers)
    values = (token.token_id, title.root, bytes.fromhex(sha256), terms.supply, receiver)
    create = ContractCall(
        token.contract,
        contract_function(_REGISTRY, "createFilm"),
        (*values, terms.royalty_basis_points, tiers),
        summary=f"Register {name}.",
    )
    arguments = (title.publisher, token.token_id, first)
    mint = ContractCall(
        token.contract,
        contract_function(_REGISTRY, "mint"),
        arguments,
        summary=f"Make {first:,} of its tokens.",
    )
    return Proposal(
        title=f"Put {name} on chain",
        explanation=_explanation(title, first),
        steps=(create, mint) if first else (create,),
        done=f"{name} is on chain.",
        refusals=_REFUSALS,
        topics=(TITLES,),
        back=f"/titles/{title.id}",
        functions=(f"{_REGISTRY}.createFilm", f"{_REGISTRY}.mint"),
    )


def _explanation(title: Title, first: int) -> tuple[str, ...]:
    terms = title.terms
    percent = format_percent(terms.royalty_basis_points)
    to = "you" if terms.royalty_receiver is None else terms.royalty_receiver
    made = f"{first:,} of them are made now, for your own wallet." if first else "None is made yet."
    return (
        f"{title.description.title} gets a token of its own, at most {terms.supply:,} times. {made}",
        f"Of every resale {percent} goes to {to}.",
        "It costs no more than the network's fee. What is on chain stays there for good.",
    )
