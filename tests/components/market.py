"""A registry, a store and a coin on a development chain, with two films on sale: the stage of the store's tests."""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi.abi import encode
from eth_account import Account
from eth_utils.crypto import keccak

from tests.components.evm import UINT256_MAX, ZERO, Contract, Evm, Receipt, Reverted

CENT = 10_000
"""In the smallest unit of a coin with six decimals."""
DOLLAR = 100 * CENT
FEE = 250
ROYALTY = 500
STOCK = 400
FUNDS = 10_000 * DOLLAR
STEPS = [(1, 5 * DOLLAR), (10, 4 * DOLLAR), (100, 3 * DOLLAR)]

MAX_FEE = 1_000
FOREVER = UINT256_MAX
TERMS = (
    "SaleTerms(uint256 chainId,address store,uint256 tokenId,uint256 listingId,address seller,address payee,"
    "address coin,uint256 feeBasisPoints,address royaltyReceiver,uint256 royaltyBasisPoints)"
)

Agreement = tuple[str, int, int, bytes]
Offer = tuple[str, str, int, int, int, list[tuple[int, int]]]


@dataclass(frozen=True, slots=True)
class Market:
    """Everything on chain, and who is who among anvil's accounts.

    `owner` owns the store and publishes `film`. Of its 1,000 tokens 400 are in stock; `people` have coins and
    have let the store take them. `payee`, `fees` and `makers` get price, fee and royalty and begin with nothing.
    """

    chain: Evm
    registry: Contract
    store: Contract
    coin: Contract
    film: int

    @property
    def owner(self) -> str:
        return self.chain.accounts[0]

    @property
    def people(self) -> list[str]:
        return self.chain.accounts[1:5]

    @property
    def payee(self) -> str:
        return self.chain.accounts[5]

    @property
    def fees(self) -> str:
        return self.chain.accounts[6]

    @property
    def makers(self) -> str:
        return self.chain.accounts[7]

    @property
    def stranger(self) -> str:
        return self.chain.accounts[8]

    def offer(self, **changes) -> Offer:
        """The terms on which the film is sold, or others."""
        terms = {
            "payee": self.payee,
            "coin": self.coin.address,
            "presale_from": 0,
            "sale_from": 0,
            "presale_price": 0,
            "steps": STEPS,
        }
        return tuple((terms | changes).values())

    def set_offer(self, film: int, offer: Offer, *, max_fee: int = MAX_FEE, by: str = "") -> Receipt:
        """Put a film on sale; the publisher accepts any fee."""
        return self.store.setOffer(film, offer, max_fee, by=by)

    def list(
        self,
        film: int,
        quantity: int,
        coin: Contract,
        price: int,
        *,
        max_fee: int = MAX_FEE,
        least: int = 0,
        by: str = "",
    ) -> Receipt:
        """Put tokens up for resale; the seller accepts any fee."""
        return self.store.list(film, quantity, coin, price, max_fee, least, by=by)

    def agreed(
        self,
        limit: int,
        *,
        film: int | None = None,
        listing: int = 0,
        deadline: int = FOREVER,
        **shown: object,
    ) -> Agreement:
        """What somebody agrees to who is shown what holds now, or (`shown`) something else.

        Where nothing can be quoted, they agree to nothing that any contract knows.
        """
        try:
            sale = self.store.quoteListed(listing, 1) if listing else self.store.quote(film or self.film, 1)
        except Reverted:
            return ZERO, limit, deadline, bytes(32)
        token, number, _, seller, payee, coin, _, fee, _, makers, royalty, _, _ = sale
        terms = {
            "chain": int(self.chain.rpc("eth_chainId"), 16),
            "store": self.store.address,
            "token": token,
            "number": number,
            "seller": seller,
            "payee": payee,
            "coin": coin,
            "fee": fee,
            "makers": makers,
            "royalty": royalty,
        } | shown
        return terms["coin"], limit, deadline, sale_terms(*terms.values())

    def buy(self, quantity: int, limit: int, *, film: int | None = None, by: str) -> Receipt:
        """Buy from the publisher what one is shown now."""
        return self.store.buy(film or self.film, quantity, self.agreed(limit, film=film), by=by)

    def buy_listed(self, listing: int, quantity: int, limit: int, *, by: str) -> Receipt:
        """Buy from a holder what one is shown now."""
        return self.store.buyListed(listing, quantity, self.agreed(limit, listing=listing), by=by)

    def quoted(self, quantity: int, film: int | None = None) -> tuple[str, int, int, bool]:
        """Coin, total, fee and whether it is the presale, of a first sale."""
        sale = self.store.quote(film or self.film, quantity)
        return sale[5], sale[6], sale[8], sale[12]

    def quoted_listing(self, listing: int, quantity: int) -> tuple[str, int, int, str, int]:
        """Coin, total, fee, receiver of the royalty and royalty, of a resale."""
        sale = self.store.quoteListed(listing, quantity)
        return sale[5], sale[6], sale[8], sale[9], sale[11]

    def new_film(self, salt: int, *, royalty: int = ROYALTY, receiver: str = "", supply: int = 1_000) -> int:
        """Register one more film of the owner."""
        token = int(self.owner, 16) << 96 | salt
        ladder = [(1, "personal", [], 0)]
        self.registry.createFilm(token, "bafy", b"\1" * 32, supply, receiver or self.makers, royalty, ladder)
        return token

    def new_coin(self, artifact: str, *arguments: object, accepted: bool = True) -> Contract:
        """A coin of another kind that the store accepts, and that everybody has and lets the store take."""
        coin = self.chain.deploy(artifact, *arguments)
        if accepted:
            self.store.setCoin(coin, True)
        for person in self.people:
            coin.mint(person, FUNDS)
            coin.approve(self.store, UINT256_MAX, by=person)
        return coin

    def held(self, account: str | Contract, token: int | None = None) -> int:
        """Tokens of the film."""
        return self.registry.balanceOf(account, token or self.film)

    def money(self, account: str | Contract, coin: Contract | None = None) -> int:
        return (coin or self.coin).balanceOf(account)

    def permit(self, signer, maximum: int, *, deadline: int = UINT256_MAX, nonce: int | None = None):
        """Sign that the store may take up to `maximum` dollars: deadline, v, r, s (ERC-2612)."""
        nonce = self.coin.nonces(signer.address.lower()) if nonce is None else nonce
        signed = signer.sign_typed_data(
            {
                "name": "Demo Dollar",
                "version": "1",
                "chainId": int(self.chain.rpc("eth_chainId"), 16),
                "verifyingContract": self.coin.address,
            },
            {
                "Permit": [
                    {"name": name, "type": type_}
                    for name, type_ in (
                        ("owner", "address"),
                        ("spender", "address"),
                        ("value", "uint256"),
                        ("nonce", "uint256"),
                        ("deadline", "uint256"),
                    )
                ]
            },
            {
                "owner": signer.address,
                "spender": self.store.address,
                "value": maximum,
                "nonce": nonce,
                "deadline": deadline,
            },
        )
        return deadline, signed.v, signed.r.to_bytes(32, "big"), signed.s.to_bytes(32, "big")


