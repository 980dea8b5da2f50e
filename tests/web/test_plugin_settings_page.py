"""The owner changes a plugin's settings by a form: tried first, then written into the settings file."""

from __future__ import annotations

import re
import tomllib

import pytest
import tomlkit

from tests.web.conftest import COLLECTOR, OWNER
from wylloh_server.domain.access import Role
from wylloh_server.web import app_keys

CODE = """
from wylloh_server.sdk import *

WYLLOH_SDK = "1.0"

@hookimpl
def settings():
    return [
        Setting("loud", bool, True, "Whether it is loud."),
        Setting("size", int, 3, "How large.", least=1, most=9),
        Setting("way", str, "ask", "How.", choices=("ask", "never")),
        Setting("words", tuple, ("a",), "Which."),
        Setting("token", str, "", "The token.", secret=True),
    ]

@hookimpl
async def lifespan(context):
    if context.settings["size"] == 7:
        raise ValueError("seven is too much")
    yield
"""
SECRET = "hush-hush-hush"
FORM = {"loud": "true", "size": "3", "way": "ask", "words": "a", "token": ""}


GIVEN = {"loud": False, "size": 30, "way": "never", "words": ["b", "c"], "token": SECRET}
"""Four right values, which are no defaults, and a wrong one."""


@pytest.fixture
async def refused(open_server_under_test, tmp_path):
    """A server whose plugin was refused because one of its settings is wrong."""
    return await _opened(open_server_under_test, tmp_path, CODE, GIVEN)


@pytest.fixture
async def server_under_test(open_server_under_test, tmp_path):
    return await _opened(open_server_under_test, tmp_path, CODE, {})


async def _opened(open_server_under_test, tmp_path, code, given):
    package = tmp_path / "plugins" / "wylloh_testset"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(code)
    file = tmp_path / "wylloh.toml"
    file.write_text(
        "# mine\n" + (tomlkit.dumps({"plugins": {"settings": {"testset": given}}}) if given else "")
    )
    server = await open_server_under_test(
        plugin_folder=tmp_path / "plugins", plugin_settings={"testset": given}
    )
    server.file = file
    return server


async def save(person, **values):
    return await post_values(person, FORM | values)


async def post_values(person, values):
    return await person.post("/api/admin/plugins/settings", {"plugin": "testset", "values": values})


def written(server):
    return tomllib.loads(server.file.read_text()).get("plugins", {}).get("settings", {}).get("testset", {})


async def test_changed_settings_take_effect_at_once_and_are_written(server_under_test, owner):
    values = {key: value for key, value in FORM.items() if key != "loud"}
    body = {"plugin": "testset", "values": values | {"size": "4", "words": "b\n\n c ", "token": SECRET}}
    answer = await owner.post("/api/admin/plugins/settings", body)
    assert (answer.status, (await answer.json())["status"]) == (200, "running")
    plugin = server_under_test.plugins.plugin("testset")
    now = {"loud": False, "size": 4, "way": "ask", "words": ("b", "c"), "token": SECRET}
    assert dict(plugin.settings) == dict(plugin.context.settings) == now
    changed = {"loud": False, "size": 4, "words": ["b", "c"], "token": SECRET}
    assert written(server_under_test) == changed, "and no default is written that nobody chose"
    assert server_under_test.file.read_text().startswith("# mine\n")

    page = await (await owner.get("/admin/plugins/testset")).text()
    assert SECRET not in page, "a secret is shown to nobody"
    assert "Set. Leave it empty to keep it." in page
    assert (await save(owner, words="b\nc", size="4")).status == 200
    assert plugin is not server_under_test.plugins.plugin("testset")
    assert server_under_test.plugins.plugin("testset").settings["token"] == SECRET, "left empty it stays"
    assert 'href="/admin/plugins/testset"' in await (await owner.get("/admin")).text()


@pytest.mark.parametrize(
    ("values", "told"),
    [
        ({"size": "10"}, "size must be at most 9, not “10”"),
        ({"size": "x"}, "size must be a whole number, not “x”"),
        ({"way": "always"}, "way must be “ask” or “never”"),
        ({"size": "7"}, "ValueError: seven is too much"),
    ],
)
async def test_settings_that_do_not_fit_change_nothing(server_under_test, owner, values, told):
    answer = await save(owner, **values)
    assert (answer.status, told in (await answer.json())["error"]) == (400, True)
    plugin = server_under_test.plugins.plugin("testset")
    assert (plugin.status, plugin.settings["size"], plugin.settings["way"]) == ("running", 3, "ask")
    assert written(server_under_test) == {}


