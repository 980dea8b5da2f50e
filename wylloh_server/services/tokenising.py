"""From an approved title to tokens on chain: encrypted and packed here, signed and sent by the wallet.

Each step can be done again after a crash, and none touches a key that moves tokens.
"""

from __future__ import annotations

import secrets
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.title import Title, TitleId, TitleState, UploadKind
from wylloh_server.domain.topics import TITLES
from wylloh_server.domain.transaction import ContractCall, Proposal
from wylloh_server.domain.types import TokenReference
from wylloh_server.hooks.declarations import TaskResult
from wylloh_server.services.progress import Ticker
from wylloh_server.services.publishing import PublishOrder

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.chain import Signatures
    from wylloh_server.domain.ports.publishing import Titles, Uploads
    from wylloh_server.domain.ports.storage import Films
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.task import TaskId
    from wylloh_server.domain.title import Upload
    from wylloh_server.domain.transaction import TransactionId
    from wylloh_server.domain.types import ChainId, Wallet
    from wylloh_server.hooks.context import PluginLive
    from wylloh_server.hooks.declarations import TaskProgress
    from wylloh_server.services.publishing import Publishing
    from wylloh_server.services.tasks import TaskDesk
    from wylloh_server.services.titles import TitleDesk

    Propose = Callable[[Viewer, Proposal], Awaitable[TransactionId]]

ENCRYPT, PACK = "encrypt", "pack"
"""The kinds of background task of this service; their argument is the title's id."""

