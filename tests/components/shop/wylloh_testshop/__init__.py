"""The smallest plugin that sells: one form, one proposal. For tests of the core alone."""

from __future__ import annotations

from pathlib import Path

from wylloh_server.sdk import (
    ContractCall,
    FilmId,
    Page,
    Proposal,
    Redirect,
    Route,
    Setting,
    Wallet,
    hookimpl,
)

WYLLOH_SDK = "1.0"

_CENTS = 10_000


@hookimpl
def settings():
    return [
        Setting("store", str, "", "Address of the store."),
        Setting("coin", str, "", "Address of the coin."),
        Setting("token", str, "", "Id of the token on sale, as text."),
        Setting("film", str, "", "Id of the film."),
    ]


@hookimpl
def routes():
    return [Route("GET", "", shop), Route("POST", "buy", buy)]


@hookimpl
def template_dirs():
    return [Path(__file__).parent / "templates"]


async def shop(context, request):
    return Page("shop.html", {})


async def buy(context, request):
    store, coin = Wallet(context.settings["store"]), Wallet(context.settings["coin"])
    token, quantity = int(context.settings["token"]), int(request.value("quantity"))
    kind, total, _, _ = await context.chain.read(
        store, "quote(uint256,uint256)", (token, quantity), ("address", "uint256", "uint256", "bool")
    )
    assert kind == coin
    price = f"{total / _CENTS / 100:.2f} dUSD"
    allow = ContractCall(coin, "approve(address,uint256)", (store, total), says=f"Let the store take {price}")
    purchase = ContractCall(
        store, "buy(uint256,uint256,uint256)", (token, quantity, total), says=f"Buy {quantity} tokens"
    )
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
            topics=(f"film:{FilmId(context.settings['film'])}", "plugin:testshop"),
            back="/plugins/testshop/",
        ),
    )
    return Redirect(f"/transactions/{transaction}")