async def test_one_wrong_setting_in_the_file_costs_none_of_the_others(refused, open_browser):
    """The plugin is refused; the form shows what was given, marks what is wrong, and saving mends only that."""
    owner = open_browser(refused)
    await owner.sign_in(OWNER)
    page = " ".join((await (await owner.get("/admin/plugins/testset")).text()).split())
    assert refused.plugins.plugin("testset").status == "failed"
    assert SECRET not in page
    assert "Set. Leave it empty to keep it." in page
    for shown in (
        'name="loud" value="true" aria-describedby="help-loud" >',
        'name="size" value="30" required aria-describedby="help-size wrong-size" aria-invalid="true"',
        'id="wrong-size">size must be at most 9, not 30.<',
        '<option value="never" selected>',
        ">b\nc</textarea>".replace("\n", " "),
        "testset does not run. plugins.settings.testset.size must be at most 9, not 30.",
    ):
        assert shown in page
    assert page.count("aria-invalid") == 1

    kept = {"way": "never", "words": "b\nc", "token": ""}
    answer = await post_values(owner, kept | {"size": "30"})
    assert (answer.status, written(refused)) == (400, GIVEN), "a wrong one is not taken"
    assert (await post_values(owner, kept)).status == 400, "nor overlooked when it is not sent"
    answer = await post_values(owner, kept | {"size": "4"})
    assert (answer.status, (await answer.json())["status"]) == (200, "running")
    assert written(refused) == GIVEN | {"size": 4}
    now = {"loud": False, "size": 4, "way": "never", "words": ("b", "c"), "token": SECRET}
    assert dict(refused.plugins.plugin("testset").settings) == now


async def test_a_plugin_that_fails_for_another_reason_keeps_its_settings_too(
    open_server_under_test, open_browser, tmp_path
):
    server = await _opened(open_server_under_test, tmp_path, CODE, GIVEN | {"size": 7})
    owner = open_browser(server)
    await owner.sign_in(OWNER)
    assert "seven is too much" in server.plugins.plugin("testset").reason
    answer = await post_values(owner, {"size": "4"})
    assert (answer.status, written(server)) == (200, GIVEN | {"size": 4})


async def test_settings_that_cannot_be_written_are_taken_back(server_under_test, owner):
    server_under_test.file.write_text("plugins = { settings = { testset = { loud = true } } }\n")
    answer = await save(owner, size="5")
    assert (answer.status, "written in a way" in (await answer.json())["error"]) == (400, True)
    plugin = server_under_test.plugins.plugin("testset")
    assert (plugin.status, plugin.settings["size"]) == ("running", 3)


@pytest.mark.parametrize(
    ("file", "values", "told"),
    [
        (b"[plugins\n", {"size": "5"}, "is no TOML now"),
        (b"\xff", {"size": "5"}, "is no TOML now"),
        (b"", {"way": "\ud800"}, "not JSON"),
    ],
)
async def test_what_the_file_cannot_take_is_never_in_force(server_under_test, owner, file, values, told):
    """Somebody may be editing it, and not every text that JSON can write is one."""
    server_under_test.file.write_bytes(file)
    answer = await save(owner, **values)
    assert (answer.status, told in (await answer.json())["error"]) == (400, True)
    plugin = server_under_test.plugins.plugin("testset")
    assert (plugin.status, plugin.settings["size"], plugin.settings["way"]) == ("running", 3, "ask")
    assert server_under_test.file.read_bytes() == file


async def test_whatever_goes_wrong_in_writing_takes_the_settings_back(server_under_test, owner, monkeypatch):
    def save_nothing(*_):
        raise RuntimeError("something unforeseen")

    configuration = server_under_test.app[app_keys.SERVICES].plugin_configuration
    monkeypatch.setattr(configuration, "save", save_nothing)
    assert (await save(owner, size="5")).status == 500
    assert server_under_test.plugins.plugin("testset").settings["size"] == 3


