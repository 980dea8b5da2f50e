"""Opens a publisher's key for one command. Only the CLI may import this; the running server holds no key."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from eth_account import Account

from wylloh_server.domain.errors import InvalidValue

if TYPE_CHECKING:
    from pathlib import Path

    from eth_account.signers.local import LocalAccount


async def load_keystore(path: Path, password: str) -> LocalAccount:
    """Open an Ethereum key store file, version 3 (as geth, MyCrypto and Foundry write it).

    Its scrypt takes about a second, in a thread.

    Raises:
        InvalidValue: the file cannot be read, is no such key store, or the password does not open it.
    """
    return await asyncio.to_thread(_load, path, password)


def _load(path: Path, password: str) -> LocalAccount:
    try:
        account: LocalAccount = Account.from_key(Account.decrypt(path.read_text(encoding="utf-8"), password))
    except OSError as error:
        message = f"the key store file {path} cannot be read: {error.strerror}"
        raise InvalidValue(message, fix="Check the path and its permissions.") from None
    except ValueError as error:
        if "MAC" in str(error):
            raise InvalidValue(f"the password does not open {path}", fix="Type it again.") from None
        raise _not_a_keystore(path) from None
    except (TypeError, KeyError, AttributeError, RuntimeError):
        raise _not_a_keystore(path) from None
    return account


def _not_a_keystore(path: Path) -> InvalidValue:
    return InvalidValue(
        f"{path} is not an Ethereum key store file (version 3)",
        fix="Export the account as a JSON key store from your wallet, or make one with geth account new.",
    )
