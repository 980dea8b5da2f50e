"""The store's addresses, below `/plugins/store/`."""

from __future__ import annotations

from wylloh_server.sdk import Role
from wylloh_store.asking import get, post
from wylloh_store.browsing import grid
from wylloh_store.explorer import explorer
from wylloh_store.history import history, history_csv
from wylloh_store.names import all_names, remove_name, set_name
from wylloh_store.prices import add_stock, close, own_films, prices, set_prices, withdraw_stock
from wylloh_store.purchases import buy, look
from wylloh_store.selling import offer_tokens, sell, selling, take_back

ROUTES = (
    get("", grid),
    get("film/{film}/buy", look),
    post("film/{film}/buy", buy),
    get("film/{film}/sell", sell),
    post("film/{film}/sell", offer_tokens),
    get("selling", selling),
    post("selling/back", take_back),
    get("history", history),
    get("history.csv", history_csv),
    get("film/{film}/holders", explorer),
    get("names", all_names),
    post("names", set_name),
    post("names/remove", remove_name),
    get("prices", own_films, Role.PUBLISHER),
    get("film/{film}/prices", prices, Role.PUBLISHER),
    post("film/{film}/prices", set_prices, Role.PUBLISHER),
    post("film/{film}/stock", add_stock, Role.PUBLISHER),
    post("film/{film}/withdraw", withdraw_stock, Role.PUBLISHER),
    post("film/{film}/close", close, Role.PUBLISHER),
)
