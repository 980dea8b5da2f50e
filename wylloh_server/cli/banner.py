"""What the server says in the terminal: its address, a QR for the phone, the claim code."""

from __future__ import annotations

import io
import sys

import click
import segno


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


def qr_text(url: str) -> str:
    """Draw a QR code with half blocks, dark on light so that it scans on black terminals too."""
    drawing = io.StringIO()
    segno.make(url, error="m").terminal(out=drawing, border=2, compact=True)
    return drawing.getvalue()
