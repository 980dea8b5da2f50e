"""Frozen settings: one TOML file, `WYLLOH_*` environment variables on top.

A variable names section and key with two underscores between: `WYLLOH_SERVER__PORT=8080`.
"""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from wylloh_server._settings_faults import explained, refuse_unknown_variables
from wylloh_server.domain.errors import SettingsError

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


def _link(text: str) -> str:
    if text and not re.match(r"https?://|/(?![/\\])", text):
        raise ValueError("must be a path on this server, or begin with http:// or https://")
    return text


def _address(text: str) -> str:
    if text and not re.fullmatch(r"0x[0-9a-fA-F]{40}", text):
        raise ValueError("must be an address: 0x and 40 hexadecimal digits")
    return text


HomePath = Annotated[Path, AfterValidator(_expanded)]
WebAddress = Annotated[str, AfterValidator(_web_address)]
Link = Annotated[str, AfterValidator(_link)]
Origin = Annotated[str, AfterValidator(_origin)]
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


class LibrarySettings(BaseModel):
    """Which films are here."""

    model_config = _FROZEN

    folders: tuple[HomePath, ...] = ()
    """Folders with films of your own, without tokens."""
    pull: Literal["held", "all"] = "held"
    """Which packages to fetch: of films an account here holds, or of every film on the contract."""


class ChainSettings(BaseModel):
    """The chain and contract on which films are registered."""

    model_config = _FROZEN

    rpc: tuple[WebAddress, ...] = ()
    """JSON-RPC addresses, first choice first. Empty: no chain, films from folders only."""
    id: int = Field(default=1, ge=1)
    """The EIP-155 chain id every RPC must report."""
    contract: Address = ""
    """Address of the FilmRegistry contract."""
    start_block: int = Field(default=0, ge=0)
    """Block in which the first of the contracts was created; reading begins there."""
    poll_seconds: float = Field(default=12, gt=0)
    """How often to look for new blocks, and for new films in them."""
    store: Address = ""
    """Address of the FilmStore contract. Empty: nothing is sold here."""
    splitters: Address = ""
    """Address of the RoyaltySplitterFactory contract. Empty: only splitters that films name are read."""
    explorer: str = ""
    """Address of a block's page in a block explorer, with {block} in it. Empty: no such links."""
    name: str = Field(default="", max_length=60)
    """What the chain is called where a wallet has to switch to it. Empty: its number."""
    wallet_rpc: Origin = ""
    """RPC address for wallets that do not know the chain; everybody sees it. Empty: people add it."""
    store_url: Link = ""
    """Where people get tokens, shown with a refusal: an address, or a path on this server."""


class IpfsSettings(BaseModel):
    """Where packages come from and how much of them is kept."""

    model_config = _FROZEN

    gateways: tuple[WebAddress, ...] = ()
    """Trustless gateways, first choice first. Another Wylloh server is one."""
    store_gb: float = Field(default=500, gt=0)
    """Most gigabytes of blocks to keep; unpinned ones go first."""
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


class CustodySettings(BaseModel):
    """How this server keeps and releases keys of the films it published."""

    model_config = _FROZEN

    home_days: float = Field(default=30, gt=0)
    """How long an envelope for personal viewing lasts."""


class PluginSettings(BaseModel):
    """Which plugins run, and their own settings."""

    model_config = _FROZEN

    path: tuple[HomePath, ...] = ()
    """Folders to load further plugins from."""
    disabled: tuple[str, ...] = ()
    """Names of plugins not to load."""
    timeout_seconds: float = Field(default=2, gt=0)
    """How long a plugin may take to answer while somebody waits."""
    settings: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Each plugin's own settings: [plugins.settings.<name>]."""


class LanSettings(BaseModel):
    """How the server shows itself on the local network."""

    model_config = _FROZEN

    announce: bool = True
    """Announce the server by zeroconf (mDNS)."""


class DatabaseSettings(BaseModel):
    """Where the server remembers."""

    model_config = _FROZEN

    url: str = ""
    """SQLAlchemy address. Empty: a SQLite file in the data folder. PostgreSQL: postgresql+asyncpg://…"""


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
    library: LibrarySettings = LibrarySettings()
    chain: ChainSettings = ChainSettings()
    ipfs: IpfsSettings = IpfsSettings()
    playback: PlaybackSettings = PlaybackSettings()
    custody: CustodySettings = CustodySettings()
    plugins: PluginSettings = PluginSettings()
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
        """Let the environment win over the file (whose values arrive as init arguments)."""
        del env_settings, dotenv_settings, file_secret_settings
        return _Variables(settings_cls), init_settings

    @property
    def database_url(self) -> str:
        """The database's address, the SQLite file by default."""
        return self.database.url or f"sqlite+aiosqlite:///{self.database_file}"

    @property
    def database_file(self) -> Path:
        """The SQLite file, where no other database is configured."""
        return self.server.data / "wylloh.sqlite3"


def load_settings(file: Path | None) -> Settings:
    """Read the settings file, if any, and the environment.

    Raises:
        SettingsError: one line that names key, file and the nearest valid key.
    """
    values = _read(file) if file else {}
    where = str(file) if file else "the environment"
    refuse_unknown_variables(Settings)
    try:
        return Settings(**values)
    except ValidationError as error:
        raise explained(error, Settings, where) from None


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