_SALT_BITS = 96
_CREATE = "createFilm(uint256,string,bytes32,uint256,address,uint96,(uint256,string,string[],uint32)[])"
_REFUSALS = {
    "AccessControlUnauthorizedAccount": "The registry does not let this wallet publish yet: ask its admin "
    "to grant it the publisher role.",
    "FilmExists": "This title is on chain already. Reload the page.",
    "SupplyExceeded": "That is more tokens than there will ever be. Make fewer.",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where titles are registered and their keys are asked for.

    Attributes:
        registry: None where the settings name no contract.
        custodian_url: this server's public address.
    """

    chain_id: ChainId
    registry: Wallet | None
    custodian_url: str


class Tokenising:
    """Takes approved titles on chain."""

    def __init__(
        self,
        *,
        desk: TitleDesk,
        titles: Titles,
        uploads: Uploads,
        films: Films,
        publishing: Publishing,
        signatures: Signatures,
        tasks: TaskDesk,
        propose: Propose,
        live: PluginLive,
        clock: Clock,
        place: Place,
    ) -> None:
        self._desk = desk
        self._titles = titles
        self._uploads = uploads
        self._films = films
        self._publishing = publishing
        self._signatures = signatures
        self._tasks = tasks
        self._propose = propose
        self._live = live
        self._clock = clock
        self._place = place
        self._working: set[TitleId] = set()
        tasks.register(ENCRYPT, self._encrypt)
        tasks.register(PACK, self._pack)

    async def encrypt(self, viewer: Viewer, title_id: TitleId) -> TaskId:
        """Begin to encrypt an approved title, as a background task.

        Raises:
            NotFound, AccessRefused: it is not the viewer's, or not approved.
            InvalidValue: no registry is configured here; or it is encrypted and signed already.
        """
        title = await self._approved(viewer, title_id)
        if title.token is None:
            title = await self._keep(title, token=self._new_token(title.publisher))
        name = f"Encrypt {title.description.title}"
        return await self._tasks.start(ENCRYPT, name, {"title": title.id}, viewer.wallet)

    async def request(self, viewer: Viewer, title_id: TitleId) -> dict[str, Any]:
        """Give what the publisher's wallet signs: EIP-712 data over the manifest's digest.

        Raises:
            NotFound, AccessRefused: it is not the viewer's, not approved, or not encrypted yet.
        """
        title = await self._approved(viewer, title_id)
        token = _token_of(title)
        staged = self._publishing.staged(token)
        return self._signatures.manifest_request(token, staged.manifest_sha256)

    async def sign(self, viewer: Viewer, title_id: TitleId, signature: str) -> TaskId:
        """Take the wallet's signature and pack the film, as a background task.

        Raises:
            InvalidValue: this wallet did not sign this manifest.
            NotFound, AccessRefused: like `request`.
        """
        title = await self._approved(viewer, title_id)
        token = _token_of(title)
        staged = self._publishing.staged(token)
        if not await self._signatures.signed_manifest(
            title.publisher, token, staged.manifest_sha256, signature
        ):
            raise InvalidValue(
                "That is not your signature under this film.", fix="Sign again, with the same wallet."
            )
        arguments = {"title": title.id, "signature": signature}
        name = f"Pack {title.description.title}"
        return await self._tasks.start(PACK, name, arguments, viewer.wallet)

    async def register(self, viewer: Viewer, title_id: TitleId, first: int) -> TransactionId:
        """Propose to put a packed title on chain and to make its first tokens.

        Args:
            viewer: its publisher; the wallet that signs.
            title_id: the title.
            first: tokens to make at once, for the publisher's own wallet; 0 makes none.

        Raises:
            InvalidValue: `first` is more than there will ever be, or the contract would refuse.
            NotFound, AccessRefused: it is not the viewer's, not approved, or not packed.
            ChainError: the chain cannot be asked.
        """
        title = await self._desk.own(viewer, title_id, TitleState.ACTIVE)
        if title.root is None:
            raise NotFound("The film is not packed yet.", fix="Encrypt and sign it first.")
        if not 0 <= first <= title.terms.supply:
            raise InvalidValue(
                f"Make 0 to {title.terms.supply:,} tokens now, not {first:,}.", fix="Correct the number."
            )
        staged = self._publishing.staged(_token_of(title))
        return await self._propose(viewer, _proposal(title, staged.manifest_sha256, first))

    async def unmake(self, title: Title) -> Title:
        """Throw away what was made of an approved title. Gives it as it is without; it is not stored yet.

        Its token stays: a film has one key for good.

        Raises:
            AccessRefused: it is being encrypted or packed at this moment, or it is on chain.
        """
        if title.id in self._working:
            raise AccessRefused(
                "The film is being encrypted or packed.", fix="Cancel that on the page of background tasks."
            )
        if title.token is not None and await self._films.by_token(title.token) is not None:
            raise AccessRefused("This title is on chain, and stays there.", fix="Reload the page.")
        await self._discard(title)
        return replace(title, staged=False, root=None)

    async def _discard(self, title: Title) -> None:
        """Throw away the folder of a title that was staged, if there is one."""
        if title.token is not None:
            with suppress(NotFound):
                await self._publishing.discard(self._publishing.staged(title.token))

    async def look(self) -> None:
        """Note which titles the chain knows by now, and throw away what only publishing needed."""
        for title in await self._titles.all():
            # Whatever its state: it may have been taken back while its transaction was on the way.
            if title.state is TitleState.TOKENISED or title.token is None:
                continue
            if await self._films.by_token(title.token) is not None:
                await self._arrived(title)

    async def _arrived(self, title: Title) -> None:
        changed = replace(title, state=TitleState.TOKENISED, changed=self._clock())
        if not await self._titles.save_if(changed, title.state):
            return
        for upload in await self._uploads.of_title(title.id):
            await self._uploads.remove(upload.id)
        await self._discard(title)
        self._live.changed(TITLES, wallet=title.publisher)
        self._live.notify(title.publisher, f"{title.description.title} is on chain.", f"/titles/{title.id}")

    async def _encrypt(self, progress: TaskProgress) -> TaskResult:
        title = await self._to_do(progress)
        with self._at_work(title):
            return await self._encrypted(title, progress)

    async def _encrypted(self, title: Title, progress: TaskProgress) -> TaskResult:
        order = await self._order(title)
        told = [0, 0]

        def note(done: int, of: int) -> None:
            told[:] = done, of

        async def tell() -> None:
            await progress.tell(told[0], told[1], "Encrypting")

        async with Ticker(tell, 0.5):
            await self._publishing.stage(order, note)
        await self._keep(title, staged=True)
        return TaskResult("Encrypted. Sign it with your wallet now.", f"/titles/{title.id}")

    async def _pack(self, progress: TaskProgress) -> TaskResult:
        title = await self._to_do(progress)
        with self._at_work(title):
            await progress.tell(0, 0, "Packing")
            staged = self._publishing.staged(_token_of(title))
            root = await self._publishing.finish(staged, str(progress.arguments["signature"]))
            await self._keep(title, root=root)
        return TaskResult("Packed and signed. Put it on chain now.", f"/titles/{title.id}")

    async def _order(self, title: Title) -> PublishOrder:
        files = [file for file in await self._uploads.of_title(title.id) if file.whole]
        feature = next((file for file in files if file.kind is UploadKind.FEATURE), None)
        if feature is None or title.token is None:
            raise NotFound("The uploaded film is gone.", fix="Ask the owner to send the title back to you.")
        poster = next((file for file in files if file.kind is UploadKind.POSTER), None)
        return PublishOrder(
            film=self._uploads.film(feature),
            description=title.description,
            token=title.token,
            publisher=title.publisher,
            custodian_url=self._place.custodian_url,
            subtitles=tuple([await self._words(file) for file in files if file.kind is UploadKind.SUBTITLES]),
            poster=await self._uploads.content(poster) if poster else None,
        )

    async def _words(self, file: Upload) -> tuple[str, bytes]:
        return file.language, await self._uploads.content(file)

    async def _approved(self, viewer: Viewer, title_id: TitleId) -> Title:
        title = await self._desk.own(viewer, title_id, TitleState.ACTIVE)
        if title.root is not None:
            raise InvalidValue("This title is packed and signed already.", fix="Put it on chain.")
        return title

    @contextmanager
    def _at_work(self, title: Title) -> Iterator[None]:
        self._working.add(title.id)
        try:
            yield
        finally:
            self._working.discard(title.id)

    async def _to_do(self, progress: TaskProgress) -> Title:
        title = await self._titles.get(TitleId(str(progress.arguments["title"])))
        if title is None or title.state is not TitleState.ACTIVE or title.root is not None:
            raise NotFound("The title has moved on meanwhile.", fix="Look at its page.")
        return title

    async def _keep(self, title: Title, **changes: Any) -> Title:
        changed = replace(title, changed=self._clock(), **changes)
        await self._titles.save_if(changed, title.state)
        self._live.changed(TITLES, wallet=title.publisher)
        return changed

    def _new_token(self, publisher: Wallet) -> TokenReference:
        """Choose a token id that only this publisher can register; see `contracts/FilmRegistry.sol`."""
        if self._place.registry is None:
            raise InvalidValue(
                "No film registry is configured here.", fix="Ask who runs this server to set chain.contract."
            )
        token_id = int(publisher, 16) << _SALT_BITS | secrets.randbits(_SALT_BITS)
        return TokenReference(self._place.chain_id, self._place.registry, token_id)


def _token_of(title: Title) -> TokenReference:
    if title.token is None or not title.staged:
        raise NotFound("The film is not encrypted yet.", fix="Encrypt it first.")
    return title.token


def _proposal(title: Title, sha256: str, first: int) -> Proposal:
    token, terms, name = _token_of(title), title.terms, title.description.title
    receiver = terms.royalty_receiver or title.publisher
    tiers = tuple((tier.threshold, tier.right, tier.territories, tier.seats or 0) for tier in terms.tiers)
    values = (token.token_id, title.root, bytes.fromhex(sha256), terms.supply, receiver)
    create = ContractCall(
        token.contract, _CREATE, (*values, terms.royalty_basis_points, tiers), says=f"Register {name}."
    )
    arguments = (title.publisher, token.token_id, first)
    mint = ContractCall(
        token.contract, "mint(address,uint256,uint256)", arguments, says=f"Make {first:,} of its tokens."
    )
    return Proposal(
        title=f"Put {name} on chain",
        explanation=_explanation(title, first),
        steps=(create, mint) if first else (create,),
        done=f"{name} is on chain.",
        refusals=_REFUSALS,
        topics=(TITLES,),
        back=f"/titles/{title.id}",
    )


def _explanation(title: Title, first: int) -> tuple[str, ...]:
    terms = title.terms
    percent = f"{terms.royalty_basis_points / 100:g} %"
    to = "you" if terms.royalty_receiver is None else terms.royalty_receiver
    made = f"{first:,} of them are made now, for your own wallet." if first else "None is made yet."
    return (
        f"{title.description.title} gets a token of its own, at most {terms.supply:,} times. {made}",
        f"Of every resale {percent} goes to {to}.",
        "It costs no more than the network's fee. What is on chain stays there for good.",
    )
