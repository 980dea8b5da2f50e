"""What a plugin says and what a call does: read from the data, shown, and refused where it is more than it may."""

from __future__ import annotations

import pytest
from eth_utils.address import to_checksum_address

from tests.services.server_environment import viewer_with
from wylloh_server.domain.chain_events import (
    NATIVE_COIN,
    FilmCreated,
    OfferChanged,
    SplitterCreated,
)
from wylloh_server.domain.errors import AccessRefused, InvalidValue, WyllohError
from wylloh_server.domain.film import Description, Film, FilmState, TokenOrigin, film_id_for
from wylloh_server.domain.transaction import ContractCall, Proposal, SignaturePart, SignatureRequest
from wylloh_server.domain.types import Cid, TokenReference, Wallet
from wylloh_server.resources import contract_function
from wylloh_server.sdk.testing.recorded_live import RecordedLive
from wylloh_server.sdk.testing.sample_chain import CHAIN_ID, CONTRACTS, DOLLAR, SOMEWHERE, SampleChain
from wylloh_server.sdk.testing.sample_transactions import SampleTransactions
from wylloh_server.services.transactions.call_summary import CallSummaries
from wylloh_server.storage import open_database

ME = Wallet("0x" + "a1" * 20)
THIEF = Wallet("0x" + "66" * 20)
DESK = Wallet("0x" + "7d" * 20)
SPLITTER = Wallet("0x" + "5b" * 20)
NFT = Wallet("0x" + "ff" * 20)
STORE, REGISTRY, FACTORY = CONTRACTS.store, CONTRACTS.registry, CONTRACTS.splitters
APPROVE, OPERATOR = "approve(address,uint256)", "setApprovalForAll(address,bool)"
V, R, S = SignaturePart.V, SignaturePart.R, SignaturePart.S
DOMAIN = ("name string", "version string", "chainId uint256", "verifyingContract address")
FIELDS = ("owner address", "spender address", "value uint256", "nonce uint256", "deadline uint256")
TOKEN = TokenReference(CHAIN_ID, REGISTRY, 7 << 96)
LIGHT = Film(
    film_id_for(str(TOKEN)),
    Description("Light"),
    TokenOrigin(TOKEN, Cid("bafy"), ME, "0" * 64),
    FilmState.READY,
    1.0,
)


def call(to, function, *arguments, value=0):
    return ContractCall(to, function, arguments, value, "Buy 1 token")


def permit(
    spender=STORE,
    owner=ME,
    chain=int(CHAIN_ID),
    kind="Permit",
    fields=FIELDS,
    nonce=1,
    deadline=9,
    value=5,
    domain=DOMAIN,
    **changes,
):
    """Make a permit. `changes` are of its domain; a field with None is left out there."""
    types = {"EIP712Domain": domain, kind: fields}
    split = {
        name: [dict(zip(("name", "type"), one.split(), strict=True)) for one in type_]
        for name, type_ in types.items()
        if type_
    }
    message = {"owner": owner, "spender": spender, "value": str(value), "nonce": nonce, "deadline": deadline}
    about = {"name": "dUSD", "version": "1", "chainId": chain, "verifyingContract": DOLLAR.address} | changes
    about = {name: value for name, value in about.items() if value is not None}
    data = {"types": split, "primaryType": kind, "domain": about, "message": message}
    return SignatureRequest(data, "Sign to buy 1 token")


SAYS = {
    "title": "Buy 1 token",
    "explanation": ("You pay 5 dUSD.",),
    "done": "Yours.",
    "spends": {DOLLAR.address: 5},
    "functions": ("FilmStore.buy", "FilmStore.buyListed", "FilmStore.buyWithPermit"),
}


def buying(*steps, **changes):
    """A proposal that says and declares that it buys one token for 5, whatever its steps are."""
    return Proposal(**SAYS | {"steps": steps} | changes)


def own(contract, address, function, *arguments):
    return call(address, contract_function(contract, function), *arguments)


def purchase(coin=DOLLAR.address, limit=5, function="buy", item=TOKEN.token_id, deadline=9):
    return own("FilmStore", STORE, function, item, 1, (coin, limit, deadline, b"\1" * 32))


