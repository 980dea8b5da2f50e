"""A public value that fixes a content key without telling it.

The encryption of a film does not do this by itself: AES-GCM is not key-committing, so that a ciphertext may
open under two keys (Albertini et al., "How to Abuse and Fix Authenticated Encryption Without Key Commitment",
USENIX Security 2022, https://eprint.iacr.org/2020/1456). The remedy given there is used: a second value is
derived from the key by a collision-resistant pseudorandom function, and published. Here the function is
HMAC-SHA256 (RFC 2104) over a fixed domain-separation string and the token. Two 32-byte keys with one value
would be a collision of SHA-256; and as the key is 32 random bytes that nothing else uses under this string,
the value tells no more about it than that.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from wylloh_server.domain.types import ContentKey, TokenReference

_DOMAIN = "wylloh-key-commitment-v1"


def key_commitment(key: ContentKey, token: TokenReference) -> str:
    """Return the commitment to a film's content key, 64 hexadecimal digits in lower case."""
    return hmac.new(key, f"{_DOMAIN}|{token}".encode(), hashlib.sha256).hexdigest()


def fits_commitment(key: ContentKey, token: TokenReference, commitment: str) -> bool:
    """Return whether a commitment is that of this key. It is compared in constant time."""
    return hmac.compare_digest(key_commitment(key, token), commitment)
