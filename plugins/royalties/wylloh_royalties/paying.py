"""Dividing what came in, and taking out what was set aside: transactions for the viewer's own wallet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_royalties.asking import splitter_in, viewer_of
from wylloh_royalties.coins import coins_named
from wylloh_royalties.keeper import TOPIC, topic_of
from wylloh_royalties.refusals import SPLITTING
from wylloh_royalties.shares import divided
from wylloh_royalties.splitters import splitter_of, standing_of
from wylloh_royalties.words import counted, named
from wylloh_server.sdk import ContractCall, InvalidValue, Proposal, Redirect, shortened, wallet_of

if TYPE_CHECKING:
    from wylloh_royalties.splitters import Splitter
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply, Viewer, Wallet


async def distribute(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to divide what came in of a coin."""
    viewer, splitter, coin = await _asked(context, request)
    (amount,) = await context.chain.read(splitter.address, "pending(address)", (coin,), ("uint256",))
    if not amount:
        raise InvalidValue("Nothing of this coin came in since it was last divided.", fix="Wait for income.")
    coins = await coins_named(context, [coin])
    parts = [
        f"{coins.written(part, coin)} for {named(share.account, viewer.wallet)}"
        for part, share in zip(divided(amount, splitter.shares), splitter.shares, strict=True)
        if part
    ]
    whole = coins.written(amount, coin)
    says = f"Divide {whole} among {_people(len(splitter.shares))}."
    proposal = Proposal(
        title=f"Divide {whole}",
        explanation=(
            f"{whole} came in. It is set aside now: {counted(parts)}.",
            "Nobody but them can take it out. What arrives before your wallet sends this is divided, too.",
            "It costs you nothing but the chain's own fee.",
        ),
        steps=(ContractCall(splitter.address, "distribute(address)", (coin,), says=says),),
        done=f"{whole} is divided. Everybody can take out their own part.",
        refusals=SPLITTING,
        topics=(TOPIC, topic_of(splitter.address)),
        back=f"/plugins/royalties/splitter/{splitter.address}",
    )
    return await _proposed(context, viewer, proposal)


async def withdraw(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take out what is set aside for the viewer."""
    viewer, splitter, coin = await _asked(context, request)
    asked = (viewer.wallet, coin)
    (amount,) = await context.chain.read(splitter.address, "owed(address,address)", asked, ("uint256",))
    if not amount:
        raise InvalidValue(SPLITTING["NothingOwed"], fix="Divide what came in first.")
    whole = (await coins_named(context, [coin])).written(amount, coin)
    says = f"Take {whole} out of the splitter {shortened(splitter.address)}."
    proposal = Proposal(
        title=f"Withdraw {whole}",
        explanation=(
            f"{whole} that is set aside for you comes into your wallet, {shortened(viewer.wallet)}.",
            "It costs you nothing but the chain's own fee.",
        ),
        steps=(ContractCall(splitter.address, "withdraw(address,address)", asked, says=says),),
        done=f"{whole} is in your wallet.",
        refusals=SPLITTING,
        topics=(TOPIC, topic_of(splitter.address)),
        back=f"/plugins/royalties/splitter/{splitter.address}",
    )
    return await _proposed(context, viewer, proposal)


async def _asked(context: PluginContext, request: PluginRequest) -> tuple[Viewer, Splitter, Wallet]:
    viewer = viewer_of(request)
    splitter = await splitter_of(context, splitter_in(request))
    await standing_of(context, splitter.address, viewer)
    return viewer, splitter, wallet_of(request.value("coin"))


async def _proposed(context: PluginContext, viewer: Viewer, proposal: Proposal) -> Redirect:
    return Redirect(f"/transactions/{await context.transactions.propose(viewer, proposal)}")


def _people(count: int) -> str:
    return f"{count} recipient{'' if count == 1 else 's'}"
