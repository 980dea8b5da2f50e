"""Keys and ciphers: film encryption, HLS segments, licence envelopes, and the key store."""

from __future__ import annotations

from wylloh_server.adapters.crypto._segments import StreamParameters
from wylloh_server.adapters.crypto.hls import HlsSegmentCipher, load_segment_cipher
from wylloh_server.adapters.crypto.keystore import EncryptedKeyStore, open_key_store
from wylloh_server.adapters.crypto.server_keys import HeldServerKeys, load_server_keys, made_once
from wylloh_server.adapters.crypto.streaming import TinkFilmCipher

__all__ = [
    "EncryptedKeyStore",
    "HeldServerKeys",
    "HlsSegmentCipher",
    "StreamParameters",
    "TinkFilmCipher",
    "load_segment_cipher",
    "load_server_keys",
    "made_once",
    "open_key_store",
]
