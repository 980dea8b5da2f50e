"""The command `wylloh`. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import errno
import sys
from contextlib import contextmanager
from importlib import import_module
from typing import TYPE_CHECKING

import click

from wylloh_server import __version__
from wylloh_server.domain.errors import WyllohError

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Any, NoReturn

_COMMANDS = {
    "backup": ("backup_command", "Write keys and database into one sealed file."),
    "doctor": ("doctor", "Check ffmpeg, chain, gateways, clock, disk, folders, films, keys and backup."),
    "film": ("film_commands", "Publish, pull and list films."),
    "owner": ("owner_commands", "Show who owns this server, or make another wallet its owner."),
    "plugin": ("plugin", "Write, check, install and look after plugins."),
    "registry": ("registry_commands", "Put the contracts on a chain, let publishers in, mint tokens."),
    "restore": ("restore_command", "Put a backup into an empty data folder."),
    "serve": ("serve", "Run the server."),
}


class _LazyGroup(click.Group):
    """Finds a command's module only when the command is used."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Name the commands."""
        del ctx
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import one command."""
        del ctx
        if cmd_name not in _COMMANDS:
            return None
        command: click.Command = import_module(f"wylloh_server.cli.{_COMMANDS[cmd_name][0]}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the commands without importing any."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, help_text) for name, (_, help_text) in _COMMANDS.items()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command, with errors explained."""
        with explained_errors():
            return super().invoke(ctx)


@contextmanager
def explained_errors() -> Iterator[None]:
    """Print an error of the product in two lines and exit, instead of a stack trace."""
    try:
        yield
    except WyllohError as error:
        _give_up(str(error), error.fix)
    except OSError as error:
        if error.errno == errno.EPIPE:  # the reader of our output has gone; click ends quietly
            raise
        _give_up(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))


def _give_up(what: str, fix: str = "") -> NoReturn:
    """Print what went wrong and how to fix it, and exit with status 1."""
    click.echo(f"wylloh: {what}", err=True)
    if fix:
        click.echo(f"        {fix}", err=True)
    sys.exit(1)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wylloh")
def main() -> None:
    """Run and look after a media server for film tokens."""