def sale_terms(*values: object) -> bytes:
    """The EIP-712 hash of what a buyer agrees to; the values in the order of `TERMS`."""
    types = [member.split()[0] for member in TERMS[TERMS.index("(") + 1 : -1].split(",")]
    return keccak(keccak(text=TERMS) + encode(types, values))


def new_signer(market: Market) -> Account:
    """Somebody with a key that the test has, coins, and no allowance for the store."""
    signer = Account.create()
    address = signer.address.lower()
    market.chain.rpc("anvil_setBalance", address, hex(10**18))
    market.chain.rpc("anvil_impersonateAccount", address)
    market.coin.mint(address, FUNDS)
    return signer


def open_market(chain: Evm, registry_artifact: str = "FilmRegistry") -> Market:
    """Deploy everything and open the sale."""
    owner, fees = chain.accounts[0], chain.accounts[6]
    registry = chain.deploy(registry_artifact, owner)
    store = chain.deploy("FilmStore", registry, owner, fees, FEE)
    coin = chain.deploy("DemoDollar")
    market = Market(chain, registry, store, coin, int(owner, 16) << 96 | 1)
    store.setCoin(coin, True)
    for person in market.people:
        coin.mint(person, FUNDS)
        coin.approve(store, UINT256_MAX, by=person)
        registry.setApprovalForAll(store, True, by=person)
    market.new_film(1)
    registry.mint(store, market.film, STOCK)
    market.set_offer(market.film, market.offer())
    return market
