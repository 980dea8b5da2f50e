"""Templates that were compiled once are read at the next start, and nothing but speed depends on it."""

from __future__ import annotations

import jinja2
import pytest

from wylloh_server.web.compiled_templates import CompiledTemplates


def environment_of(folder, sources):
    return jinja2.Environment(
        loader=jinja2.DictLoader(sources), bytecode_cache=CompiledTemplates(folder), autoescape=True
    )


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "templates"


async def test_a_server_keeps_those_of_the_pages_it_has_shown(browser, tmp_path):
    assert (await browser.get("/sign-in")).status == 200
    assert list((tmp_path / "templates").iterdir())


def test_a_second_start_compiles_nothing(folder, monkeypatch):
    assert environment_of(folder, {"a": "{{ 1 + 1 }}"}).get_template("a").render() == "2"
    assert folder.stat().st_mode & 0o777 == 0o700
    monkeypatch.setattr(jinja2.Environment, "compile", lambda *_, **__: pytest.fail("it was compiled"))
    assert environment_of(folder, {"a": "{{ 1 + 1 }}"}).get_template("a").render() == "2"


def test_a_template_that_changed_is_compiled_anew(folder):
    environment_of(folder, {"a": "old"}).get_template("a")
    assert environment_of(folder, {"a": "new"}).get_template("a").render() == "new"


def test_another_version_compiles_its_own(folder, monkeypatch):
    environment_of(folder, {"a": "x"}).get_template("a")
    monkeypatch.setattr("wylloh_server.web.compiled_templates.__version__", "99.0")
    environment_of(folder, {"a": "x"}).get_template("a")
    assert len(list(folder.iterdir())) == 2


def test_broken_files_are_compiled_anew(folder):
    environment_of(folder, {"a": "whole"}).get_template("a")
    for file in folder.iterdir():
        file.write_bytes(file.read_bytes()[:40])
    assert environment_of(folder, {"a": "whole"}).get_template("a").render() == "whole"


def test_a_folder_that_cannot_be_made_costs_only_time(tmp_path):
    (tmp_path / "file").touch()
    nowhere = tmp_path / "file" / "templates"
    assert environment_of(nowhere, {"a": "shown"}).get_template("a").render() == "shown"
