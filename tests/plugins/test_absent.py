"""Settings of a plugin that is not there, a folder that is gone, and locks that open by no mistake."""

from __future__ import annotations

import sys
from importlib.metadata import EntryPoint

import pytest

from wylloh_server.domain.access import AccessRequest, Role, Verdict
from wylloh_server.domain.errors import InvalidValue
from wylloh_server.domain.plugin_settings import READ_AT_START
from wylloh_server.sdk.testing.samples import sample_films, sample_viewer

REQUEST = AccessRequest(sample_viewer(Role.VIEWER), sample_films()[0], "personal")
LOCK = """
@hookimpl
def settings():
    return [Setting("closed", bool, False, "Whether.")]

@hookimpl
async def access_vote(context):
    return Vote(Verdict.DENY, "closed") if context.settings["closed"] else None
"""


def reasons(registry):
    return {record.name: record.reason for record in registry.records() if record.status == "failed"}


async def verdict(dispatch):
    return (await dispatch.count_votes(REQUEST)).vote.verdict


async def test_settings_of_a_plugin_that_is_not_there_are_shown(environment):
    environment.write("shelf", "")
    settings = {"shelv": {"a": 1}, "other": {}}
    async with environment.running(settings=settings) as (registry, dispatch):
        assert reasons(registry) == {
            "shelv": "There are settings in plugins.settings.shelv, but no such plugin. Did you mean shelf? "
            "A changed settings file is read when the server starts again.",
            "other": "There are settings in plugins.settings.other, but no such plugin. "
            "Install it, or remove them. A changed settings file is read when the server starts again.",
        }
        assert await verdict(dispatch) is Verdict.ABSTAIN
        assert registry.plugin("shelf").status == "running"


@pytest.mark.parametrize("typed", ["lokc", "locks", "lok"])
async def test_a_lock_does_not_run_on_its_defaults_when_its_settings_are_mistyped(environment, typed):
    environment.write("lock", LOCK)
    async with environment.running(settings={typed: {"closed": True}}) as (registry, dispatch):
        told = f"plugins.settings.{typed} names no plugin. Did you mean lock? {READ_AT_START}"
        assert reasons(registry)["lock"] == told
        assert await verdict(dispatch) is Verdict.DENY


async def test_settings_of_another_plugin_are_not_taken_for_a_lock_s(environment):
    environment.write("lock", LOCK)
    environment.write("locks", "@hookimpl\ndef settings():\n    return [Setting('a', int, 1, 'A.')]\n")
    async with environment.running(settings={"locks": {"a": 2}}) as (registry, _):
        assert reasons(registry) == {}


async def test_a_plugin_that_voted_and_is_gone_denies_until_it_is_back_or_disabled(environment):
    async with environment.running(voters=["lock"]) as (registry, dispatch):
        (record,) = registry.records()
        assert (record.status, record.votes) == ("failed", True)
        assert record.reason == (
            "It had a say in who may watch, and is gone, so nobody may. Bring it back, or add it to "
            "plugins.disabled (wylloh plugin disable lock)."
        )
        assert await verdict(dispatch) is Verdict.DENY
        environment.write("lock", LOCK)
        assert (await registry.restart("lock")).status == "running", "its folder was mounted again"
        assert await verdict(dispatch) is Verdict.ABSTAIN
    environment.forget()
    async with environment.running(voters=["lock"], path=[], disabled=["lock"]) as (registry, dispatch):
        assert await verdict(dispatch) is Verdict.ABSTAIN
        assert not registry.records()[0].votes, "so it is forgotten"


async def test_a_folder_of_the_settings_that_is_not_there_is_shown(environment):
    nowhere = environment.path / "nowhere"
    async with environment.running(path=[nowhere]) as (registry, _):
        assert reasons(registry) == {str(nowhere): "plugins.path names this folder, which is not there."}


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        (
            "@hookimpl(specname='access_vote')\nasync def vote():\n    return None\n",
            "@hookimpl(specname='access_vote') hides what a function is. Call the function access_vote.",
        ),
        (
            "@hookimpl(specname='access_vote')\nasync def vote():\n    return None\nimport no_such_module\n",
            "It could not be loaded: ModuleNotFoundError: No module named 'no_such_module' "
            "(wylloh_lock/__init__.py:9)",
        ),
        (
            "from wylloh_lock.vote import access_vote\nimport no_such_module\n",
            "It could not be loaded: ModuleNotFoundError: No module named 'wylloh_lock.vote' "
            "(wylloh_lock/__init__.py:6)",
        ),
        (
            "import no_such_module\naccess_vote = hookimpl(print)\n",
            "It could not be loaded: ModuleNotFoundError: ",
        ),
        (
            "async def access_vote(): ...\n",
            "Not marked as hooks, so never called: access_vote. Put @hookimpl above each of these functions, "
            "or rename it.",
        ),
        (
            "async def vote(): ...\naccess_vote = vote\n",
            "Not marked as hooks, so never called: access_vote. ",
        ),
        (
            "if False:\n    @hookimpl\n    async def access_vote(): ...\n",
            "It has a function access_vote that is no hook of its package. Mark it with @hookimpl and import it in",
        ),
    ],
)
async def test_a_lock_opens_by_no_mistake_in_its_code(environment, source, reason):
    environment.write("lock", source)
    async with environment.running() as (registry, dispatch):
        assert reasons(registry)["lock"].startswith(reason)
        assert await verdict(dispatch) is Verdict.DENY


