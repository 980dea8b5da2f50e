"""The store's addresses, below `/plugins/store/`."""

from __future__ import annotations

from wylloh_server.sdk import Role, Route
from wylloh_store.asking import patient
from wylloh_store.browsing import grid
from wylloh_store.explorer import explorer
from wylloh_store.history import history, history_csv
from wylloh_store.names import all_names, remove_name, set_name
from wylloh_store.prices import add_stock, close, own_films, prices, set_prices, withdraw_stock
from wylloh_store.purchases import buy, look
from wylloh_store.selling import offer_tokens, sell, selling, take_back

ROUTES = (
    Route("GET", "", grid),
    Route("GET", "film/{film}/buy", patient(look)),
    Route("POST", "film/{film}/buy", patient(buy)),
    Route("GET", "film/{film}/sell", patient(sell)),
    Route("POST", "film/{film}/sell", patient(offer_tokens)),
    Route("GET", "selling", patient(selling)),
    Route("POST", "selling/back", patient(take_back)),
    Route("GET", "history", patient(history)),
    Route("GET", "history.csv", patient(history_csv)),
    Route("GET", "film/{film}/holders", patient(explorer)),
    Route("GET", "names", all_names),
    Route("POST", "names", set_name),
    Route("POST", "names/remove", remove_name),
    Route("GET", "prices", own_films, Role.PUBLISHER),
    Route("GET", "film/{film}/prices", patient(prices), Role.PUBLISHER),
    Route("POST", "film/{film}/prices", patient(set_prices), Role.PUBLISHER),
    Route("POST", "film/{film}/stock", patient(add_stock), Role.PUBLISHER),
    Route("POST", "film/{film}/withdraw", patient(withdraw_stock), Role.PUBLISHER),
    Route("POST", "film/{film}/close", patient(close), Role.PUBLISHER),
)
