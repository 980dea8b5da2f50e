"""The store's addresses, below `/plugins/store/`."""

from __future__ import annotations

from wylloh_server.sdk import PluginRoute, Role
from wylloh_store.address_book import all_names, remove_name, set_name
from wylloh_store.catalog_page import grid
from wylloh_store.explorer import explorer
from wylloh_store.prices import add_stock, close, own_films, prices, set_prices, withdraw_stock
from wylloh_store.purchases import buy, choose_quantity
from wylloh_store.requests import time_limited
from wylloh_store.selling import offer_tokens, sell, selling, take_back
from wylloh_store.trade_history import history, history_csv
from wylloh_store.wallet_permissions import permissions, take_permission_back

ROUTES = (
    PluginRoute("GET", "", grid, role=None),
    PluginRoute("GET", "film/{film}/buy", time_limited(choose_quantity)),
    PluginRoute("POST", "film/{film}/buy", time_limited(buy)),
    PluginRoute("GET", "film/{film}/sell", time_limited(sell)),
    PluginRoute("POST", "film/{film}/sell", time_limited(offer_tokens)),
    PluginRoute("GET", "selling", time_limited(selling)),
    PluginRoute("POST", "selling/back", time_limited(take_back)),
    PluginRoute("GET", "permissions", time_limited(permissions)),
    PluginRoute("POST", "permissions", time_limited(take_permission_back)),
    PluginRoute("GET", "history", time_limited(history)),
    PluginRoute("GET", "history.csv", time_limited(history_csv)),
    PluginRoute("GET", "film/{film}/holders", time_limited(explorer)),
    PluginRoute("GET", "names", all_names),
    PluginRoute("POST", "names", set_name),
    PluginRoute("POST", "names/remove", remove_name),
    PluginRoute("GET", "prices", own_films, Role.PUBLISHER),
    PluginRoute("GET", "film/{film}/prices", time_limited(prices), Role.PUBLISHER),
    PluginRoute("POST", "film/{film}/prices", time_limited(set_prices), Role.PUBLISHER),
    PluginRoute("POST", "film/{film}/stock", time_limited(add_stock), Role.PUBLISHER),
    PluginRoute("POST", "film/{film}/withdraw", time_limited(withdraw_stock), Role.PUBLISHER),
    PluginRoute("POST", "film/{film}/close", time_limited(close), Role.PUBLISHER),
)
