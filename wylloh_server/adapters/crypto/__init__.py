"""Keys and ciphers: film encryption, HLS segments, licence envelopes, and the key store."""

from __future__ import annotations

from wylloh_server.adapters.crypto.aead_segments import StreamParameters
from wylloh_server.adapters.crypto.hls_cipher import HlsSegmentCipher, load_segment_cipher
from wylloh_server.adapters.crypto.secret_store import EncryptedKeyStore, damaged_entries, open_key_store
from wylloh_server.adapters.crypto.server_keys import StoredServerKeys, get_or_create, load_server_keys
from wylloh_server.adapters.crypto.streaming_aead import TinkFilmCipher

__all__ = [
    "EncryptedKeyStore",
    "HlsSegmentCipher",
    "StoredServerKeys",
    "StreamParameters",
    "TinkFilmCipher",
    "damaged_entries",
    "get_or_create",
    "load_segment_cipher",
    "load_server_keys",
    "open_key_store",
]
