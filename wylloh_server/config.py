"""Frozen settings: one TOML file, `WYLLOH_*` environment variables on top.

A variable names section and key with two underscores between: `WYLLOH_SERVER__PORT=8080`.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal
from urllib.parse import urlsplit

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, PrivateAttr, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from wylloh_server.domain.errors import InvalidValue, SettingsError
from wylloh_server.domain.plugin_record import PluginIsolation  # noqa: TC001 - pydantic reads the annotation
from wylloh_server.settings_errors import explained, refuse_unknown_variables

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_FROZEN = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)


def _expanded(path: Path) -> Path:
    return path.expanduser().absolute()


def _origin(url: str) -> str:
    text = url.rstrip("/")
    return _web_address(text) if text else ""


def _web_address(url: str) -> str:
    if not url.startswith(("http://", "https://")):
        raise ValueError("must begin with http:// or https://")
    return url


def _each_once(urls: tuple[str, ...]) -> tuple[str, ...]:
    first: dict[tuple[object, ...], int] = {}
    for number, url in enumerate(urls, 1):
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        earlier = first.setdefault((parts.hostname, port, parts.path.rstrip("/"), parts.query), number)
        if earlier != number:
            # The address itself may carry a key, so it is not repeated.
            raise ValueError(f"must name each node once: address {number} is address {earlier} again")
    return urls


def _cors_origin(text: str) -> str:
    return text if text == "*" else _origin(text)


def _link(text: str) -> str:
    if text and not re.match(r"https?://|/(?![/\\])", text):
        raise ValueError("must be a path on this server, or begin with http:// or https://")
    return text


def _address(text: str) -> str:
    if text and not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError("must be an address: 0x and 40 hexadecimal digits")
    from wylloh_server.typed_address import check_capitals  # noqa: PLC0415 - keccak takes long to load

    try:
        check_capitals(text)
    except InvalidValue as error:
        raise ValueError(f"must be an address: {error.explained}") from error
    return text


HomePath = Annotated[Path, AfterValidator(_expanded)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
WebAddresses = Annotated[tuple[WebAddress, ...], AfterValidator(_each_once)]
Link = Annotated[str, AfterValidator(_link)]
Origin = Annotated[str, AfterValidator(_origin)]
CorsOrigin = Annotated[str, AfterValidator(_cors_origin)]
Address = Annotated[str, AfterValidator(_address)]


class ServerSettings(BaseModel):
    """Where the server listens and what it is called."""

    model_config = _FROZEN

    host: str = "0.0.0.0"  # noqa: S104 - a home server is there for the other devices at home
    """Address to listen on; 127.0.0.1 keeps the server to this machine."""
    port: int = Field(default=8484, ge=0, le=65535)
    """Port to listen on; 0 lets the system choose."""
    name: str = Field(default="Wylloh", min_length=1, max_length=60)
    """What the server is called on the LAN and on its pages."""
    public_url: Origin = ""
    """The address people open. Empty: this machine's LAN address and port."""
    other_urls: tuple[Origin, ...] = ()
    """Further addresses under which the same server is opened, for example http://wylloh.local:8484."""
    trusted_proxies: tuple[str, ...] = ()
    """Addresses of reverse proxies whose X-Forwarded-* headers are believed."""
    admit: Literal["known", "anyone"] = "known"
    """Whose wallets may sign in: those the owner has added on the admin page, or anyone's."""
    data: HomePath = Field(default=Path("~/.local/share/wylloh"), validate_default=True)
    """Folder for everything the server keeps."""


class SessionSettings(BaseModel):
    """How long people stay signed in, and from where TVs are let in."""

    model_config = _FROZEN

    browser_days: float = Field(default=30, gt=0)
    """After how many days a browser has to sign in anew, however much it is used; unused, after 7 at most."""
    tv_days: float = Field(default=365, gt=0)
    """After how many days a TV has to be paired anew, however much it is used; unused, after 180 at most."""
    tvs: Literal["anywhere", "local"] = "anywhere"
    """Where TVs may ask to be let in: anywhere, or only at private addresses (not by an unnamed proxy)."""


class LibrarySettings(BaseModel):
    """Which films are here."""

    model_config = _FROZEN

    folders: tuple[HomePath, ...] = ()
    """Folders with films of your own, without tokens."""
    pull: Literal["held", "all"] = "held"
    """Which packages to fetch: of films an account here holds, or of every film on the contract."""
    given: Literal["ask", "fetch"] = "ask"
    """Films whose tokens somebody here was sent, but has not bought: ask the owner first, or fetch them."""
    former_days: float = Field(default=7, ge=0)
    """How long each package of a film stays after a newer one has taken its place, to go back to it."""
    scan_seconds: float = Field(default=30, gt=0)
    """How often to look into the folders for new films, changed ones and such that are gone."""


_LEAST_BLOCK_AGE, _BLOCKS_MISSED = 60.0, 5
"""When the newest block of a node is too old: seconds at least, and blocks that it has missed."""


