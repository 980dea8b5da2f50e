"""`wylloh backup`: keys and database in one sealed file, also while the server runs."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.backup_passphrase import VARIABLE, new_recovery_key, read_passphrase
from wylloh_server.cli.settings_option import with_settings

if TYPE_CHECKING:
    from wylloh_server.config import Settings


@click.command()
@click.argument("target", type=click.Path(path_type=Path), metavar="FILE")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File with the passphrase. Without it: ${VARIABLE}, else it is asked for.",
)
@click.option(
    "--new-recovery-key", "recovery", is_flag=True, help="Make a recovery key, print it, and use it."
)
@with_settings
def command(settings: Settings, target: Path, passphrase_file: Path | None, *, recovery: bool) -> None:
    """Write keys and database into one sealed file.

    FILE must not exist yet; in a folder the file gets a name with date and time. The server may be running.
    Whoever has the file and its passphrase or recovery key has the films: keep both, and not together.
    A key store with a passphrase of its own needs that too, from where the server takes it.
    """
    from wylloh_server.app import create_backup

    if target.is_dir():
        target /= f"wylloh-{time.strftime('%Y-%m-%dT%H%M%S')}.backup"
    passphrase = new_recovery_key() if recovery else read_passphrase(passphrase_file, confirm=True)
    summary = create_backup(settings, target, passphrase)
    if recovery:
        click.echo(f"Recovery key: {passphrase}\nWrite it down. Without it the file cannot be opened.")
    for name in summary.unreadable:
        click.echo(f"The entry {name!r} of the key store does not open; it was copied as it is.", err=True)
    click.echo(f"Backed up {len(summary.keys)} files of the key store and the database to {target}.")
