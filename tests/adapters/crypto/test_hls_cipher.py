from __future__ import annotations

import random
import shutil
import subprocess

import pytest

from wylloh_server.adapters.crypto import HlsSegmentCipher
from wylloh_server.domain.errors import SealBroken


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 100_000])
def test_openssl_reads_what_we_write(size, tmp_path):
    cipher = HlsSegmentCipher(bytes(32))
    key = cipher.key_for("film", "720p", 3)
    data = random.Random(size).randbytes(size)
    sealed = cipher.encrypt(data, key, 258)
    assert len(sealed) == (size // 16 + 1) * 16
    assert cipher.decrypt(sealed, key, 258) == data
    if openssl := shutil.which("openssl"):
        command = [openssl, "enc", "-d", "-aes-128-cbc", "-K", key.hex(), "-iv", f"{258:032x}"]
        assert subprocess.run(command, input=sealed, capture_output=True, check=True).stdout == data


def test_what_is_no_whole_segment_is_refused():
    cipher = HlsSegmentCipher(bytes(32))
    key = cipher.key_for("film", "720p", 0)
    with pytest.raises(SealBroken):
        cipher.decrypt(cipher.encrypt(b"picture", key, 1)[:-1], key, 1)
