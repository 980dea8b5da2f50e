"""What the owner is asked: may this wallet publish here, may this title go on? With every answer kept."""

from __future__ import annotations

import secrets
from dataclasses import replace
from typing import TYPE_CHECKING

from wylloh_server.domain.access import Role
from wylloh_server.domain.errors import AccessRefused, InvalidValue, NotFound
from wylloh_server.domain.title import Answer, Request, RequestId, RequestKind, TitleId, TitleState
from wylloh_server.domain.topics import APPROVALS, TITLES

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from wylloh_server.domain.access import Viewer
    from wylloh_server.domain.ports.publishing import Requests, Titles
    from wylloh_server.domain.ports.storage import Accounts
    from wylloh_server.domain.ports.world import Clock
    from wylloh_server.domain.title import Title
    from wylloh_server.domain.types import Wallet
    from wylloh_server.hooks.context import PluginLive
    from wylloh_server.services.titles import TitleDesk

    Unmake = Callable[[Title], Awaitable[Title]]
    """Throws away what was made of an approved title; `services.tokenising.Tokenising.unmake` does."""

_SHOWN = 200
_LONGEST = 2000


class Approvals:
    """Takes requests to the owner and brings back the answers."""

    def __init__(
        self,
        *,
        requests: Requests,
        titles: Titles,
        desk: TitleDesk,
        accounts: Accounts,
        unmake: Unmake,
        live: PluginLive,
        clock: Clock,
    ) -> None:
        self._requests = requests
        self._titles = titles
        self._desk = desk
        self._accounts = accounts
        self._unmake = unmake
        self._live = live
        self._clock = clock

    async def waiting(self) -> tuple[Request, ...]:
        """Give what waits for the owner, oldest first."""
        return await self._requests.waiting()

    async def history(self) -> tuple[Request, ...]:
        """Give the last answers, newest first."""
        return await self._requests.answered(_SHOWN)

    async def of_title(self, title: Title) -> tuple[Request, ...]:
        """Give every request about a title, newest first."""
        return await self._requests.of_subject(RequestKind.TITLE, title.id)

    async def of_wallet(self, wallet: Wallet) -> tuple[Request, ...]:
        """Give a wallet's requests to be a publisher, newest first."""
        return await self._requests.of_subject(RequestKind.PUBLISHER, wallet)

    async def apply(self, viewer: Viewer, says: str) -> Request:
        """Ask to be a publisher here.

        Raises:
            InvalidValue: nothing was said, or too much; or it is asked already.
            AccessRefused: the viewer is a publisher already.
        """
        if viewer.role.includes(Role.PUBLISHER):
            raise AccessRefused("You may publish here already.", fix="See your titles.")
        if not 0 < len(says.strip()) <= _LONGEST:
            raise InvalidValue("Say who you are and what you make.", fix="Use up to 2,000 letters.")
        request = self._request(RequestKind.PUBLISHER, viewer.wallet, viewer.wallet, says.strip())
        if not await self._requests.ask(request):
            raise InvalidValue("You have asked already.", fix="Wait for the owner's answer.")
        await self._tell_owner("Somebody asks to publish here.")
        return request

    async def submit(self, viewer: Viewer, title_id: TitleId) -> Title:
        """Submit a draft. The owner's own needs nobody else's yes; that it was given is recorded.

        Raises:
            InvalidValue: the draft lacks something; the sentence says what.
            NotFound, AccessRefused: it is not the viewer's, or no draft any more.
        """
        draft = await self._desk.own(viewer, title_id, TitleState.DRAFT)
        await self._desk.look_into(draft)
        missing = await self._desk.missing(draft)
        if missing:
            raise InvalidValue("It is not complete yet.", fix=" ".join(missing))
        pending = replace(draft, state=TitleState.PENDING, note="", changed=self._clock())
        if not await self._titles.save_if(pending, TitleState.DRAFT):
            raise AccessRefused("This title was submitted already.", fix="Reload the page.")
        request = self._request(RequestKind.TITLE, draft.id, viewer.wallet, draft.description.title)
        await self._requests.ask(request)
        if viewer.role is Role.OWNER:
            await self.answer(viewer, request.id, approve=True, note="The owner's own.")
            return replace(pending, state=TitleState.ACTIVE)
        await self._tell_owner(f"{draft.description.title} waits for your approval.")
        return pending

    async def withdraw(self, viewer: Viewer, title_id: TitleId) -> Title:
        """Take a title back: one that waits, or an approved one; that also the owner may.

        Raises:
            NotFound: there is none, or it is somebody else's.
            AccessRefused: it is a draft, on chain, or being encrypted or packed; or the owner was quicker.
        """
        title = await self._desk.get(viewer, title_id)
        if title.state is TitleState.ACTIVE:
            return await self._reopen(viewer, title)
        pending = await self._desk.own(viewer, title_id, TitleState.PENDING)
        for request in await self.of_title(pending):
            if request.answer is Answer.WAITING and not await self._requests.answer(
                replace(request, answered=self._clock()), Answer.WITHDRAWN
            ):
                raise AccessRefused("The owner has just answered.", fix="Reload the page.")
        draft = replace(pending, state=TitleState.DRAFT, changed=self._clock())
        await self._titles.save_if(draft, TitleState.PENDING)
        self._live.changed(APPROVALS)
        return draft

    async def _reopen(self, viewer: Viewer, title: Title) -> Title:
        """Make an approved title a draft again; the history says who did it."""
        now = self._clock()
        draft = replace(await self._unmake(title), state=TitleState.DRAFT, changed=now)
        if not await self._titles.save_if(draft, TitleState.ACTIVE):
            raise AccessRefused("This title has moved on meanwhile.", fix="Reload the page.")
        name = title.description.title
        request = self._request(RequestKind.TITLE, title.id, title.publisher, name)
        await self._requests.ask(request)
        taken = replace(request, answered=now, answered_by=viewer.wallet, note="After it was approved.")
        await self._requests.answer(taken, Answer.WITHDRAWN)
        self._live.changed(APPROVALS, TITLES)
        if viewer.wallet != title.publisher:
            self._live.notify(title.publisher, f"The owner made {name} a draft again.", f"/titles/{title.id}")
        return draft

    async def answer(self, viewer: Viewer, request_id: RequestId, *, approve: bool, note: str) -> Request:
        """Answer a request. A no needs a reason: it is what the asker will read.

        Raises:
            AccessRefused: only the owner answers.
            NotFound: there is no such request.
            InvalidValue: it was answered already, or a no has no reason.
        """
        if viewer.role is not Role.OWNER:
            raise AccessRefused("Only the owner of this server answers requests.")
        request = await self._requests.get(request_id)
        if request is None:
            raise NotFound("There is no such request.", fix="Reload the page.")
        if not approve and not note.strip():
            raise InvalidValue("Say why not.", fix="Write a sentence the asker can act on.")
        answer = Answer.APPROVED if approve else Answer.DECLINED
        answered = replace(
            request,
            answer=answer,
            answered_by=viewer.wallet,
            answered=self._clock(),
            note=note.strip()[:_LONGEST],
        )
        if not await self._requests.answer(answered, answer):
            raise InvalidValue("This was answered already.", fix="Reload the page.")
        await self._carry_out(answered)
        return answered

    async def _carry_out(self, request: Request) -> None:
        if request.kind is RequestKind.PUBLISHER:
            sentence, link = await self._admit(request), "/titles"
        else:
            sentence, link = await self._let_go_on(request), f"/titles/{request.subject}"
        self._live.changed(APPROVALS, TITLES)
        self._live.notify(request.wallet, sentence, link)

    async def _admit(self, request: Request) -> str:
        if request.answer is not Answer.APPROVED:
            return f"The owner said no: {request.note}"
        role = await self._accounts.role(request.wallet)
        if role is None or not role.includes(Role.PUBLISHER):
            await self._accounts.save(request.wallet, Role.PUBLISHER)
        return "You may publish here now."

    async def _let_go_on(self, request: Request) -> str:
        title = await self._titles.get(TitleId(request.subject))
        if title is None:
            return f"{request.says} is gone."
        if request.answer is Answer.APPROVED:
            changed, sentence = replace(title, state=TitleState.ACTIVE), f"{request.says} is approved."
        else:
            changed = replace(title, state=TitleState.DRAFT, note=request.note)
            sentence = f"{request.says} came back: {request.note}"
        await self._titles.save_if(replace(changed, changed=self._clock()), TitleState.PENDING)
        return sentence

    async def _tell_owner(self, sentence: str) -> None:
        self._live.changed(APPROVALS)
        for wallet, role in await self._accounts.all():
            if role is Role.OWNER:
                self._live.notify(wallet, sentence, "/approvals")

    def _request(self, kind: RequestKind, subject: str, wallet: Wallet, says: str) -> Request:
        return Request(RequestId(secrets.token_hex(8)), kind, subject, wallet, says, self._clock())
