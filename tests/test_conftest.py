"""The rules of `conftest.py`, held against runs of their own."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

RULES = Path(__file__).with_name("conftest.py")
RUN_TESTS = Path(__file__).parents[1] / "scripts" / "run_tests.py"


def outside() -> dict[str, str]:
    """Return the environment without what the present run put into it."""
    return {
        name: value
        for name, value in os.environ.items()
        if name != "CI" and not name.startswith("WYLLOH_TEST_")
    }


@pytest.fixture(params=[[], ["-p", "xdist", "--numprocesses=2"]], ids=["one process", "two"])
def run(tmp_path, request):
    """Run one test file under the rules, in CI or not; gives exit code and output."""

    def run(source: str, *, ci: bool) -> tuple[int, str]:
        shutil.copy(RULES, tmp_path / "conftest.py")
        (tmp_path / "test_it.py").write_text(source)
        environ = outside()
        environ |= {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"} | ({"CI": "true"} if ci else {})
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-ra",
            "-p",
            "no:cacheprovider",
            *request.param,
            "--rootdir",
            tmp_path,
            tmp_path,
        ]
        done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    return run


@pytest.mark.parametrize(
    "source",
    [
        "import pytest\ndef test_it(): pytest.skip('no such program')",
        "import pytest\npytestmark = pytest.mark.skip('no such program')\ndef test_it(): pass",
        "import pytest\n@pytest.fixture\ndef need(): pytest.skip('no such program')\ndef test_it(need): pass",
        "import pytest\npytest.skip('no such program', allow_module_level=True)",
    ],
    ids=["in the test", "by a mark", "in a fixture", "of a file"],
)
def test_a_skip_fails_in_ci_and_only_there(run, source) -> None:
    code, output = run(source, ci=True)
    assert code != 0
    assert "Skipped, which CI does not allow: no such program" in output
    _, output = run(source, ci=False)
    assert "1 skipped" in output


def test_what_cannot_be_installed_may_be_skipped(run) -> None:
    code, output = run(
        "import pytest\ndef test_it(): pytest.skip('cannot be installed: a mainframe')", ci=True
    )
    assert code == 0
    assert "1 skipped" in output


def test_an_expected_failure_is_not_taken_for_a_skip(run) -> None:
    code, output = run("import pytest\n@pytest.mark.xfail\ndef test_it(): assert False", ci=True)
    assert code == 0
    assert "1 xfailed" in output


def test_a_process_left_behind_fails_the_run_even_when_it_left_its_parent(run) -> None:
    source = """
import subprocess
def test_it():
    subprocess.run(["setsid", "--fork", "sleep", "8"], check=True)
"""
    code, output = run(source, ci=False)
    assert code == 10
    assert "left behind: process" in output
    assert "sleep 8" in output


@pytest.fixture
def run_tests(tmp_path):
    """Run one test file by `scripts/run_tests.py`; gives exit code and output."""

    def run(source: str) -> tuple[int, str]:
        shutil.copy(RULES, tmp_path / "conftest.py")
        (tmp_path / "test_it.py").write_text("from pathlib import Path\nimport pytest, subprocess\n" + source)
        command = [
            sys.executable,
            "-m",
            "pytest",
            "-p",
            "xdist",
            "--numprocesses=2",
            "--rootdir",
            tmp_path,
            tmp_path,
        ]
        done = subprocess.run(
            [sys.executable, RUN_TESTS, *command],
            cwd=tmp_path,
            env=outside() | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout

    return run


ONCE = """
def once():
    seen = Path(__file__).with_name("seen")
    if not seen.exists():
        seen.touch()
        assert False
"""


def test_what_fails_beside_others_and_passes_alone_is_named_and_counted(run_tests) -> None:
    code, output = run_tests(ONCE + "def test_a(): once()\ndef test_b(): pass\n")
    assert code == 0
    assert "passed alone:\n  test_it.py::test_a\n" in output
    assert output.endswith("\n2 passed, 0 failed\n")
    code, output = run_tests("def test_a(): pass\n")
    assert (code, "Once more" in output) == (0, False)


def test_what_fails_twice_has_failed(run_tests) -> None:
    code, output = run_tests(ONCE + "def test_a(): once()\ndef test_b(): assert 0\ndef test_c(): pass\n")
    assert code == 1
    assert "passed alone" not in output
    assert output.endswith("\n2 passed, 1 failed\n")


@pytest.mark.parametrize(
    "source",
    [
        "@pytest.mark.parametrize('_', range(7))\ndef test_a(_): assert 0\n",
        ONCE + "def test_a():\n subprocess.run(['setsid', '--fork', 'sleep', '8'], check=True)\n once()\n",
        ONCE + "once()\ndef test_a(): pass\n",
    ],
    ids=["too many", "with a process left behind", "a file that cannot be read"],
)
def test_what_is_no_accident_gets_no_second_run(run_tests, source) -> None:
    code, output = run_tests(source)
    assert code != 0
    assert "passed alone" not in output
