"""What a wallet is asked to confirm to make a splitter, or to change its recipients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_royalties.messages import SPLITTING, counted, named, shares_sentence
from wylloh_royalties.splitter_balances import money_in
from wylloh_royalties.splitter_sync import TOPIC, sync_of, topic_of
from wylloh_royalties.splitters import known_coins, shares_of_coin
from wylloh_server.sdk import (
    MOST_PROPOSAL_STEPS,
    NATIVE_COIN,
    DeployedContract,
    InvalidValue,
    Proposal,
    format_count,
    format_list,
    format_percent,
    short_address,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_royalties.splitter_balances import SplitterMoney
    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import Coin, ContractCall, PluginContext, Share, Viewer, Wallet


def splitter_proposal(
    splitter: Wallet | None,
    *calls: ContractCall,
    title: str,
    explanation: tuple[str, ...],
    done: str,
    functions: tuple[str, ...],
) -> Proposal:
    """Return a proposal that leads back to a splitter's page; to the first page if there is none yet."""
    return Proposal(
        title=title,
        explanation=explanation,
        steps=calls,
        done=done,
        refusals=SPLITTING,
        topics=(TOPIC, topic_of(splitter)) if splitter else (TOPIC,),
        back=f"/plugins/royalties/splitter/{splitter}" if splitter else "/plugins/royalties/",
        functions=functions,
    )


async def created(
    context: PluginContext, viewer: Viewer, shares: Sequence[Share], coins: Sequence[Coin]
) -> Proposal:
    """Propose to make a splitter that the viewer owns.

    Raises:
        InvalidValue: the settings name no factory.
    """
    factory = context.chain.contracts.splitters
    if factory is None:
        raise InvalidValue(
            "The settings of this server name no factory of splitters.", fix="Ask the owner of this server."
        )
    among = format_count(len(shares), "recipient")
    expected = f" It expects {format_list([coin.symbol for coin in coins])}." if coins else ""
    owns = (
        f"Your wallet, {short_address(viewer.wallet)}, owns it: you alone can change the recipients of later "
        f"income. Nobody, not even you, can touch what was set aside for others.{expected}"
    )
    addresses, summary = tuple(coin.address for coin in coins), f"Make a splitter among {among}."
    factory_contract = DeployedContract("RoyaltySplitterFactory", factory)
    return splitter_proposal(
        None,
        factory_contract.call("create", viewer.wallet, _tuples(shares), addresses, summary=summary),
        title=f"A splitter among {among}",
        explanation=(
            f"What it receives is divided: {shares_sentence(shares, viewer.wallet)}.",
            owns,
            "Afterwards name it as the receiver of a film's money.",
        ),
        done="The splitter is there. Name it as the receiver of a film's money.",
        functions=("RoyaltySplitterFactory.create",),
    )


async def changed(
    context: PluginContext, viewer: Viewer, splitter: Splitter, shares: Sequence[Share]
) -> Proposal:
    """Propose other recipients.

    Raises:
        InvalidValue: they are the same as now.
    """
    if tuple(shares) == splitter.shares:
        raise InvalidValue("These are the recipients already.", fix="Change something first.")
    contract = DeployedContract("RoyaltySplitter", splitter.address)
    money = await money_in(context, sync_of(context), splitter.address, viewer.wallet)
    first, promise = await _divided_first(context, splitter, money)
    written = money.coins.sums((coin, amount or 0) for coin, amount in money.pending.items())
    now = f" Now that is {format_list(written)}." if written else ""
    return splitter_proposal(
        splitter.address,
        *first,
        contract.call("setRecipients", _tuples(shares), summary="Change the recipients."),
        title="Change the recipients",
        explanation=(
            f"Later income is divided: {shares_sentence(shares, viewer.wallet)}.",
            *_differences(splitter.shares, shares, viewer.wallet),
            f"{promise}{now} What is set aside stays whose it is.",
        ),
        done="Later income is divided among the new recipients.",
        functions=("RoyaltySplitter.distribute", "RoyaltySplitter.setRecipients"),
    )


def _tuples(shares: Sequence[Share]) -> tuple[tuple[str, int, str], ...]:
    return tuple((share.account, share.basis_points, share.role) for share in shares)


def _differences(before: Sequence[Share], after: Sequence[Share], viewer: Wallet) -> list[str]:
    old = {share.account: share.basis_points for share in before}
    new = {share.account: share.basis_points for share in after}
    added = [
        f"{named(one, viewer)} with {format_percent(part)}" for one, part in new.items() if one not in old
    ]
    removed = [named(one, viewer) for one in old if one not in new]
    other = [
        f"{named(one, viewer)} from {format_percent(old[one])} to {format_percent(part)}"
        for one, part in new.items()
        if old.get(one, part) != part
    ]
    found = (("New", added), ("No longer", removed), ("Changed", other))
    return [f"{what}: {counted(who)}." for what, who in found if who]


async def _divided_first(
    context: PluginContext, splitter: Splitter, money: SplitterMoney
) -> tuple[list[ContractCall], str]:
    """Return the calls that divide what a change would not divide by itself, and what becomes of the rest.

    A change divides the coins that the splitter knows. Others are divided before, so that the new shares hold
    for them at once; in a splitter of an earlier release they would hold for what had come in, too.
    """
    known = {NATIVE_COIN, *await known_coins(context, splitter.address)}
    earlier = await shares_of_coin(context, splitter.address, NATIVE_COIN) is None
    contract = DeployedContract("RoyaltySplitter", splitter.address)
    unknown = [
        coin
        for coin, amount in money.pending.items()
        if coin not in known and amount is not None and (amount or not earlier)
    ]
    unknown.sort(key=lambda coin: not money.pending[coin])
    now, later = unknown[: MOST_PROPOSAL_STEPS - 1], unknown[MOST_PROPOSAL_STEPS - 1 :]
    calls = [
        contract.call("distribute", coin, summary=f"Divide {money.coins.symbol(coin)} the old way.")
        for coin in now
    ]
    return calls, _promise(money, [money.coins.symbol(coin) for coin in later], earlier=earlier)


def _promise(money: SplitterMoney, later: Sequence[str], *, earlier: bool) -> str:
    """Return what becomes of what came in before; `later` names coins that are too many to divide at once."""
    if earlier:
        symbols = [money.coins.symbol(coin) for coin in money.pending]
        named = format_list([symbol for symbol in symbols if symbol not in later])
        sentence = (
            f"What came before is divided the old way first, in {named}. This splitter is of an earlier "
            "release: what came in of any other coin follows the new shares unless it is divided before."
        )
        return (
            f"{sentence} Divide {format_list(later)} on its page before you confirm." if later else sentence
        )
    sentence = (
        "What came before is divided the old way, whichever coin it is. A coin that was never divided here "
        "follows the old shares once more, until somebody divides it."
    )
    return f"{sentence} So does what came in of {format_list(later)}." if later else sentence
