"""What handlers may reach, each part under its own typed key. The composition root fills them in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

if TYPE_CHECKING:
    from wylloh_server.config import Settings
    from wylloh_server.domain.ports.content import Packages
    from wylloh_server.domain.ports.storage import Accounts, Positions
    from wylloh_server.hooks import PluginRegistry
    from wylloh_server.services.approvals import Approvals
    from wylloh_server.services.batch import BatchDesk
    from wylloh_server.services.custody import Custody
    from wylloh_server.services.devices import Pairing
    from wylloh_server.services.envelopes import EnvelopeDesk
    from wylloh_server.services.groups import GroupDesk
    from wylloh_server.services.health import Health
    from wylloh_server.services.library import Library
    from wylloh_server.services.licensing import Licensing
    from wylloh_server.services.live import Live
    from wylloh_server.services.playback import Playback
    from wylloh_server.services.posters import Posters
    from wylloh_server.services.signin import SignIn
    from wylloh_server.services.task_board import TaskBoard
    from wylloh_server.services.titles import TitleDesk
    from wylloh_server.services.tokenising import Tokenising
    from wylloh_server.services.transactions import TransactionDesk

SETTINGS: web.AppKey[Settings] = web.AppKey("settings")
SIGN_IN: web.AppKey[SignIn] = web.AppKey("sign_in")
PAIRING: web.AppKey[Pairing] = web.AppKey("pairing")
LIBRARY: web.AppKey[Library] = web.AppKey("library")
LICENSING: web.AppKey[Licensing] = web.AppKey("licensing")
ENVELOPES: web.AppKey[EnvelopeDesk] = web.AppKey("envelopes")
PLAYBACK: web.AppKey[Playback] = web.AppKey("playback")
POSTERS: web.AppKey[Posters] = web.AppKey("posters")
CUSTODY: web.AppKey[Custody] = web.AppKey("custody")
PACKAGES: web.AppKey[Packages] = web.AppKey("packages")
HEALTH: web.AppKey[Health] = web.AppKey("health")
ACCOUNTS: web.AppKey[Accounts] = web.AppKey("accounts")
POSITIONS: web.AppKey[Positions] = web.AppKey("positions")
PLUGINS: web.AppKey[PluginRegistry] = web.AppKey("plugins")
DEVELOPING: web.AppKey[bool] = web.AppKey("developing")
LIVE: web.AppKey[Live] = web.AppKey("live")
TRANSACTIONS: web.AppKey[TransactionDesk] = web.AppKey("transactions")
TASKS: web.AppKey[TaskBoard] = web.AppKey("tasks")
BATCH: web.AppKey[BatchDesk] = web.AppKey("batch")
TITLES: web.AppKey[TitleDesk] = web.AppKey("titles")
APPROVALS: web.AppKey[Approvals] = web.AppKey("approvals")
TOKENISING: web.AppKey[Tokenising] = web.AppKey("tokenising")
GROUPS: web.AppKey[GroupDesk] = web.AppKey("groups")