async def test_a_secret_is_kept_where_nobody_else_reads_it_and_can_be_removed(server_under_test, owner):
    def box(page):
        (found,) = re.findall(r'<label id="remove-token" (hidden)?>', page)
        return found != "hidden"

    server_under_test.file.chmod(0o644)
    assert not box(await (await owner.get("/admin/plugins/testset")).text()), "there is nothing to remove"
    await save(owner, size="4")
    assert server_under_test.file.stat().st_mode & 0o777 == 0o644, "it holds no secret"
    await save(owner, token=SECRET)
    assert server_under_test.file.stat().st_mode & 0o777 == 0o600
    assert box(await (await owner.get("/admin/plugins/testset")).text())

    both = await save(owner, **{"token": "another", "token.remove": "true"})
    assert (both.status, "Choose one of the two" in await both.text()) == (400, True)
    assert server_under_test.plugins.plugin("testset").settings["token"] == SECRET
    assert (await save(owner, **{"token.remove": "true"})).status == 200
    assert server_under_test.plugins.plugin("testset").settings["token"] == ""
    assert written(server_under_test)["token"] == ""


async def test_only_the_owner_may_with_a_fresh_signature(server_under_test, owner, open_browser):
    await server_under_test.storage.accounts.save(COLLECTOR, Role.ADMIN)
    admin = open_browser(server_under_test)
    await admin.sign_in(COLLECTOR)
    assert (await admin.get("/admin/plugins/testset")).status == 403
    assert (await save(admin, size="5")).status == 403
    server_under_test.clock.now += 301
    answer = await save(owner, size="5")
    assert (answer.status, (await answer.json())["code"]) == (403, "signature-needed")
    assert server_under_test.plugins.plugin("testset").settings["size"] == 3
    assert (await owner.get("/admin/plugins/nobody")).status == 404


async def switch(person, way, plugin="testset"):
    return await person.post(f"/api/admin/plugins/{way}", {"plugin": plugin})


async def test_51_the_owner_switches_a_healthy_plugin_off_and_on(server_under_test, owner):
    """At once, and for the next start: with the list that `wylloh plugin disable` changes."""
    page = await (await owner.get("/admin")).text()
    assert 'data-off="testset"' in page and 'data-start="testset"' not in page
    off = await switch(owner, "off")
    assert (off.status, (await off.json())["status"]) == (200, "disabled")
    assert tomllib.loads(server_under_test.file.read_text()) == {"plugins": {"disabled": ["testset"]}}
    assert server_under_test.file.read_text().startswith("# mine")
    page = await (await owner.get("/admin")).text()
    assert 'data-start="testset"' in page and 'data-off="testset"' not in page
    assert "Switched off." in page and "/admin/plugins/testset" not in page
    assert (await switch(owner, "off")).status == 400, "twice"
    on = await switch(owner, "start")
    assert (on.status, (await on.json())["note"]) == (200, "")
    assert server_under_test.plugins.plugin("testset").status == "running"
    assert tomllib.loads(server_under_test.file.read_text())["plugins"]["disabled"] == []


async def test_51_what_cannot_be_written_down_holds_until_the_next_start_and_says_so(
    server_under_test, owner, monkeypatch
):
    monkeypatch.setenv("WYLLOH_PLUGINS__DISABLED", "[]")
    record = await (await switch(owner, "off")).json()
    assert record["reason"].startswith("Switched off until the server starts again.")
    assert "WYLLOH_PLUGINS__DISABLED" in record["reason"] and "Change that variable." in record["reason"]
    assert "WYLLOH_PLUGINS__DISABLED" in (await (await switch(owner, "start")).json())["note"]
    assert server_under_test.file.read_text() == "# mine\n"


async def test_51_only_the_owner_switches_plugins(server_under_test, owner, open_browser):
    await server_under_test.storage.accounts.save(COLLECTOR, Role.ADMIN)
    admin = open_browser(server_under_test)
    await admin.sign_in(COLLECTOR)
    assert [(await switch(admin, way)).status for way in ("off", "start")] == [403, 403]
    assert "data-off" not in await (await admin.get("/admin")).text()
    assert (await switch(owner, "off", "nobody")).status == 404