def stocked(quantity=3):
    return own("FilmStore", STORE, "stock", TOKEN.token_id, quantity)


@pytest.fixture
async def storage(tmp_path):
    async with open_database(tmp_path / "test.sqlite") as database:
        await database.storage.films.save(LIGHT)
        yield database.storage


@pytest.fixture
async def chain(storage):
    chain = SampleChain(storage, CONTRACTS)
    await chain.happen([SplitterCreated(SOMEWHERE, SPLITTER, ME)], None)
    return chain


@pytest.fixture
def transactions(storage, chain):
    transactions = SampleTransactions(storage, RecordedLive(), lambda event: None, chain.view)
    transactions.trusted[DESK] = "Lending desk"
    return transactions


@pytest.fixture
def summaries(storage, chain, transactions):
    return CallSummaries(
        review=transactions.service.review,
        chain=chain.view,
        films=storage.films,
        checksummed=to_checksum_address,
    )


MALICIOUS = {
    "all my film tokens": call(REGISTRY, OPERATOR, THIEF, True),
    "all tokens of another contract": call(DOLLAR.address, OPERATOR, THIEF, True),
    "my coins": call(DOLLAR.address, APPROVE, THIEF, 1),
    "more of my coins": call(DOLLAR.address, "increaseAllowance(address,uint256)", THIEF, 1),
    "my coins, by a permit of DAI": call(
        DOLLAR.address,
        "permit(address,address,uint256,uint256,bool,uint8,bytes32,bytes32)",
        *(ME, THIEF, 1, 2, True, 27, b"\1" * 32, b"\1" * 32),
    ),
    "my coins, by Permit2": call(
        DESK, "approve(address,address,uint160,uint48)", DOLLAR.address, THIEF, 9, 9
    ),
    "my coins at once": call(DOLLAR.address, "transfer(address,uint256)", THIEF, 1),
    "my tokens at once": call(
        REGISTRY, "safeTransferFrom(address,address,uint256,uint256,bytes)", ME, THIEF, 7, 1, b""
    ),
    "many tokens at once": call(
        REGISTRY,
        "safeBatchTransferFrom(address,address,uint256[],uint256[],bytes)",
        *(ME, THIEF, (7, 8), (1, 2), b""),
    ),
    "tokens out of the store": own("FilmStore", STORE, "withdrawStock", 7, 100, THIEF),
    "tokens out of the store, though one's own": own("FilmStore", STORE, "withdrawStock", 7, 100, ME),
    "tokens into the store": stocked(1),
    "tokens on sale for nothing": own("FilmStore", STORE, "list", 7, 100, DOLLAR.address, 1, 1000, 0),
    "new tokens": own("FilmRegistry", REGISTRY, "mint", THIEF, 7, 1000),
    "the income of a film": own(
        "FilmStore", STORE, "setOffer", 7, (THIEF, DOLLAR.address, 0, 0, 0, ((1, 1),)), 1000
    ),
    "a role": own("FilmRegistry", REGISTRY, "grantRole", b"\1" * 32, THIEF),
    "one's own role": own("FilmRegistry", REGISTRY, "renounceRole", b"\1" * 32, ME),
    "the registry": own("FilmRegistry", REGISTRY, "beginDefaultAdminTransfer", THIEF),
    "the store": own("FilmStore", STORE, "transferOwnership", THIEF),
    "the store's fee": own("FilmStore", STORE, "setFee", THIEF, 1000),
    "a splitter": own("RoyaltySplitter", SPLITTER, "transferOwnership", THIEF),
    "the income of a splitter": own("RoyaltySplitter", SPLITTER, "setRecipients", ((THIEF, 10_000, ""),)),
    "a ladder": own("FilmRegistry", REGISTRY, "setLadder", 7, ()),
    "a purchase without a limit, on an old allowance": purchase(limit=10**30, function="buyListed"),
    "a purchase that costs more than it says": purchase(limit=6),
    "a purchase in another coin": purchase(coin=NFT),
    "a token with the number 0, later": call(NFT, APPROVE, THIEF, 0),
    "a token with the number 0": call(NFT, "transferFrom(address,address,uint256)", ME, THIEF, 0),
    "no tokens of a contract that it does not declare": call(NFT, "transfer(address,uint256)", THIEF, 0),
    "nothing yet, by a call to the one who gets it": call(NFT, "approveAndCall(address,uint256)", THIEF, 0),
    "the chain's own coin": call(DESK, "deposit()", value=1),
    "the chain's own coin, with a purchase": ContractCall(
        STORE, contract_function("FilmStore", "stock"), (1, 1), 10**18
    ),
    "something of a contract that nobody knows": call(THIEF, "multicall(bytes[])", (b"\1",)),
    "something of a coin that is no coin's": call(DOLLAR.address, "setOwner(address)", THIEF),
    "a function that the store does not have": call(STORE, "setApprovalForAll(address,bool)", THIEF, True),
    "a function that the registry does not have": call(REGISTRY, "upgradeTo(address)", THIEF),
    "a permit for somebody else": permit(spender=THIEF),
    "a permit of another wallet": permit(owner=THIEF),
    "a permit on another chain": permit(chain=5),
    "an order of a marketplace": permit(kind="OrderComponents"),
    "a permit that looks like one": permit(fields=(*FIELDS, "allowed bool")),
    "a permit for every chain": permit(domain=("name string", "version string", "verifyingContract address")),
    "a permit for every coin of that name": permit(
        domain=("name string", "version string", "chainId uint256")
    ),
    "a permit without a domain": permit(domain=()),
    "a permit of a coin without a name": permit(domain=DOMAIN[1:]),
    "a permit with salt": permit(domain=(*DOMAIN, "salt bytes32"), salt="0x" + "1" * 64),
    "a permit whose chain is a text": permit(domain=(*DOMAIN[:2], "chainId string", DOMAIN[3])),
    "a permit whose version is shown but not signed": permit(domain=(DOMAIN[0], *DOMAIN[2:])),
    "a permit whose version is signed but not shown": permit(version=None),
    "a permit for a chain that wallets read otherwise": permit(chain=f"{CHAIN_ID // 100}_{CHAIN_ID % 100}"),
    "a permit of a part of an amount": permit(value="5.5"),
    "a permit for a coin that is no address": permit(verifyingContract="7"),
    "nothing that can be read": SignatureRequest({"primaryType": "Permit"}, "Sign"),
}


