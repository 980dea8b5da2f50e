"""What publishers bring, put together: their titles, their uploads, the owner's yes, the way to the chain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.adapters.system_clock import system_clock
from wylloh_server.app.adapters import configured_contracts
from wylloh_server.app.services import build_publishing
from wylloh_server.domain.types import ChainId
from wylloh_server.services.chain.payee_check import PayeeCheck
from wylloh_server.services.publishing.approvals import Approvals
from wylloh_server.services.publishing.approved_files import ApprovedFiles
from wylloh_server.services.publishing.publisher_removal import PublisherRemoval
from wylloh_server.services.publishing.registration import Registration
from wylloh_server.services.publishing.title_service import TitleService
from wylloh_server.services.publishing.upload_validation import UploadValidation

if TYPE_CHECKING:
    from wylloh_server.app.adapters import Adapters
    from wylloh_server.app.services import RightsServices
    from wylloh_server.config import Settings
    from wylloh_server.domain.ports.uploads import Uploads
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.services.publishing.registration import Propose
    from wylloh_server.storage.database import Storage


_GIGABYTE = 1_000_000_000


@dataclass(frozen=True, slots=True)
class PublishingServices:
    """Drafts, approvals, and what takes approved titles on chain."""

    titles: TitleService
    approvals: Approvals
    registration: Registration
    removal: PublisherRemoval


def build_publishing_services(
    settings: Settings,
    adapters: Adapters,
    rights: RightsServices,
    *,
    tasks: TaskService,
    live: LiveUpdates,
    propose: Propose,
) -> PublishingServices:
    """Build what publishers work with."""
    storage, uploads = adapters.database.storage, adapters.uploads
    upload_validation = UploadValidation(uploads=uploads, media=adapters.media)
    title_service = TitleService(
        titles=storage.titles,
        accounts=storage.accounts,
        uploads=uploads,
        inspect=upload_validation.fault,
        payees=PayeeCheck(configured_contracts(settings), storage.coins),
        clock=system_clock,
        quota=int(settings.publishing.quota_gb * _GIGABYTE),
    )
    approved_files = ApprovedFiles(requests=storage.requests, uploads=uploads)
    registration = Registration(
        title_service=title_service,
        titles=storage.titles,
        uploads=uploads,
        approved_files=approved_files,
        films=storage.films,
        packaging=build_publishing(settings, adapters, rights),
        chain=adapters.chain,
        tasks=tasks,
        propose=propose,
        live=live,
        clock=system_clock,
        chain_id=ChainId(settings.chain.id),
        registry=configured_contracts(settings).registry,
        custodian_url=settings.server.public_url,
    )
    approvals = Approvals(
        requests=storage.requests,
        titles=storage.titles,
        title_service=title_service,
        approved_files=approved_files,
        accounts=storage.accounts,
        reopen=registration.reopen,
        live=live,
        clock=system_clock,
    )
    removal = build_publisher_removal(storage, uploads, live)
    return PublishingServices(title_service, approvals, registration, removal)


def build_publisher_removal(storage: Storage, uploads: Uploads, live: LiveUpdates) -> PublisherRemoval:
    """Build what deletes the drafts of a removed publisher."""
    return PublisherRemoval(
        requests=storage.requests, titles=storage.titles, uploads=uploads, live=live, clock=system_clock
    )
