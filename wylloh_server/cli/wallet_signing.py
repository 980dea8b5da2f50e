"""Signing with a key store file named for one command, or preparing for a wallet that is not here."""

from __future__ import annotations

import functools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from wylloh_server.cli.settings_option import with_settings
from wylloh_server.domain.errors import SettingsError
from wylloh_server.typed_address import parse_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from wylloh_server.adapters.chain import RpcPool
    from wylloh_server.adapters.chain.registry_calls import UnsignedTransaction
    from wylloh_server.adapters.chain.transaction_sender import Mined
    from wylloh_server.config import Settings

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@dataclass(frozen=True, slots=True)
class Signer:
    """Who signs: a key store file here, or a browser wallet elsewhere. Exactly one of the two is given."""

    keystore: Path | None
    password_file: Path | None
    wallet: str

    def __post_init__(self) -> None:
        """Refuse neither and both."""
        if bool(self.keystore) == bool(self.wallet):
            raise click.UsageError("Give either --keystore FILE, to sign here, or --wallet ADDRESS.")

    def password(self) -> str:
        """Read the key store's password, or ask for it."""
        if self.password_file is not None:
            return self.password_file.read_text(encoding="utf-8").rstrip("\r\n")
        return str(click.prompt("Password of the key store", hide_input=True, err=True))


def with_signer(command: Callable[..., Any]) -> Callable[..., Any]:
    """Return a command `--config` and the options of a signer, and hand it `settings` and a `signer`."""

    @click.option("--keystore", type=_FILE, help="Key store file (v3 JSON), read for this command only.")
    @click.option("--password-file", type=_FILE, help="Instead of typing the password.")
    @click.option("--wallet", default="", help="Prepare for this browser wallet instead of signing here.")
    @with_settings
    @functools.wraps(command)
    def wrapped(keystore: Path | None, password_file: Path | None, wallet: str, **arguments: Any) -> Any:
        return command(signer=Signer(keystore, password_file, wallet), **arguments)

    return wrapped


def need_chain(settings: Settings, *, contract: bool = True) -> None:
    """Make sure that a chain is configured.

    Raises:
        SettingsError: it is not.
    """
    if not settings.chain.rpc or (contract and not settings.chain.contract):
        raise SettingsError("this needs a chain", fix="Set chain.rpc, chain.id and chain.contract.")


def open_chain(settings: Settings, *, contract: bool = True) -> RpcPool:
    """Open the configured chain."""
    from wylloh_server.app.rpc import rpc_pool

    need_chain(settings, contract=contract)
    return rpc_pool(settings, contract=contract)


async def carry_out(
    pool: RpcPool, transaction: UnsignedTransaction, signer: Signer, password: str
) -> Mined | None:
    """Sign and send, and wait until it is mined; or print it for a browser wallet (None then).

    Raises:
        InvalidValue: the file is no key store, or the password is wrong.
        ChainError: the chain cannot be asked, or the contract refuses.
    """
    from wylloh_server.adapters.chain.eth_keyfile import load_keystore
    from wylloh_server.adapters.chain.transaction_sender import prepare, send

    if signer.keystore is not None:
        return await send(pool, transaction, await load_keystore(signer.keystore, password))
    prepared = await prepare(pool, transaction, parse_address(signer.wallet))
    click.echo("Let the wallet send this:\n", err=True)
    click.echo(json.dumps({"method": "eth_sendTransaction", "params": [prepared]}, indent=2))
    return None