@pytest.mark.parametrize("step", MALICIOUS.values(), ids=MALICIOUS)
async def test_8_a_proposal_that_does_more_than_it_says_is_never_put_before_a_wallet(
    transactions, storage, step
):
    """It says "Buy 1 token" and comes first, last or in between."""
    for steps in ((step, purchase()), (purchase(limit=2), step, purchase(limit=3)), (purchase(), step)):
        if isinstance(steps[-1], SignatureRequest):
            continue
        with pytest.raises((AccessRefused, InvalidValue)) as refused:
            await transactions.propose(viewer_with(ME), buying(*steps))
        assert refused.value.fix
    assert await storage.transactions.of_wallet(ME, limit=10) == ()


async def test_8_a_selector_is_read_by_what_it_does_and_not_by_what_it_is_called(transactions):
    """`join_tg_invite_0_202402_f6bfcb1()` and the like: other names with the selector of a standard's function."""
    twin = "join_tg_invite_0_202402_f6bfcb1(address,uint256)"
    prepared = transactions.calls.prepared(ME, call(DOLLAR.address, APPROVE, THIEF, 5))
    read = transactions.calls.decoded(prepared, "", twin)
    assert read.signature == APPROVE
    assert [(grant.spender, grant.amount) for grant in read.grants] == [(THIEF, 5)]


