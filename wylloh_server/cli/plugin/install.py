"""`wylloh plugin install`: put a plugin's package beside the server, if it fits.

It is built once, tried in a throw-away environment that sees this one's packages, and only what is found to
fit there is installed here. So what is refused leaves nothing behind, and an older version stays what it was.
"""

from __future__ import annotations

import configparser
import io
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from importlib.metadata import entry_points
from pathlib import Path

import click

from wylloh_server.cli.plugin._findings import BY_NAME
from wylloh_server.cli.plugin.check import examine, show
from wylloh_server.domain.errors import PluginError
from wylloh_server.hooks.spec import ENTRY_POINT_GROUP

_LINES = 4
"""How much of what pip said is worth repeating."""


@click.command()
@click.argument("package")
def install(package: str) -> None:
    """Install a plugin: PACKAGE is a name, a wheel, or a folder with a pyproject.toml."""
    with tempfile.TemporaryDirectory() as folder:
        wheel = _built(package, Path(folder))
        names = plugins_of(wheel)
        _refuse_taken(names, wheel)
        python = trial_environment(Path(folder) / "trial")
        _pip("install", str(wheel), python=python)
        for name in names:
            _refuse_unfit(name, python)
        _pip("install", str(wheel))
        _pip("install", "--force-reinstall", "--no-deps", str(wheel))  # the same version, changed
    click.echo(f"Installed {', '.join(names)}. The server loads it when it starts the next time.")


def plugins_of(wheel: Path) -> tuple[str, ...]:
    """Give the names of the plugins in a wheel.

    Raises:
        PluginError: there is none in it.
    """
    with zipfile.ZipFile(wheel) as archive:
        file = next((name for name in archive.namelist() if name.endswith(".dist-info/entry_points.txt")), "")
        text = archive.read(file).decode() if file else ""
    parser = configparser.ConfigParser(delimiters=("=",))
    parser.read_file(io.StringIO(text))
    if not parser.has_section(ENTRY_POINT_GROUP):
        raise PluginError(
            f"{wheel.name} is no plugin: it has no entry point in {ENTRY_POINT_GROUP}.",
            fix=f'Name it in its pyproject.toml: [project.entry-points."{ENTRY_POINT_GROUP}"].',
        )
    return tuple(parser.options(ENTRY_POINT_GROUP))


def _built(package: str, folder: Path) -> Path:
    _pip("wheel", "--no-deps", "--wheel-dir", str(folder / "wheel"), "--", package)
    return next((folder / "wheel").glob("*.whl"))


def _refuse_taken(names: tuple[str, ...], wheel: Path) -> None:
    """Raise PluginError if another package brings a plugin of the same name."""
    own = _plain(wheel.name.partition("-")[0])
    for point in entry_points(group=ENTRY_POINT_GROUP):
        if point.name in names and point.dist and _plain(point.dist.name) != own:
            raise PluginError(
                f"The package {point.dist.name} brings a plugin called {point.name} already.",
                fix="Remove that one first.",
            )


def _plain(name: str) -> str:
    return name.lower().replace("-", "_").replace(".", "_")


def trial_environment(folder: Path) -> Path:
    """Make an environment with nothing of its own that finds everything installed here; give its Python."""
    venv.create(folder, with_pip=False)
    scheme = "posix_prefix"
    base = {"base": str(folder), "platbase": str(folder)}
    packages = Path(sysconfig.get_path("purelib", scheme, vars=base))
    # A line of a .pth file that begins with `import` is run; addsitedir reads the .pth files there in turn.
    here = sysconfig.get_path("purelib")
    (packages / "here.pth").write_text(f"import site; site.addsitedir({here!r})\n", encoding="utf-8")
    return folder / "bin" / "python"


def _refuse_unfit(name: str, python: Path) -> None:
    found = examine(f"{BY_NAME}{name}", str(python))
    show(found)
    if not all(finding.ok for finding in found):
        raise PluginError(f"The plugin {name} was not installed.", fix="What is wrong with it stands above.")


def _pip(*words: str, python: Path | None = None) -> None:
    """Run this environment's pip, for itself or for another Python.

    Raises:
        PluginError: it failed; with the end of what it said.
    """
    other = ["--python", str(python)] if python else []
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--no-input", *other, *words]
    done = subprocess.run(  # noqa: S603 - pip, with what the operator typed as one argument
        command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()][-_LINES:]
        raise PluginError("pip could not do it:\n  " + "\n  ".join(said), fix="Correct that and try again.")
