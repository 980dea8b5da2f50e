"""A publisher's title on its way from an upload to tokens on chain, and the questions put to the owner.

A title becomes a `Film` of the library only when the chain knows it.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, NewType

if TYPE_CHECKING:
    from wylloh_server.domain.film import Description
    from wylloh_server.domain.rights import Tier
    from wylloh_server.domain.types import Cid, Timestamp, TokenReference, Wallet

TitleId = NewType("TitleId", str)
"""A title's name inside this server: 16 lower-case hex digits."""

UploadId = NewType("UploadId", str)
"""An upload's name: 32 lower-case hex digits, not to be guessed."""

OwnerRequestId = NewType("OwnerRequestId", str)
"""A request's name: 16 lower-case hex digits."""

MOST_BASIS_POINTS = 2500
"""A quarter of a resale is the largest royalty that the registry takes."""


class TitleState(StrEnum):
    """The content states, in the order in which a title passes through them."""

    DRAFT = "draft"
    PENDING = "pending"
    ACTIVE = "active"
    TOKENISED = "tokenised"

    @property
    def means(self) -> str:
        """What the state means, one sentence for the publisher who hovers over it."""
        return _MEANS[self]

    @property
    def means_to_owner(self) -> str:
        """What the state of somebody else's title means, one sentence for the owner of the server."""
        return _MEANS_TO_OWNER[self]


_MEANS_TO_OWNER = {
    TitleState.DRAFT: "Its publisher works on it: uploads, describes, and submits it.",
    TitleState.PENDING: "Its publisher submitted it. Watch it, look at its rights, then answer.",
    TitleState.ACTIVE: "You approved it. Its publisher encrypts it, signs it and puts it on chain.",
    TitleState.TOKENISED: "It is on chain: its tokens exist, and whoever holds one can watch.",
}

_MEANS = {
    TitleState.DRAFT: "Only you see it. Upload the film, describe it, set its rights, then submit it.",
    TitleState.PENDING: "It waits for the owner of this server to look at it. You can take it back.",
    TitleState.ACTIVE: (
        "Approved. Encrypt it, sign it with your wallet and put it on chain. Until then you can take it back."
    ),
    TitleState.TOKENISED: "It is on chain: its tokens exist, and whoever holds one can watch.",
}


@dataclass(frozen=True, slots=True)
class TitleTerms:
    """What the contract will hold of a title.

    Attributes:
        supply: most tokens there will ever be.
        royalty_basis_points: share of a resale for `royalty_receiver`, in hundredths of a percent.
        royalty_receiver: None means the publisher.
        tiers: the rights ladder, lowest first; empty while nothing was entered.
    """

    supply: int = 0
    royalty_basis_points: int = 0
    royalty_receiver: Wallet | None = None
    tiers: tuple[Tier, ...] = ()


@dataclass(frozen=True, slots=True)
class Title:
    """One title of a publisher.

    Attributes:
        note: why the owner sent it back; empty otherwise.
        token: chosen when it is encrypted, because the manifest inside the package names it.
        staged: its manifest is written and waits for the publisher's signature.
        root: the finished package; None until it is signed.
    """

    id: TitleId
    publisher: Wallet
    description: Description
    created: Timestamp
    changed: Timestamp
    state: TitleState = TitleState.DRAFT
    terms: TitleTerms = field(default_factory=TitleTerms)
    note: str = ""
    token: TokenReference | None = None
    staged: bool = False
    root: Cid | None = None

    def missing(self, *, film: bool) -> tuple[str, ...]:
        """Return what a draft lacks before it can be submitted. `film`: whether its file is here, whole."""
        lacks = {
            "Upload the film.": not film,
            "Give it a title.": not self.description.title.strip(),
            "Say how many tokens there will be.": self.terms.supply < 1,
            "Set at least one tier of rights.": not self.terms.tiers,
            "Let no tier need more tokens than there will be.": any(
                tier.threshold > self.terms.supply > 0 for tier in self.terms.tiers
            ),
        }
        return tuple(sentence for sentence, lacking in lacks.items() if lacking)


class UploadKind(StrEnum):
    """What an uploaded file is for."""

    FEATURE = "feature"
    TRAILER = "trailer"
    POSTER = "poster"
    BACKDROP = "backdrop"
    SUBTITLES = "subtitles"


@dataclass(frozen=True, slots=True)
class Upload:
    """A file on its way here, in pieces. `received` of its `size` bytes are stored, encrypted.

    Attributes:
        language: a BCP 47 tag, for subtitles only.
        fault: why it cannot be used, in sentences; empty for a sound file, None until it was looked into.
    """

    id: UploadId
    title: TitleId
    kind: UploadKind
    filename: str
    size: int
    language: str = ""
    received: int = 0
    fault: str | None = None

    @property
    def whole(self) -> bool:
        """Whether every byte is here."""
        return self.received == self.size

    @property
    def usable(self) -> bool:
        """Whether it is here, and nothing was found that is wrong with it."""
        return self.whole and not self.fault


class OwnerRequestKind(StrEnum):
    """What the owner is asked."""

    PUBLISHER = "publisher"
    TITLE = "title"


class Answer(StrEnum):
    """What became of a request."""

    WAITING = "waiting"
    APPROVED = "approved"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"


@dataclass(frozen=True, slots=True)
class SubmittedFile:
    """A file of a submitted title. `digest` tells its content as it is stored; see `Uploads.digest`."""

    upload: UploadId
    digest: str


@dataclass(frozen=True, slots=True)
class OwnerRequest:
    """A question to the owner, with its answer. Requests are kept for good: they are the history.

    Attributes:
        subject: the title's id; for a publisher's, the wallet.
        message: what the asker wrote, or the title's name.
        answered_by: None while it waits, or when the asker withdrew it.
        note: the reason given with the answer.
        seen: the asker has seen the answer.
        files: of a title, the files it was submitted with, and no others are published; None of a request
            that was made before they were recorded.
    """

    id: OwnerRequestId
    kind: OwnerRequestKind
    subject: str
    wallet: Wallet
    message: str
    asked: Timestamp
    answer: Answer = Answer.WAITING
    answered_by: Wallet | None = None
    answered: Timestamp | None = None
    note: str = ""
    seen: bool = False
    files: tuple[SubmittedFile, ...] | None = None