HARMLESS = {
    "an allowance for the store": (call(DOLLAR.address, APPROVE, STORE, 5), purchase()),
    "one taken back from anybody": (
        call(DOLLAR.address, APPROVE, THIEF, 0),
        call(REGISTRY, OPERATOR, THIEF, False),
        call(NFT, OPERATOR, THIEF, False),
        permit(spender=THIEF, value=0),
        purchase(),
    ),
    "nothing sent away, but got": (call(NFT, "transferFrom(address,address,uint256)", THIEF, ME, 7),),
    "one for a contract that the owner trusts": (call(DOLLAR.address, APPROVE, DESK, 5),),
    "a call of that contract": (call(DESK, "lend(uint256,uint64)", 7, 99),),
    "a permit for the store": (permit(), purchase()),
    "a permit of a coin without a version": (
        permit(domain=(DOMAIN[0], *DOMAIN[2:]), version=None),
        purchase(),
    ),
}


@pytest.mark.parametrize("steps", HARMLESS.values(), ids=HARMLESS)
async def test_what_a_plugin_may_propose(transactions, steps):
    assert await transactions.propose(viewer_with(ME), buying(*steps))


async def test_what_is_sent_away_must_be_declared_in_full(transactions):
    steps = call(DESK, "deposit()", value=4), call(DOLLAR.address, "transfer(address,uint256)", THIEF, 6)
    declared = {NATIVE_COIN: 4, DOLLAR.address: 6}
    assert await transactions.propose(viewer_with(ME), buying(*steps, spends=declared))
    for asset in declared:
        with pytest.raises(AccessRefused, match="more than it declares"):
            await transactions.propose(viewer_with(ME), buying(*steps, spends={**declared, asset: 3}))


TOKENS = {REGISTRY: 100}
DECLARED = {
    "FilmStore.withdrawStock": (own("FilmStore", STORE, "withdrawStock", 7, 100, THIEF), TOKENS),
    "FilmStore.stock": (stocked(100), TOKENS),
    "FilmStore.list": (own("FilmStore", STORE, "list", 7, 100, DOLLAR.address, 1, 1000, 0), TOKENS),
    "FilmStore.buyListed": (purchase(limit=100, function="buyListed"), {DOLLAR.address: 100}),
    "FilmRegistry.mint": (own("FilmRegistry", REGISTRY, "mint", THIEF, 7, 100), TOKENS),
    "FilmRegistry.setApprovalForAll": (call(REGISTRY, OPERATOR, STORE, True), {}),
    "FilmRegistry.grantRole": (own("FilmRegistry", REGISTRY, "grantRole", b"\1" * 32, THIEF), {}),
    "RoyaltySplitter.distribute": (own("RoyaltySplitter", SPLITTER, "distribute", NATIVE_COIN), {}),
    "RoyaltySplitterFactory.create": (
        own("RoyaltySplitterFactory", FACTORY, "create", ME, ((ME, 10_000, ""),), ()),
        {},
    ),
}


@pytest.mark.parametrize(("step", "spends"), DECLARED.values(), ids=DECLARED)
async def test_8_of_the_project_s_contracts_only_what_is_declared_is_called(
    transactions, request, step, spends
):
    function = request.node.callspec.id

    async def proposed(spends, *functions):
        await transactions.propose(viewer_with(ME), buying(step, spends=spends, functions=functions))

    await proposed(spends, function)
    with pytest.raises(AccessRefused, match="does not declare") as refused:
        await proposed(spends, "FilmStore.cancel", "FilmRegistry.list")
    assert function.partition(".")[2] in str(refused.value)
    for asset, amount in spends.items():
        with pytest.raises(AccessRefused, match="more than it declares"):
            await proposed({asset: amount - 1}, function)


async def test_8_what_comes_to_the_wallet_itself_is_not_sent_away(transactions):
    for function, step in (
        ("FilmStore.withdrawStock", own("FilmStore", STORE, "withdrawStock", 7, 100, ME)),
        ("FilmRegistry.mint", own("FilmRegistry", REGISTRY, "mint", ME, 7, 100)),
    ):
        assert await transactions.propose(viewer_with(ME), buying(step, spends={}, functions=(function,)))


