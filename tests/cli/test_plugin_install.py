"""`wylloh plugin install`, into an environment of its own that sees this one's packages."""

from __future__ import annotations

import subprocess
import zipfile

import pytest

from tests.components.server import clean_environment
from wylloh_server.cli.plugin.install import plugins_of, trial_environment
from wylloh_server.cli.plugin.new import write_plugin
from wylloh_server.domain.errors import PluginError


@pytest.fixture(scope="module")
def python(tmp_path_factory):
    """The Python of the environment that plugins are installed into."""
    return trial_environment(tmp_path_factory.mktemp("here") / "environment")


@pytest.fixture(scope="module")
def wylloh(python):
    def run(*words):
        # The build tool is here already: it need not be fetched into another environment.
        return subprocess.run(
            [python, "-m", "wylloh_server", "plugin", *map(str, words)],
            env=clean_environment(PIP_NO_BUILD_ISOLATION="0", PIP_NO_INDEX="1", WYLLOH_CONFIG=""),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


def test_a_plugin_is_installed_upgraded_and_never_replaced_by_one_that_does_not_fit(tmp_path, wylloh):
    folder = write_plugin("counting", tmp_path)
    done = wylloh("install", folder)
    assert done.returncode == 0, done
    assert done.stdout.splitlines()[-1] == (
        "Installed counting. The server loads it when it starts the next time."
    )
    assert listed(wylloh) == ("0.1.0", "ready")

    change(folder / "pyproject.toml", 'version = "0.1.0"', 'version = "0.2.0"')
    assert wylloh("install", folder).returncode == 0
    assert listed(wylloh) == ("0.2.0", "ready")

    change(folder / "pyproject.toml", 'version = "0.2.0"', 'version = "0.3.0"')
    change(folder / "wylloh_counting/__init__.py", 'WYLLOH_SDK = "1.0"', 'WYLLOH_SDK = "9.0"')
    refused = wylloh("install", folder)
    assert refused.returncode == 1
    assert "! The plugin was written for SDK 9.0; this server has SDK 1.0." in refused.stdout
    assert "wylloh: The plugin counting was not installed." in refused.stderr
    assert "Traceback" not in refused.stdout + refused.stderr
    assert listed(wylloh) == ("0.2.0", "ready"), "the older version stays"


def change(file, old, new):
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new))


def listed(wylloh):
    lines = [line.split() for line in wylloh("list").stdout.splitlines()]
    return next(((line[1], line[2]) for line in lines if line[0] == "counting"), None)


def test_what_pip_cannot_find_or_build_is_said_in_its_words(tmp_path, wylloh):
    for package in (tmp_path, "wylloh-no-such-plugin"):
        done = wylloh("install", package)
        assert done.returncode == 1
        assert done.stderr.startswith("wylloh: pip could not do it:\n  ")
        assert "Traceback" not in done.stderr


def test_a_second_plugin_of_a_name_is_refused(tmp_path, wylloh):
    folder = write_plugin("other", tmp_path)
    change(folder / "pyproject.toml", 'other = "wylloh_other"', 'tagging = "wylloh_other"')
    done = wylloh("install", folder)
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
            plugins_of(wheel(tmp_path, text))
    both = "[console_scripts]\nx = y:z\n\n[wylloh.plugins]\na = wylloh_a\nb = wylloh_b\n"
    assert plugins_of(wheel(tmp_path, both)) == ("a", "b")
