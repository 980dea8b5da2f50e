"""What the server says in the terminal: its address, a QR for the phone, the claim code."""

from __future__ import annotations

import io
import sys
from typing import TYPE_CHECKING

import click
import segno

if TYPE_CHECKING:
    from wylloh_server.config import Settings


def show_address(name: str, url: str) -> None:
    """Print where the server is, with a QR code when somebody is looking."""
    click.echo(f"\n{name} is at {click.style(url, bold=True)}")
    if sys.stdout.isatty():
        click.echo(qr_text(url))
        click.echo("To pair a phone, scan this. On a TV, open the same address with /tv at its end.\n")


def show_claim_code(url: str, code: str) -> None:
    """Print the code that makes its reader the owner."""
    click.echo("\nThis server has no owner yet. Whoever signs in with this code becomes its owner:")
    click.echo(f"\n    {click.style(code, bold=True)}\n")
    click.echo(f"Open {url}/sign-in?claim={code}")


def show_developer_sign_in(settings: Settings, key: str) -> None:
    """Print the link that signs in without a wallet, where the server is for this machine alone."""
    from wylloh_server.web.development_sign_in import PATH, can_sign_in

    if can_sign_in(settings.server):
        click.echo(f"\nSign in without a wallet: {settings.server.public_url}{PATH}?key={key}\n")
    else:
        click.echo('\nTo sign in without a wallet, set server.host = "127.0.0.1" and no public address.\n')


def qr_text(url: str) -> str:
    """Draw a QR code with half blocks, dark on light so that it scans on black terminals too."""
    drawing = io.StringIO()
    segno.make(url, error="m").terminal(out=drawing, border=2, compact=True)
    return drawing.getvalue()
