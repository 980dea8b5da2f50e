"""What a wallet is asked to confirm to make a splitter, or to change its recipients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_royalties.coins import coins_named
from wylloh_royalties.keeper import TOPIC, keeper_of, topic_of
from wylloh_royalties.money import money_in, sums_of
from wylloh_royalties.refusals import SPLITTING
from wylloh_royalties.shares import percent
from wylloh_royalties.words import counted, listed, named, shares_sentence
from wylloh_server.sdk import ContractCall, InvalidValue, Proposal, shortened

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import Coin, PluginContext, Share, Viewer, Wallet

_CREATE = "create(address,(address,uint16,string)[],address[])"
_CHANGE = "setRecipients((address,uint16,string)[])"


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
    among = f"{len(shares)} recipient{'' if len(shares) == 1 else 's'}"
    expected = f" It expects {listed([coin.symbol for coin in coins])}." if coins else ""
    owns = (
        f"Your wallet, {shortened(viewer.wallet)}, owns it: you alone can change the recipients of later "
        f"income. Nobody, not even you, can touch what was set aside for others.{expected}"
    )
    call = ContractCall(
        factory,
        _CREATE,
        (viewer.wallet, _tuples(shares), tuple(coin.address for coin in coins)),
        says=f"Make a splitter among {among}.",
    )
    return Proposal(
        title=f"A splitter among {among}",
        explanation=(
            f"What it receives is divided: {shares_sentence(shares, viewer.wallet)}.",
            owns,
            "Afterwards name it as the receiver of a film's money.",
        ),
        steps=(call,),
        done="The splitter is there. Name it as the receiver of a film's money.",
        refusals=SPLITTING,
        topics=(TOPIC,),
        back="/plugins/royalties/",
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
    call = ContractCall(splitter.address, _CHANGE, (_tuples(shares),), says="Change the recipients.")
    return Proposal(
        title="Change the recipients",
        explanation=(
            f"Later income is divided: {shares_sentence(shares, viewer.wallet)}.",
            *_differences(splitter.shares, shares, viewer.wallet),
            await _before(context, viewer, splitter),
        ),
        steps=(call,),
        done="Later income is divided among the new recipients.",
        refusals=SPLITTING,
        topics=(TOPIC, topic_of(splitter.address)),
        back=f"/plugins/royalties/splitter/{splitter.address}",
    )


def _tuples(shares: Sequence[Share]) -> tuple[tuple[str, int, str], ...]:
    return tuple((share.account, share.basis_points, share.role) for share in shares)


def _differences(before: Sequence[Share], after: Sequence[Share], viewer: Wallet) -> list[str]:
    old = {share.account: share.basis_points for share in before}
    new = {share.account: share.basis_points for share in after}
    come = [f"{named(one, viewer)} with {percent(part)}" for one, part in new.items() if one not in old]
    gone = [named(one, viewer) for one in old if one not in new]
    other = [
        f"{named(one, viewer)} from {percent(old[one])} to {percent(part)}"
        for one, part in new.items()
        if old.get(one, part) != part
    ]
    found = (("New", come), ("No longer", gone), ("Changed", other))
    return [f"{what}: {counted(who)}." for what, who in found if who]


async def _before(context: PluginContext, viewer: Viewer, splitter: Splitter) -> str:
    """Say what becomes of money that came before the change."""
    money = await money_in(context, keeper_of(context), splitter.address, viewer.wallet)
    waiting = [(coin, amount or 0) for coin, amount in money.pending.items()]
    written = sums_of(waiting, await coins_named(context, money.pending))
    now = f" Now that is {listed(written)}." if written else ""
    return f"What came before is divided the old way first.{now} What is set aside stays whose it is."