class ChainSettings(BaseModel):
    """The chain and contract on which films are registered."""

    model_config = _FROZEN

    rpc: WebAddresses = ()
    """JSON-RPC addresses of different nodes, first choice first. Empty: no chain, films from folders only."""
    quorum: int = Field(default=2, ge=1)
    """How many of them must agree on who holds what; all of them where there are fewer."""
    id: int = Field(default=1, ge=1)
    """The EIP-155 chain id every RPC must report."""
    contract: Address = ""
    """Address of the FilmRegistry contract."""
    start_block: int = Field(default=0, ge=0)
    """Block in which the first of the contracts was created; reading begins there."""
    block_seconds: float = Field(default=12, gt=0)
    """The chain's usual time between two blocks."""
    max_block_age: float | None = Field(default=None, ge=0)
    """Seconds that the newest block may be old; a node with an older one has stopped following the chain and
    is not asked. Default: five times block_seconds, at least 60. 0: no limit, only for a private chain that
    makes a block when there is something to put into it."""
    poll_seconds: float = Field(default=12, gt=0)
    """How often to look for new blocks, and for new films in them."""
    store: Address = ""
    """Address of the FilmStore contract. Empty: nothing is sold here."""
    splitters: Address = ""
    """Address of the RoyaltySplitterFactory contract. Empty: only splitters that films name are read."""
    trusted_contracts: dict[str, Address] = Field(default_factory=dict)
    """Further contracts, by the name that people read, which plugins may have wallets call and allow to take
    coins and tokens. Those above are known anyway."""
    explorer: str = ""
    """Address of a block's page in a block explorer, with {block} in it. Empty: no such links."""
    name: str = Field(default="", max_length=60)
    """What the chain is called where a wallet has to switch to it. Empty: its number."""
    wallet_rpc: Origin = ""
    """RPC address for wallets that do not know the chain; everybody sees it. Empty: people add it."""
    store_url: Link = ""
    """Where people get tokens, shown with a refusal: an address, or a path on this server."""

    @property
    def block_age_limit(self) -> float | None:
        """Seconds that the newest block may be old; None without a limit."""
        if self.max_block_age is None:
            return max(_LEAST_BLOCK_AGE, _BLOCKS_MISSED * self.block_seconds)
        return self.max_block_age or None


class IpfsSettings(BaseModel):
    """Where packages come from and how much of them is kept."""

    model_config = _FROZEN

    gateways: tuple[WebAddress, ...] = ()
    """Trustless gateways, first choice first. Another Wylloh server is one."""
    store_gb: float = Field(default=500, gt=0)
    """Most gigabytes of blocks to keep; unpinned ones go first."""
    introduction_gb: float = Field(default=1, ge=0)
    """Most gigabytes of words and pictures to keep of one publisher's films that nobody here has fetched."""
    serve: Literal["everyone", "lan", "nobody"] = "everyone"
    """Who may fetch the blocks of packages that are here: everyone, private addresses only, or nobody."""
    serve_streams: int = Field(default=16, ge=1)
    """Most packages to stream to others at once, and sixteen times as many single blocks.

    A quarter is kept for the local network. Of the rest one home gets four packages at most, and a site, such
    as a /48 of IPv6, no more than half.
    """
    serve_mb_per_second: float = Field(default=0, ge=0)
    """Most megabytes a second to send to others, outside the local network; 0 for as many as there are.

    Homes take turns; one that asks for more than a few seconds ahead is told to come again.
    """
    browser_origins: tuple[CorsOrigin, ...] = ()
    """Web sites whose pages may read blocks from here; "*" for all. Other servers need no entry."""
    node_rpc: str = ""
    """RPC address of an IPFS node that pins what you publish, for example /ip4/127.0.0.1/tcp/5001."""


class PlaybackSettings(BaseModel):
    """How films are played."""

    model_config = _FROZEN

    ffmpeg: str = ""
    """Path of ffmpeg. Empty: the one on PATH, else the one shipped with this server."""
    lease_seconds: float = Field(default=60, ge=1)
    """How often the right to watch is checked again while a film plays."""
    cache_gb: float = Field(default=50, gt=0)
    """Most gigabytes of (encrypted) segments to keep."""
    encoders: int = Field(default=0, ge=0, le=64)
    """How many renditions are made at once. 0: one for each processor, at least two."""
    make_ahead: bool = False
    """Whether a film that somebody plays is made ready in full, in every rendition, when nobody waits.
    Otherwise only what is watched is made, and what an admin asks for on the film's page."""
    remote_mbit: float = Field(default=0, ge=0)
    """Most megabits a second of picture for players outside of the local network. 0: no limit."""
    remote_height: int = Field(default=0, ge=0)
    """Highest picture for players outside of the local network, such as 720. 0: no limit."""
    receipt_days: float = Field(default=365, gt=0)
    """How long decision receipts are kept: who was allowed to watch what, or not, and why."""


