"""What the owner is asked: may this wallet publish here, may this title go on? With every answer kept."""

from __future__ import annotations

import secrets
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.title import (
    Answer,
    OwnerRequest,
    OwnerRequestId,
    OwnerRequestKind,
    TitleId,
    TitleState,
)
from wylloh_server.domain.topics import APPROVALS, TITLES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.clock import Clock
    from wylloh_server.domain.title import Title
    from wylloh_server.domain.types import Wallet
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.publishing.approved_files import ApprovedFiles
    from wylloh_server.services.publishing.title_service import TitleService
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.owner_requests import OwnerRequestRepository
    from wylloh_server.storage.titles import TitleRepository

    Reopen = Callable[[Title], Awaitable[Title]]
    """Makes an approved title a draft again; `services.publishing.registration.Registration.reopen` does."""

_LONGEST = 2000


@dataclass(kw_only=True, eq=False)
class Approvals:
    """Takes requests to the owner and brings back the answers."""

    requests: OwnerRequestRepository
    titles: TitleRepository
    title_service: TitleService
    approved_files: ApprovedFiles
    accounts: AccountRepository
    reopen: Reopen
    live: LiveUpdates
    clock: Clock

    async def apply(self, viewer: Viewer, message: str) -> OwnerRequest:
        """Ask to be a publisher here.

        Raises:
            InvalidValue: nothing was said, or too much; or it is asked already.
            AccessRefused: the viewer is a publisher already.
        """
        if viewer.role.includes(Role.PUBLISHER):
            raise AccessRefused("You may publish here already.", fix="See your titles.")
        if not 0 < len(message.strip()) <= _LONGEST:
            raise InvalidValue("Say who you are and what you make.", fix="Use up to 2,000 letters.")
        request = self._request(OwnerRequestKind.PUBLISHER, viewer.wallet, viewer.wallet, message.strip())
        if not await self.requests.ask(request):
            raise InvalidValue("You have asked already.", fix="Wait for the owner's answer.")
        await self._tell_owner("Somebody asks to publish here.")
        return request

    async def submit(self, viewer: Viewer, title_id: TitleId) -> Title:
        """Submit a draft. The owner's own needs nobody else's yes; that it was given is recorded.

        Raises:
            InvalidValue: the draft lacks something; the sentence says what.
            NotFound, AccessRefused: it is not the viewer's, or no draft any more.
        """
        async with self.title_service.lock(title_id):  # no file begins or takes another's place meanwhile
            pending, request = await self._submit(viewer, title_id)
        if viewer.role is Role.OWNER:
            await self.answer(viewer, request.id, approve=True, note="The owner's own.")
            return replace(pending, state=TitleState.ACTIVE)
        await self._tell_owner(f"{pending.description.title} waits for your approval.")
        return pending

    async def _submit(self, viewer: Viewer, title_id: TitleId) -> tuple[Title, OwnerRequest]:
        draft = await self.title_service.own(viewer, title_id, TitleState.DRAFT)
        await self.title_service.look_into(draft)
        missing = await self.title_service.missing(draft)
        if missing:
            raise InvalidValue("It is not complete yet.", fix=" ".join(missing))
        request = self._request(OwnerRequestKind.TITLE, draft.id, viewer.wallet, draft.description.title)
        request = replace(request, files=await self.approved_files.present(draft.id))
        pending = replace(draft, state=TitleState.PENDING, note="", changed=self.clock())
        if not await self.titles.save_if(pending, TitleState.DRAFT):
            raise AccessRefused("This title was submitted already.", fix="Reload the page.")
        await self.requests.ask(request)
        return pending, request

    async def withdraw(self, viewer: Viewer, title_id: TitleId) -> Title:
        """Take a title back: one that waits, or an approved one; that also the owner may.

        Raises:
            NotFound: there is none, or it is somebody else's.
            AccessRefused: it is a draft, on chain, or being encrypted or packed; or the owner was quicker.
        """
        async with self.title_service.lock(title_id):
            title = await self.title_service.get(viewer, title_id)
            if title.state is TitleState.ACTIVE:
                return await self._take_back(viewer, title)
            return await self._withdraw(viewer, title_id)

    async def _withdraw(self, viewer: Viewer, title_id: TitleId) -> Title:
        pending = await self.title_service.own(viewer, title_id, TitleState.PENDING)
        for request in await self.requests.of_subject(OwnerRequestKind.TITLE, pending.id):
            if request.answer is Answer.WAITING and not await self.requests.answer(
                replace(request, answered=self.clock()), Answer.WITHDRAWN
            ):
                raise AccessRefused("The owner has just answered.", fix="Reload the page.")
        draft = replace(pending, state=TitleState.DRAFT, changed=self.clock())
        await self.titles.save_if(draft, TitleState.PENDING)
        self.live.changed(APPROVALS)
        return draft

    async def _take_back(self, viewer: Viewer, title: Title) -> Title:
        """Make an approved title a draft again; the history says who did it."""
        draft, now = await self.reopen(title), self.clock()
        name = title.description.title
        request = self._request(OwnerRequestKind.TITLE, title.id, title.publisher, name)
        await self.requests.ask(request)
        taken = replace(request, answered=now, answered_by=viewer.wallet, note="After it was approved.")
        await self.requests.answer(taken, Answer.WITHDRAWN)
        self.live.changed(APPROVALS, TITLES)
        if viewer.wallet != title.publisher:
            self.live.notify(title.publisher, f"The owner made {name} a draft again.", f"/titles/{title.id}")
        return draft

    async def gives_role(self, request_id: OwnerRequestId) -> bool:
        """Return whether a yes to a request would change what its wallet may do here."""
        request = await self.requests.get(request_id)
        return request is not None and request.kind is OwnerRequestKind.PUBLISHER

    async def answer(
        self, viewer: Viewer, request_id: OwnerRequestId, *, approve: bool, note: str
    ) -> OwnerRequest:
        """Answer a request. A no needs a reason: it is what the asker will read.

        Raises:
            AccessRefused: only the owner answers.
            AccessRefused: the files of the title are not those it was submitted with.
            NotFound: there is no such request.
            InvalidValue: it was answered already, or a no has no reason.
        """
        if viewer.role is not Role.OWNER:
            raise AccessRefused("Only the owner of this server answers requests.")
        request = await self.requests.get(request_id)
        if request is None:
            raise NotFound("There is no such request.", fix="Reload the page.")
        if not approve and not note.strip():
            raise InvalidValue("Say why not.", fix="Write a sentence the asker can act on.")
        async with self.title_service.lock(TitleId(request.subject)):
            if approve and request.kind is OwnerRequestKind.TITLE:
                request = await self._with_checked_files(request)
            answer = Answer.APPROVED if approve else Answer.DECLINED
            answered = replace(
                request,
                answer=answer,
                answered_by=viewer.wallet,
                answered=self.clock(),
                note=note.strip()[:_LONGEST],
            )
            if not await self.requests.answer(answered, answer):
                raise InvalidValue("This was answered already.", fix="Reload the page.")
            await self._carry_out(answered)
        return answered

    async def _with_checked_files(self, request: OwnerRequest) -> OwnerRequest:
        """Return a request with the files of its title; that of an older version may come without any."""
        if request.answer is not Answer.WAITING or await self.titles.get(TitleId(request.subject)) is None:
            return request  # what became of it is said later
        return replace(request, files=await self.approved_files.check(request))

    async def see_answers(self, viewer: Viewer, kind: OwnerRequestKind, subject: str) -> None:
        """Record that the viewer has seen the owner's answers about something; other pages of theirs know."""
        unseen = await self.requests.unseen(viewer.wallet)
        if any((request.kind, request.subject) == (kind, subject) for request in unseen):
            await self.requests.mark_seen(viewer.wallet, kind, subject)
            self.live.changed(APPROVALS, wallet=viewer.wallet)

    async def _carry_out(self, request: OwnerRequest) -> None:
        if request.kind is OwnerRequestKind.PUBLISHER:
            sentence, link = await self._admit(request), "/titles"
        else:
            sentence, link = await self._let_go_on(request), f"/titles/{request.subject}"
        self.live.changed(APPROVALS, TITLES)
        self.live.notify(request.wallet, sentence, link)

    async def _admit(self, request: OwnerRequest) -> str:
        if request.answer is not Answer.APPROVED:
            return f"The owner said no: {request.note}"
        role = await self.accounts.role(request.wallet)
        if role is None:  # removed meanwhile: an old question is no way back in
            return "Your account is not here any more."
        if not role.includes(Role.PUBLISHER):
            await self.accounts.save(request.wallet, Role.PUBLISHER)
        return "You may publish here now."

    async def _let_go_on(self, request: OwnerRequest) -> str:
        title = await self.titles.get(TitleId(request.subject))
        if title is None:
            return f"{request.message} is gone."
        if request.answer is Answer.APPROVED:
            changed, sentence = replace(title, state=TitleState.ACTIVE), f"{request.message} is approved."
        else:
            changed = replace(title, state=TitleState.DRAFT, note=request.note)
            sentence = f"{request.message} came back: {request.note}"
        await self.titles.save_if(replace(changed, changed=self.clock()), TitleState.PENDING)
        return sentence

    async def _tell_owner(self, sentence: str) -> None:
        self.live.changed(APPROVALS)
        for account in await self.accounts.all():
            if account.role is Role.OWNER:
                self.live.notify(account.wallet, sentence, "/approvals")

    def _request(self, kind: OwnerRequestKind, subject: str, wallet: Wallet, message: str) -> OwnerRequest:
        return OwnerRequest(
            OwnerRequestId(secrets.token_hex(8)), kind, subject, wallet, message, self.clock()
        )
