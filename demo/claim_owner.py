"""The demo's owner: claims the holder's server with the demo wallet, the way a person would on the page."""

from __future__ import annotations

import http.cookiejar
import json
import urllib.error
import urllib.request
from typing import TYPE_CHECKING, Any

from wylloh_server.domain.errors import SignInRefused

if TYPE_CHECKING:
    from eth_account.signers.local import LocalAccount


def claim(url: str, origin: str, wallet: LocalAccount, code: str, publisher: str) -> None:
    """Sign in, become the owner, let the server keep the wallet's keys, say who publishes here, and sign out.

    Raises:
        SignInRefused: the server said no.
    """
    browser = _Browser(url, origin)
    browser.get("/sign-in")
    asked = browser.post("/api/sign-in/challenge", {"wallet": wallet.address})
    proof = {"signature": _signed(wallet, asked["message"]), "claim_code": code}
    binding = browser.post("/api/sign-in/answer", proof)["binding"]
    if binding:
        browser.post("/api/binding", {"signature": _signed(wallet, binding["message"])})
    browser.post("/api/admin/accounts", {"wallet": publisher, "role": "publisher"})
    browser.post("/api/sign-out", {})


class _Browser:
    """Just enough of one: cookies, JSON and an origin."""

    def __init__(self, url: str, origin: str) -> None:
        self._url = url
        self._headers = {"Content-Type": "application/json", "Origin": origin}
        cookies = urllib.request.HTTPCookieProcessor(http.cookiejar.CookieJar())
        self._opener = urllib.request.build_opener(cookies)

    def get(self, path: str) -> None:
        """Open a page."""
        self._opener.open(self._url + path, timeout=10).close()

    def post(self, path: str, body: dict[str, Any]) -> Any:
        """Send JSON."""
        request = urllib.request.Request(self._url + path, json.dumps(body).encode(), self._headers)  # noqa: S310 - our own server on loopback
        try:
            with self._opener.open(request, timeout=20) as reply:
                return json.load(reply)
        except urllib.error.HTTPError as error:
            raise SignInRefused(
                f"the server refused the demo wallet: {error.read().decode()[:300]}"
            ) from None


def _signed(wallet: LocalAccount, text: str) -> str:
    from eth_account.messages import encode_defunct

    return "0x" + bytes(wallet.sign_message(encode_defunct(text=text)).signature).hex()
