"""The plugin's addresses, below `/plugins/royalties/`."""

from __future__ import annotations

from wylloh_royalties.asking import get, post
from wylloh_royalties.editing import change_recipients, make_splitter, new_splitter, recipients
from wylloh_royalties.films import own_films
from wylloh_royalties.overview import overview
from wylloh_royalties.paying import distribute, withdraw
from wylloh_royalties.splitter_page import recipients_csv, splitter
from wylloh_royalties.statement_pages import statement, statement_csv, statement_pdf

_ONE = "splitter/{splitter}"

ROUTES = (
    get("", overview),
    get("films", own_films),
    get("new", new_splitter),
    post("new", make_splitter),
    get(_ONE, splitter),
    get(f"{_ONE}/recipients", recipients),
    post(f"{_ONE}/recipients", change_recipients),
    get(f"{_ONE}/recipients.csv", recipients_csv),
    post(f"{_ONE}/distribute", distribute),
    post(f"{_ONE}/withdraw", withdraw),
    get(f"{_ONE}/statement", statement),
    get(f"{_ONE}/statement.csv", statement_csv),
    get(f"{_ONE}/statement.pdf", statement_pdf),
)
