"""Addresses of this server's pages for a phone, which a TV shows as text and as a QR code."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import segno
from markupsafe import Markup

from wylloh_server.domain.access import DeviceKind
from wylloh_server.web.app_keys import SETTINGS
from wylloh_server.web.session import viewer_of

if TYPE_CHECKING:
    from aiohttp import web


@dataclass(frozen=True, slots=True)
class PhoneLink:
    """A page for a phone: its address as one types it, and its QR code as SVG."""

    address: str
    qr: Markup


def phone_link(request: web.Request, path: str) -> PhoneLink | None:
    """Return the link to a page that does what a TV cannot do; None unless a TV asks."""
    viewer = viewer_of(request)
    if viewer is None or viewer.kind is not DeviceKind.TV:
        return None
    url = public_address(request, path)
    return PhoneLink(url.partition("://")[2], qr_code(url))


def public_address(request: web.Request, path: str) -> str:
    """Return the address at which other devices reach a path of this server."""
    return (request.app[SETTINGS].server.public_url or f"{request.scheme}://{request.host}") + path


def qr_code(url: str) -> Markup:
    """Return the QR code of an address: an SVG element that fills its container."""
    # What segno draws holds numbers only, nothing of the address.
    return Markup(segno.make(url, error="m", micro=False).svg_inline(border=2, omitsize=True, light="#fff"))  # noqa: S704
