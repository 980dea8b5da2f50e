"""The command `wylloh`. Each command imports what it needs when it runs, so that `--help` is quick."""

from __future__ import annotations

import errno
import sys
from importlib import import_module
from typing import TYPE_CHECKING

import click

from wylloh_server import __version__
from wylloh_server.domain.errors import WyllohError

if TYPE_CHECKING:
    from typing import Any, NoReturn

_COMMANDS = {
    "demo": ("demo", "See everything work on this machine: chain, publisher, holder, six films."),
    "doctor": ("doctor", "Check ffmpeg, chain, gateways, clock, disk, folders and films."),
    "film": ("film", "Publish, pull and list films."),
    "plugin": ("plugin", "Write, check, install and look after plugins."),
    "registry": ("registry", "Put the contracts on a chain, let publishers in, mint tokens."),
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
        """Run a command; an error of ours is two lines for a person, never a stack trace."""
        try:
            return super().invoke(ctx)
        except WyllohError as error:
            _give_up(str(error), error.fix)
        except OSError as error:
            if error.errno == errno.EPIPE:  # whoever read our output has gone; click ends quietly
                raise
            _give_up(": ".join(str(part) for part in (error.filename, error.strerror or error) if part))


def _give_up(what: str, fix: str = "") -> NoReturn:
    """Say it in a line or two, and end."""
    click.echo(f"wylloh: {what}", err=True)
    if fix:
        click.echo(f"        {fix}", err=True)
    sys.exit(1)


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="wylloh")
def main() -> None:
    """Run and look after a media server for film tokens."""
