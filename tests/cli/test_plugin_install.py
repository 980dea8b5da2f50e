"""`wylloh plugin install`, into an environment of its own that sees this one's packages."""

from __future__ import annotations

import subprocess
import zipfile

import pytest

from tests.components.server import clean_environment
from wylloh_server.cli.plugin.install_command import find_source, wheel_plugins, trial_environment
from wylloh_server.cli.plugin.new_command import write_plugin
from wylloh_server.domain.errors import PluginError


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of the environment that plugins are installed into."""
    return trial_environment(tmp_path_factory.mktemp("here") / "environment")


@pytest.fixture(scope="module")
def wylloh(python):
    def run(*words, answer=None):
        # The build tool is here already: it need not be fetched into another environment.
        return subprocess.run(
            [python, "-m", "wylloh_server", "plugin", *map(str, words)],
            env=clean_environment(PIP_NO_BUILD_ISOLATION="0", PIP_NO_INDEX="1", WYLLOH_CONFIG=""),
            input=answer or "",
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_plugin_is_installed_upgraded_and_never_replaced_by_one_that_does_not_fit(tmp_path, wylloh):
    folder = write_plugin("counting", tmp_path)
    refused = wylloh("install", folder)
    assert refused.returncode == 1
    assert f"From {folder}, into " in refused.stdout
    assert "  wylloh-counting 0.1.0\n" in refused.stdout
    assert "Nothing was installed." in refused.stderr
    assert "loads" not in refused.stdout, "and nothing of it was run"
    assert listed(wylloh) is None

    done = wylloh("install", folder, answer="y\n")
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == (
        "Installed counting. The server loads it when it starts the next time."
    )
    assert listed(wylloh) == ("0.1.0", "ready")

    change(folder / "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    done = wylloh("install", folder, "--yes")
    assert (done.returncode, "wylloh-counting 0.2.0, in place of 0.1.0" in done.stdout) == (0, True), done
    assert listed(wylloh) == ("0.2.0", "ready")

    change(folder / "pyproject.toml", 'version = "0.2.0"', 'version = "0.3.0"')
    change(folder / "wylloh_counting/__init__.py", 'WYLLOH_SDK = "1.0"', 'WYLLOH_SDK = "9.0"')
    refused = wylloh("install", folder, "--yes")
    assert refused.returncode == 1
    assert "! The plugin was written for SDK 9.0; this server has SDK 1.0." in refused.stdout
    assert "wylloh: The plugin counting was not installed." in refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    assert listed(wylloh) == ("0.2.0", "ready"), "the older version stays"

    change(folder / "wylloh_counting/__init__.py", 'WYLLOH_SDK = "9.0"', 'WYLLOH_SDK = "1.0"')
    (tmp_path / "wylloh.toml").write_text("[plugins.settings.counting]\nunknown = 1\n")
    refused = wylloh("install", folder, "--yes", "--config", tmp_path / "wylloh.toml")
    assert (refused.returncode, "unknown" in refused.stdout) == (1, True), "it is tried with what is set here"
    assert listed(wylloh) == ("0.2.0", "ready")


def test_a_folder_of_that_name_is_meant_before_a_package_of_an_index(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "halftime").mkdir()
    assert find_source("halftime") == (str(tmp_path / "halftime"), ())
    assert find_source("wylloh-halftime") == ("wylloh-halftime", ("--only-binary", ":all:"))
    assert find_source("Wylloh_Halftime==1.0")[1] == ("--only-binary", ":all:")


@pytest.mark.parametrize("package", ["shelf", "np", "wylloh", "halftime==1.0"])
def test_a_bare_name_without_the_prefix_is_asked_of_no_index(tmp_path, monkeypatch, package):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError, match="packages of plugins are called wylloh-") as refused:
        find_source(package)
    assert "wylloh plugin install wylloh-" in refused.value.fix


@pytest.mark.parametrize(
    "package",
    ["git+https://example.com/x", "https://example.com/x.whl", "--user", "-r x", "nothing/here", ""],
)
def test_what_is_neither_here_nor_a_name_is_refused(tmp_path, monkeypatch, package):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(PluginError):
        find_source(package)


def test_a_plugin_that_would_change_the_server_s_packages_is_refused(tmp_path, wylloh):
    folder = write_plugin("greedy", tmp_path)
    change(folder / "pyproject.toml", '["wylloh-server"]', '["wylloh-server", "segno<1"]')
    done = wylloh("install", folder, "--yes")
    assert (done.returncode, "Installed" in done.stdout) == (1, False)
    assert "wylloh: The plugin wants another version of a package than this server has:\n" in done.stderr
    assert "segno<1" in done.stderr


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def listed(wylloh):
    lines = [line.split() for line in wylloh("list").stdout.splitlines()]
    return next(((line[1], line[2]) for line in lines if line[0] == "counting"), None)


def test_what_pip_cannot_find_or_build_is_said_in_its_words(tmp_path, wylloh):
    for package in (tmp_path, "wylloh-no-such-plugin"):
        done = wylloh("install", package, "--yes")
        assert done.returncode == 1
        assert done.stderr.startswith("wylloh: pip could not do it:\n  ")
        assert "Traceback" not in done.stderr


def test_a_second_plugin_of_a_name_is_refused(tmp_path, wylloh):
    folder = write_plugin("other", tmp_path)
    change(folder / "pyproject.toml", 'other = "wylloh_other"', 'tagging = "wylloh_other"')
    done = wylloh("install", folder, "--yes")
    assert (done.returncode, done.stdout) == (1, "")
    assert "The package wylloh-server brings a plugin called tagging already." in done.stderr


def wheel(tmp_path, text):
    file = tmp_path / "thing-1.0-py3-none-any.whl"
    with zipfile.ZipFile(file, "w") as archive:
        archive.writestr("thing-1.0.dist-info/METADATA", "Name: thing\n")
        if text is not None:
            archive.writestr("thing-1.0.dist-info/entry_points.txt", text)
    return file


def test_a_package_that_is_no_plugin_is_refused(tmp_path):
    for text in (None, "", "[console_scripts]\nthing = thing:main\n"):
        with pytest.raises(PluginError, match="thing-1.0-py3-none-any.whl is no plugin"):
            wheel_plugins(wheel(tmp_path, text))
    both = "[console_scripts]\nx = y:z\n\n[wylloh.plugins]\na = wylloh_a\nb = wylloh_b\n"
    assert wheel_plugins(wheel(tmp_path, both)) == ("a", "b")