async def test_a_lock_that_no_module_imports_is_not_open(environment):
    package = environment.write("lock", "")
    (package / "locks.py").write_text("@hookimpl\nasync def access_vote(): ...\n")
    async with environment.running() as (registry, dispatch):
        assert reasons(registry)["lock"].startswith("It has a function access_vote that is no hook")
        assert await verdict(dispatch) is Verdict.DENY


async def test_a_lock_whose_mark_is_deleted_while_it_runs_goes_on(environment):
    package = environment.write("lock", LOCK.replace("False", "True"))
    async with environment.running() as (registry, dispatch):
        code = (package / "__init__.py").read_text()
        (package / "__init__.py").write_text(code.replace("@hookimpl\nasync", "async"))
        with pytest.raises(InvalidValue, match="Not marked as hooks, so never called: access_vote"):
            await registry.restart("lock")
        assert await verdict(dispatch) is Verdict.DENY
        assert registry.plugin("lock").status == "running"


async def test_a_lock_in_a_comment_locks_nothing(environment):
    environment.write("lock", "# async def access_vote(): what an author tried\n")
    async with environment.running() as (registry, _):
        assert reasons(registry) == {}


async def test_a_lock_denies_while_it_is_replaced(environment):
    environment.write("lock", LOCK + "@hookimpl\nasync def lifespan():\n    raise ValueError\n    yield\n")
    async with environment.running() as (registry, dispatch):
        assert await verdict(dispatch) is Verdict.DENY
        assert (await registry.restart("lock")).status == "failed"
        assert await verdict(dispatch) is Verdict.DENY


@pytest.fixture
def one_file(tmp_path, monkeypatch):
    """The entry point and the file of a plugin that is one module beside others, without a folder."""
    monkeypatch.syspath_prepend(tmp_path)
    yield EntryPoint("lock", "wylloh_onefile", "wylloh.plugins"), tmp_path / "wylloh_onefile.py"
    sys.modules.pop("wylloh_onefile", None)


async def test_a_lock_of_one_file_that_cannot_be_imported_denies(environment, one_file):
    point, file = one_file
    file.write_text("import no_such_module\nasync def access_vote(): ...\n")
    async with environment.running(points=[point]) as (registry, dispatch):
        assert "no_such_module" in reasons(registry)["lock"]
        assert await verdict(dispatch) is Verdict.DENY


@pytest.mark.parametrize("told", ["constructor", "later"])
async def test_what_voted_before_denies_when_its_code_does_not_show_it(environment, told):
    environment.write("lock", "import no_such_module\n")
    registry = environment.registry(voters=["lock"] if told == "constructor" else [])
    registry.recall(["lock", "gone"] if told == "later" else [])
    assert {record.name for record in registry.records() if record.votes} == {
        "lock",
        *(["gone"] if told == "later" else []),
    }
    assert {one.name for one in registry.disabled_voters()} >= {"lock"}
    registry = environment.registry(disabled=["lock", "gone"])
    registry.recall(["lock", "gone"])
    assert not registry.disabled_voters()


async def test_what_voted_before_and_loads_without_a_vote_has_none(environment):
    environment.write("lock", "")
    registry = environment.registry()
    registry.recall(["lock"])
    async with environment.running() as (registry, dispatch):
        assert await verdict(dispatch) is Verdict.ABSTAIN


async def test_a_lock_that_is_loaded_again_and_cannot_be_stays_one(environment):
    package = environment.write("lock", LOCK.replace("False", "7"))
    async with environment.running() as (registry, dispatch):
        assert await verdict(dispatch) is Verdict.DENY
        (package / "__init__.py").write_text("import no_such_module\n")
        assert (await registry.restart("lock")).status == "failed"
        assert await verdict(dispatch) is Verdict.DENY
