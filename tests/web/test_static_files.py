from __future__ import annotations

import re

import pytest

from wylloh_server.domain.errors import NotFound
from wylloh_server.web.static_files import STATIC, read_static_files


async def test_a_versioned_file_is_kept_for_good(server_under_test, browser):
    address = server_under_test.app[STATIC].address("tokens.css")

    response = await browser.get(address)

    assert response.status == 200 and "immutable" in response.headers["Cache-Control"]
    assert response.headers["Content-Type"] == "text/css; charset=utf-8"


@pytest.mark.parametrize("query", ["", "?v=0000000000000000"])
async def test_without_the_right_version_it_is_asked_for_again(browser, query):
    first = await browser.get(f"/static/tokens.css{query}")
    again = await browser.get(f"/static/tokens.css{query}", headers={"If-None-Match": first.headers["ETag"]})

    assert first.headers["Cache-Control"] == "no-cache"
    assert (again.status, await again.read()) == (304, b"")


async def test_the_player_and_the_font_come_from_their_packages(browser):
    player = await browser.get("/static/vendor/hls/hls.min.mjs")
    style = await (await browser.get("/static/vendor/inter/index.css")).text()
    name = re.search(r"url\(\./(files/inter-latin-[a-z]+-normal\.woff2)\)", style)[1]
    font = await browser.get(f"/static/vendor/inter/{name}")

    assert player.headers["Content-Type"].startswith("text/javascript")
    assert font.headers["Content-Type"] == "font/woff2"


@pytest.mark.parametrize(
    "name", ["../theme.toml", "%2e%2e/theme.toml", "..%2ftheme.toml", "/etc/passwd", "absent.css", "%00"]
)
async def test_only_what_was_there_at_start_is_served(browser, name):
    assert (await browser.get(f"/static/{name}")).status == 404


def test_the_theme_comes_before_the_servers_own_files_and_hidden_ones_never(tmp_path):
    for folder, text in (("theme", "theirs"), ("own", "ours")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "a.css").write_text(text)
    (tmp_path / "own" / ".secret").write_text("x")

    files = read_static_files([tmp_path / "theme", tmp_path / "own"], {"tags": [tmp_path / "own"]})

    assert files.find("a.css").body == b"theirs"
    assert files.find("plugins/tags/a.css").body == b"ours"
    assert files.address(".secret") == "/static/.secret"
    assert files.address("a.css").startswith("/static/a.css?v=")


def test_12_10_a_link_out_of_a_plugins_folder_is_not_followed(tmp_path):
    """The server can read its keys, and a plugin's folder is the plugin's."""
    static = tmp_path / "package/static"
    static.mkdir(parents=True)
    (tmp_path / "master.key").write_text("secret")
    (static / "own.txt").write_text("own")
    (static / "key.txt").symlink_to(tmp_path / "master.key")
    (static / "same.txt").symlink_to(static / "own.txt")
    files = read_static_files([], {"bad": [static]})
    assert files.find("plugins/bad/own.txt").body == files.find("plugins/bad/same.txt").body == b"own"
    with pytest.raises(NotFound):
        files.find("plugins/bad/key.txt")
