"""The smallest plugin that sells: one form, one proposal. For tests of the core alone."""

from __future__ import annotations

from pathlib import Path

from wylloh_server.sdk import (
    ContractCall,
    DeployedContract,
    FilmId,
    Page,
    Proposal,
    Redirect,
    PluginRoute,
    Setting,
    Wallet,
    hookimpl,
)

WYLLOH_SDK = "1.0"

_CENTS = 10_000
_FOREVER = 2**63


@hookimpl
def settings():
    return [
        Setting("store", str, "", "Address of the store."),
        Setting("coin", str, "", "Address of the coin."),
        Setting("token", str, "", "Id of the token on sale, as text."),
        Setting("terms", str, "", "Hash of who gets which part of its price."),
        Setting("film", str, "", "Id of the film."),
    ]


@hookimpl
def routes():
    return [PluginRoute("GET", "", shop), PluginRoute("POST", "buy", buy)]


@hookimpl
def template_dirs():
    return [Path(__file__).parent / "templates"]


async def shop(context, request):
    return Page("store.html", {})


async def buy(context, request):
    store, coin = Wallet(context.settings["store"]), Wallet(context.settings["coin"])
    token, quantity = int(context.settings["token"]), int(request.value("quantity"))
    (sale,) = await DeployedContract("FilmStore", store).read(context.chain, "quote", token, quantity)
    kind, total = sale[5:7]
    assert kind == coin
    agreed = (coin, total, _FOREVER, bytes.fromhex(context.settings["terms"]))
    price = f"{total / _CENTS / 100:.2f} dUSD"
    allow = ContractCall(
        coin, "approve(address,uint256)", (store, total), summary=f"Let the store take {price}"
    )
    summary = f"Buy {quantity} tokens"
    purchase = DeployedContract("FilmStore", store).call("buy", token, quantity, agreed, summary=summary)
    transaction = await context.transactions.propose(
        request.viewer,
        Proposal(
            title=f"Buy {quantity} tokens of Light",
            explanation=(
                f"You pay {price} for {quantity} tokens of Light.",
                "5 % of what you pay goes to the makers.",
                "The tokens are yours until you pass them on.",
            ),
            steps=(allow, purchase) if request.value("allow") else (purchase,),
            done=f"{quantity} tokens of Light are yours.",
            refusals={"NotEnoughStock": "The store has fewer than that. Ask for less."},
            topics=(f"film:{FilmId(context.settings['film'])}", "plugin:teststore"),
            back="/plugins/teststore/",
            spends={coin: total},
            functions=("FilmStore.buy",),
        ),
    )
    return Redirect(f"/transactions/{transaction}")