class CustodySettings(BaseModel):
    """How this server keeps and releases keys of the films it published, and where it asks for others."""

    model_config = _FROZEN

    home_days: float = Field(default=30, gt=0)
    """How long an envelope for personal viewing lasts."""
    servers: int = Field(default=5, ge=1)
    """On how many servers a wallet may have a film's key within 90 days."""
    confirmations: int = Field(default=5, ge=0, le=100)
    """Blocks for which tokens must have been held before a key is released for them, so that neither a loan
    for one block nor a reorganisation gives a key."""
    ask_local: bool = False
    """Whether custodians on this machine and on the local network are asked for keys. Whoever publishes a
    film writes its custodians' addresses; without this none of them leads to your other devices."""


class PublishingSettings(BaseModel):
    """What publishers may take of this server's disk."""

    model_config = _FROZEN

    quota_gb: float = Field(default=500, gt=0)
    """Most gigabytes that the files of one publisher may take; the owner has no such bound."""
    upload_days: float = Field(default=7, gt=0)
    """After how many days an upload that nobody goes on with is deleted."""


class PluginSettings(BaseModel):
    """Which plugins run, and their own settings."""

    model_config = _FROZEN

    path: tuple[HomePath, ...] = ()
    """Folders to load further plugins from."""
    disabled: tuple[str, ...] = ()
    """Names of plugins not to load."""
    isolation: dict[str, PluginIsolation] = Field(default_factory=dict)
    """Where a plugin's code runs, by its name: in a thread of the server, or in a process of its own, which
    can neither end the server nor read its keys. Without an entry, plugins that come with the server run in
    threads and all others in processes."""
    memory_mb: int = Field(default=1024, ge=128)
    """Most megabytes of memory of a plugin in a process of its own."""
    timeout_seconds: float = Field(default=2, gt=0)
    """How long a plugin may take to answer while somebody waits; for a page of its own five times as long."""
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Each plugin's own settings: [plugins.settings.<name>]."""


class ThemeSettings(BaseModel):
    """What the pages look like."""

    model_config = _FROZEN

    name: str = "default"
    """The theme: default, light, or the name of a folder in one of `theme.path`."""
    path: tuple[HomePath, ...] = ()
    """Folders that hold themes of your own, each a folder with a theme.toml."""


class LanSettings(BaseModel):
    """How the server shows itself on the local network."""

    model_config = _FROZEN

    announce: bool = True
    """Announce the server by zeroconf (mDNS)."""


class DatabaseSettings(BaseModel):
    """Where the server remembers."""

    model_config = _FROZEN

    url: str = ""
    """SQLAlchemy address. Empty: a SQLite file in the data folder. PostgreSQL: postgresql://…"""


class _Variables(EnvSettingsSource):
    """The environment. A list that is no JSON is left as it is: it is refused later, by its name."""

    def decode_complex_value(self, field_name: str, field: FieldInfo, value: Any) -> Any:
        """Read a list, a table or a section."""
        try:
            return super().decode_complex_value(field_name, field, value)
        except json.JSONDecodeError:
            return value


class Settings(BaseSettings):
    """All settings, by section."""

    model_config = SettingsConfigDict(
        frozen=True,
        extra="forbid",
        env_prefix="WYLLOH_",
        env_nested_delimiter="__",
        nested_model_default_partial_update=True,
    )

    server: ServerSettings = ServerSettings()
    sessions: SessionSettings = SessionSettings()
    library: LibrarySettings = LibrarySettings()
    chain: ChainSettings = ChainSettings()
    ipfs: IpfsSettings = IpfsSettings()
    playback: PlaybackSettings = PlaybackSettings()
    custody: CustodySettings = CustodySettings()
    publishing: PublishingSettings = PublishingSettings()
    plugins: PluginSettings = PluginSettings()
    theme: ThemeSettings = ThemeSettings()
    lan: LanSettings = LanSettings()
    database: DatabaseSettings = DatabaseSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Return the sources: the environment precedes the file, whose values arrive as init arguments."""
        del env_settings, dotenv_settings, file_secret_settings
        return _Variables(settings_cls), init_settings

    _file: Path | None = PrivateAttr(None)

    @property
    def file(self) -> Path | None:
        """The settings file; None where there is only the environment."""
        return self._file

    @property
    def database_url(self) -> str:
        """The database's address: by default that of the SQLite file `wylloh.sqlite3` in the data folder."""
        return self.database.url or f"sqlite+aiosqlite:///{self.server.data / 'wylloh.sqlite3'}"


def load_settings(file: Path | None) -> Settings:
    """Read the settings file, if any, and the environment.

    Raises:
        SettingsError: one line that names key, file and the nearest valid key.
    """
    values = _read(file) if file else {}
    where = str(file) if file else "the environment"
    refuse_unknown_variables(Settings)
    try:
        settings = Settings(**values)
    except ValidationError as error:
        raise explained(error, Settings, where) from None
    settings._file = file  # noqa: SLF001 - a private attribute is not read from the file itself
    return settings


def _read(file: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(file.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(
            f"{file} is not valid TOML: {error}", fix="Mend that line and start again."
        ) from None
    except UnicodeDecodeError:
        raise SettingsError(f"{file} is not UTF-8 text", fix="Save it as UTF-8.") from None
    except OSError as error:
        raise SettingsError(f"cannot read {file}: {error.strerror}", fix="Check --config.") from None
