"""Dividing what came in, and taking out what was set aside: transactions for the viewer's own wallet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from wylloh_royalties.coins import coins_named
from wylloh_royalties.messages import SPLITTING, counted, named
from wylloh_royalties.shares import divided
from wylloh_royalties.splitter_proposals import splitter_proposal
from wylloh_royalties.splitters import requested_splitter, shares_of_coin
from wylloh_server.sdk import (
    DeployedContract,
    InvalidValue,
    format_count,
    parse_wallet,
    redirect_to_wallet,
    short_address,
)

if TYPE_CHECKING:
    from wylloh_server.sdk import PluginContext, PluginRequest, Reply

_FREE = "It costs you nothing but the chain's own fee."


async def distribute(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to divide what came in of a coin."""
    viewer, splitter, _ = await requested_splitter(context, request)
    contract, coin = (
        DeployedContract("RoyaltySplitter", splitter.address),
        parse_wallet(request.value("coin")),
    )
    (amount,) = await contract.read(context.chain, "pending", coin)
    if not amount:
        raise InvalidValue("Nothing of this coin came in since it was last divided.", fix="Wait for income.")
    coins = await coins_named(context, [coin])
    shares = await shares_of_coin(context, splitter.address, coin) or splitter.shares
    parts = [
        f"{coins.written(part, coin)} for {named(share.account, viewer.wallet)}"
        for part, share in zip(divided(amount, shares), shares, strict=True)
        if part
    ]
    whole = coins.written(amount, coin)
    summary = f"Divide {whole} among {format_count(len(shares), 'recipient')}."
    proposal = splitter_proposal(
        splitter.address,
        contract.call("distribute", coin, summary=summary),
        title=f"Divide {whole}",
        explanation=(
            f"{whole} came in. It is set aside now: {counted(parts)}.",
            "Nobody but them can take it out. What arrives before your wallet sends this is divided, too.",
            _FREE,
        ),
        done=f"{whole} is divided. Everybody can take out their own part.",
        functions=("RoyaltySplitter.distribute",),
    )
    return await redirect_to_wallet(context, viewer, proposal)


async def withdraw(context: PluginContext, request: PluginRequest) -> Reply:
    """Propose to take out what is set aside for the viewer."""
    viewer, splitter, _ = await requested_splitter(context, request)
    contract, coin = (
        DeployedContract("RoyaltySplitter", splitter.address),
        parse_wallet(request.value("coin")),
    )
    (amount,) = await contract.read(context.chain, "owed", viewer.wallet, coin)
    if not amount:
        raise InvalidValue(SPLITTING["NothingOwed"], fix="Divide what came in first.")
    whole = (await coins_named(context, [coin])).written(amount, coin)
    summary = f"Take {whole} out of the splitter {short_address(splitter.address)}."
    wallet = short_address(viewer.wallet)
    proposal = splitter_proposal(
        splitter.address,
        contract.call("withdraw", viewer.wallet, coin, summary=summary),
        title=f"Withdraw {whole}",
        explanation=(f"{whole} that is set aside for you comes into your wallet, {wallet}.", _FREE),
        done=f"{whole} is in your wallet.",
        functions=("RoyaltySplitter.withdraw",),
    )
    return await redirect_to_wallet(context, viewer, proposal)
