"""`wylloh restore`: a backup put into an empty data folder, once all of it was checked."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.backup_passphrase import VARIABLE, read_passphrase
from wylloh_server.cli.settings_option import with_settings

if TYPE_CHECKING:
    from wylloh_server.config import Settings


@click.command()
@click.argument("source", type=click.Path(path_type=Path, exists=True, dir_okay=False), metavar="FILE")
@click.option(
    "--passphrase-file",
    type=click.Path(path_type=Path, exists=True, dir_okay=False),
    help=f"File with the passphrase or recovery key. Without it: ${VARIABLE}, else it is asked for.",
)
@click.option("--check", is_flag=True, help="Only check that the backup can be restored; change nothing.")
@with_settings
def command(settings: Settings, source: Path, passphrase_file: Path | None, *, check: bool) -> None:
    """Put a backup into the empty data folder that the settings name.

    All of it is checked before anything is written. A key store with a passphrase of its own needs that too:
    from WYLLOH_PASSPHRASE, the file named in WYLLOH_PASSPHRASE_FILE, or the systemd credential
    wylloh-passphrase. Nobody is signed in afterwards.
    """
    from wylloh_server.app import restore_backup

    passphrase = read_passphrase(passphrase_file, confirm=False)
    summary = restore_backup(settings, source, passphrase, check_only=check)
    what = f"the backup of {time.strftime('%Y-%m-%d %H:%M', time.localtime(summary.created))}"
    if check:
        click.echo(f"{what.capitalize()} can be restored.")
    else:
        click.echo(f"Restored {what} to {settings.server.data}. Now start the server and sign in.")