async def test_8_whom_a_publisher_names_as_a_receiver_is_no_splitter_by_that(transactions, chain):
    """Anybody may name a coin or an account, and nobody could buy in that coin any more."""
    film = FilmCreated(SOMEWHERE, TOKEN, THIEF, 10, DOLLAR.address, 500)
    offers = [
        OfferChanged(SOMEWHERE, TOKEN, THIEF, payee, DOLLAR.address, 1, 1, 0, ())
        for payee in (DOLLAR.address, THIEF)
    ]
    await chain.happen([film, *offers], None)
    bought = buying(call(DOLLAR.address, APPROVE, STORE, 5), purchase())
    assert await transactions.propose(viewer_with(ME), bought)
    review = transactions.service.review
    assert await review.known(DOLLAR.address) is None
    assert await review.known(THIEF) is None
    assert (await review.known(SPLITTER)).artifact == "RoyaltySplitter"
    await chain.take_back(2)
    assert await review.known(SPLITTER) is None, "the block that made it is gone"


async def test_8_the_page_shows_what_was_read_in_the_coins_units_and_by_known_names(summaries):
    price = call(DOLLAR.address, APPROVE, STORE, 59_880_000)
    taken = own("FilmStore", STORE, "cancel", 3)
    offered = own("FilmStore", STORE, "list", TOKEN.token_id, 12, DOLLAR.address, 4_990_000, 250, 0)
    allowed, cancelled, sold = await summaries.describe(ME, buying(price, taken, offered))
    assert (allowed.contract, allowed.address) == ("dUSD", to_checksum_address(DOLLAR.address))
    assert allowed.effects == (f"Allows Film store ({to_checksum_address(STORE)}) to take 59.88 dUSD.",)
    assert ("Spender", f"Film store ({to_checksum_address(STORE)})") in allowed.facts
    assert (cancelled.contract, cancelled.function, cancelled.effects) == ("Film store", "cancel", ())
    facts = dict(sold.facts)
    assert facts["Unit price"] == "4.99 dUSD"
    assert facts["Token id"].startswith("Light (0x")
    assert facts["Quantity"] == "12"
    assert facts["Coin"].startswith("dUSD (0x")
    assert sold.effects == (f"Sends 12 tokens to Film store ({to_checksum_address(STORE)}).",)


async def test_8_the_page_says_what_a_call_of_the_project_s_contracts_means(summaries):
    steps = (
        purchase(limit=5_000_000),
        own("FilmRegistry", REGISTRY, "mint", ME, 7, 1000),
        own("FilmStore", STORE, "withdrawStock", 7, 100, THIEF),
        own("FilmStore", STORE, "transferOwnership", THIEF),
        own("RoyaltySplitter", SPLITTER, "setRecipients", ((THIEF, 10_000, ""),)),
        own("RoyaltySplitter", SPLITTER, "distribute", NATIVE_COIN),
    )
    said = [" ".join(one.effects) for one in await summaries.describe(ME, buying(*steps))]
    assert said[0] == f"Pays at most 5.00 dUSD to Film store ({to_checksum_address(STORE)})."
    assert said[1] == f"Sends 1,000 tokens to your wallet ({to_checksum_address(ME)})."
    assert said[2] == f"Sends 100 tokens to {to_checksum_address(THIEF)}."
    assert said[3] == said[4] == "Decides who has a say there, or who is paid: look at the addresses below."
    assert said[5] == ""


async def test_8_fields_read_as_people_say_them(summaries):
    tiers = ((1, "personal", (), 0), (40, "streaming", ("DE", "AT"), 120))
    root, digest = "bafyroot", b"\2" * 32
    create = own("FilmRegistry", REGISTRY, "createFilm", 7, root, digest, 100, THIEF, 750, tiers)
    terms = (THIEF, DOLLAR.address, 2_000_000_000, 2_000_000_000, 0, ((1, 4_505_000),))
    (created, offered) = await summaries.describe(
        ME, buying(create, own("FilmStore", STORE, "setOffer", 7, terms, 250))
    )
    assert created.action == "Create film"
    assert [value for name, value in created.facts if name == "Seats"] == ["no limit", "120"]
    assert ("Territories", "DE, AT") in created.facts and ("Royalty", "7.5\xa0%") in created.facts
    facts = dict(offered.facts)
    assert (facts["Presale price"], facts["Unit price"]) == ("none", "4.505 dUSD")


