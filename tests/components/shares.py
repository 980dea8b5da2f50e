"""What the royalty contracts should compute: an independent reference implementation."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from eth_abi.abi import encode
from eth_utils.crypto import keccak


def divided(amount: int, basis_points: Sequence[int]) -> list[int]:
    """Divide by largest remainder (Hamilton): ties go to the earlier one. Exact, by fractions."""
    exact = [Fraction(amount * share, 10_000) for share in basis_points]
    parts = [value.numerator // value.denominator for value in exact]
    by_remainder = sorted(range(len(exact)), key=lambda index: (parts[index] - exact[index], index))
    for index in by_remainder[: amount - sum(parts)]:
        parts[index] += 1
    return parts


def split_hash(accounts: Sequence[str], basis_points: Sequence[int]) -> bytes:
    """keccak256(abi.encode(Split)) as 0xSplits v2 computes it (SplitV2Lib.getHash)."""
    return keccak(
        encode(["(address[],uint256[],uint256,uint16)"], [(list(accounts), list(basis_points), 10_000, 0)])
    )
