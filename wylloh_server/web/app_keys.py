"""The typed keys of the application, and the services that handlers use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from wylloh_server.config import Settings
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.plugins import Dispatch, PluginRegistry
    from wylloh_server.services.accounts.access_removal import AccessRemoval
    from wylloh_server.services.accounts.device_pairing import DevicePairing
    from wylloh_server.services.accounts.sign_in import SignIn
    from wylloh_server.services.library.batch_actions import BatchActionService
    from wylloh_server.services.library.film_library import Library
    from wylloh_server.services.library.film_search import FilmSearch
    from wylloh_server.services.library.folder_scans import FolderScans
    from wylloh_server.services.library.group_service import GroupService
    from wylloh_server.services.library.missing_films import FilmRemoval
    from wylloh_server.services.library.posters import Posters
    from wylloh_server.services.library.trailers import Trailers
    from wylloh_server.services.licensing.custodian import CustodianService
    from wylloh_server.services.licensing.decisions import Licensing
    from wylloh_server.services.licensing.device_bindings import DeviceBindings
    from wylloh_server.services.licensing.envelope_client import EnvelopeClient
    from wylloh_server.services.licensing.package_switch import PackageSwitch
    from wylloh_server.services.licensing.revocation_delivery import RevocationDelivery
    from wylloh_server.services.operations.health import Health
    from wylloh_server.services.operations.live_updates import LiveUpdates
    from wylloh_server.services.operations.plugin_configuration import PluginConfiguration
    from wylloh_server.services.operations.recent_log import RecentLog
    from wylloh_server.services.operations.task_service import TaskService
    from wylloh_server.services.operations.unlisted_proxies import UnlistedProxies
    from wylloh_server.services.playback.film_storage import FilmStorage
    from wylloh_server.services.playback.playback_service import PlaybackService
    from wylloh_server.services.publishing.approvals import Approvals
    from wylloh_server.services.publishing.registration import Registration
    from wylloh_server.services.publishing.title_service import TitleService
    from wylloh_server.services.retrieval.fetch_consents import FetchConsents
    from wylloh_server.services.transactions.call_summary import CallSummaries
    from wylloh_server.services.transactions.transaction_service import TransactionService
    from wylloh_server.storage.accounts import AccountRepository
    from wylloh_server.storage.film_versions import FilmVersionRepository
    from wylloh_server.storage.positions import PositionRepository
    from wylloh_server.storage.preferences import PlayerPreferencesRepository
    from wylloh_server.storage.receipts import ReceiptRepository
    from wylloh_server.storage.sessions import SessionRepository
    from wylloh_server.storage.stacks import StackRepository
    from wylloh_server.storage.terms_of_use import TermsOfUseRepository


@dataclass(frozen=True, slots=True)
class Services:
    """The services of a running server, as handlers use them. The composition root starts them."""

    accounts: AccountRepository
    approvals: Approvals
    batch: BatchActionService
    bindings: DeviceBindings
    consents: FetchConsents
    custodian: CustodianService
    envelopes: EnvelopeClient
    film_storage: FilmStorage
    folder_scans: FolderScans
    groups: GroupService
    health: Health
    library: Library
    licensing: Licensing
    packages: Packages
    package_switch: PackageSwitch
    pairing: DevicePairing
    playback: PlaybackService
    plugin_configuration: PluginConfiguration
    positions: PositionRepository
    preferences: PlayerPreferencesRepository
    posters: Posters
    receipts: ReceiptRepository
    access_removal: AccessRemoval
    registration: Registration
    film_removal: FilmRemoval
    revocation_delivery: RevocationDelivery
    search: FilmSearch
    sessions: SessionRepository
    sign_in: SignIn
    stacks: StackRepository
    tasks: TaskService
    terms_of_use: TermsOfUseRepository
    titles: TitleService
    trailers: Trailers
    summaries: CallSummaries
    transactions: TransactionService
    versions: FilmVersionRepository


SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
PLUGINS: web.AppKey[PluginRegistry] = web.AppKey("plugins")
DISPATCH: web.AppKey[Dispatch] = web.AppKey("dispatch")
LIVE: web.AppKey[LiveUpdates] = web.AppKey("live")
RECENT_LOG: web.AppKey[RecentLog] = web.AppKey("recent_log")
UNLISTED_PROXIES: web.AppKey[UnlistedProxies] = web.AppKey("unlisted_proxies")
DEVELOPING: web.AppKey[bool] = web.AppKey("developing")
SERVICES: web.AppKey[Services] = web.AppKey("services")
"""There from the end of the start on."""