async def test_8_two_fields_of_one_name_say_of_what_they_are(summaries):
    agreed = (DOLLAR.address, 5, 2_000_000_000, b"\1" * 32)
    call_ = own("FilmStore", STORE, "buyWithPermit", TOKEN.token_id, 1, agreed, (2_000_000_060, V, R, S))
    (step,) = await summaries.describe(ME, buying(call_))
    names = [name for name, _ in step.facts]
    assert "Deadline" not in names and "Permit deadline" in names
    assert len(names) == len(set(names))


async def test_8_it_says_how_far_a_permission_goes(summaries):
    steps = (
        call(DOLLAR.address, APPROVE, STORE, 2**256 - 1),
        call(REGISTRY, OPERATOR, STORE, True),
        call(REGISTRY, OPERATOR, STORE, False),
        permit(value=5_000_000),
        call(THIEF, APPROVE, STORE, 7),
        call(DESK, "deposit()", value=10**17),
    )
    said = [" ".join(one.effects) for one in await summaries.describe(ME, buying(*steps))]
    store = f"Film store ({to_checksum_address(STORE)})"
    assert said[0] == f"Allows {store} to take any amount of your dUSD."
    assert said[1] == f"Allows {store} to take all your tokens of {to_checksum_address(REGISTRY)}."
    assert said[2] == f"Takes back what {store} was allowed to take."
    assert said[3] == f"Allows {store} to take 5.00 dUSD."
    assert said[4] == (
        f"Allows {store} to take 7 units, or the one token 7, of {to_checksum_address(THIEF)}."
    )
    assert said[5] == f"Sends 0.10 ETH to Lending desk ({to_checksum_address(DESK)})."


async def test_8_a_renewed_proposal_is_the_same_by_its_calls_and_not_by_its_words(transactions):
    review = transactions.service.review

    async def alike(one, other):
        return await review.fingerprint(ME, one) == await review.fingerprint(ME, other)

    signed = contract_function("FilmStore", "stock")
    assert await alike(buying(stocked()), buying(stocked(), title="Buy a token"))
    assert not await alike(buying(stocked(3)), buying(stocked(4)))
    assert not await alike(buying(call(STORE, signed, 1, 1)), buying(ContractCall(STORE, signed, (1, 1), 1)))
    assert not await alike(buying(call(DESK, "f(uint256)", 1)), buying(call(DESK, "g(uint256)", 1)))
    assert await alike(buying(permit(), stocked()), buying(permit(nonce=2, deadline=99), stocked()))
    assert not await alike(buying(permit(), stocked()), buying(permit(value=6), stocked()))
    assert not await alike(buying(permit(), stocked()), buying(permit(spender=DESK), stocked()))


async def test_a_deadline_alone_makes_no_other_proposal(transactions):
    def signed_purchase(deadline, quantity=2, terms=b"\0" * 32):
        agreed = (DOLLAR.address, 5, deadline, terms)
        bought = own("FilmStore", STORE, "buyWithPermit", 7, quantity, agreed, (deadline, V, R, S))
        return buying(permit(deadline=deadline), bought)

    review = transactions.service.review
    first = await review.fingerprint(ME, signed_purchase(100))
    assert first == await review.fingerprint(ME, signed_purchase(200))
    assert first != await review.fingerprint(ME, signed_purchase(100, quantity=3))
    assert first != await review.fingerprint(ME, signed_purchase(100, terms=b"\1" * 32))
    digest = await review.terms(ME, signed_purchase(100))
    assert digest == await review.terms(ME, signed_purchase(200))
    assert digest != await review.terms(ME, signed_purchase(100, quantity=3))


async def test_what_cannot_be_read_is_not_described(summaries):
    assert await summaries.describe(ME, buying(call(STORE, "noSuch()"))) == ()


async def test_every_error_of_the_review_says_what_to_do(transactions):
    for step in MALICIOUS.values():
        with pytest.raises(WyllohError) as refused:
            await transactions.service.review.check(ME, buying(step, purchase()))
        assert refused.value.fix, step
