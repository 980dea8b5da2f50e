"""What a buyer agrees to beside coin and price, hashed as the store's contract hashes it.

The hash is computed from what the page shows, not asked from the contract: where they differ, nothing is
bought. It is the EIP-712 hash of the struct `SaleTerms`.
https://eips.ethereum.org/EIPS/eip-712#definition-of-hashstruct
"""

from __future__ import annotations

from dataclasses import astuple, dataclass

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from wylloh_server.sdk import SALE_TERMS_TYPEHASH, ZERO_ADDRESS, Wallet

_MEMBERS = (
    ("uint256", "chainId"),
    ("address", "store"),
    ("uint256", "tokenId"),
    ("uint256", "listingId"),
    ("address", "seller"),
    ("address", "payee"),
    ("address", "coin"),
    ("uint256", "feeBasisPoints"),
    ("address", "royaltyReceiver"),
    ("uint256", "royaltyBasisPoints"),
)


@dataclass(frozen=True, slots=True)
class SaleTerms:
    """Who gets which part of a purchase, and of what; in the order in which they are hashed.

    Attributes:
        listing: number of the holder's offer; 0 for the first sale.
        seller: the publisher on a first sale.
    """

    chain_id: int
    store: Wallet
    token_id: int
    listing: int
    seller: Wallet
    payee: Wallet
    coin: Wallet
    fee_basis_points: int
    royalty_receiver: Wallet = ZERO_ADDRESS
    royalty_basis_points: int = 0

    @property
    def hash(self) -> bytes:
        """The struct's EIP-712 hash."""
        return keccak(SALE_TERMS_TYPEHASH + encode([kind for kind, _ in _MEMBERS], astuple(self)))
