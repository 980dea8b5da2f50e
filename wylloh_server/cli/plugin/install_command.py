"""`wylloh plugin install`: put a plugin's package beside the server, if it fits.

It is built once, and what would be installed is shown. It is tried in a throw-away environment that sees
this one's packages, and only what is found to fit there is installed here. So what is refused leaves nothing
behind, and an older version stays what it was. Nothing that the server has is changed.
"""

from __future__ import annotations

import configparser
import io
import json
import re
import subprocess
import sys
import sysconfig
import tempfile
import venv
import zipfile
from importlib.metadata import distributions, entry_points
from pathlib import Path
from typing import TYPE_CHECKING

import click

from wylloh_server.cli.plugin.check_command import examine, show
from wylloh_server.cli.plugin.plugin_findings import BY_NAME
from wylloh_server.cli.settings_option import with_settings
from wylloh_server.domain.errors import PluginError
from wylloh_server.passphrase import environment_without_settings
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP, PREFIX

if TYPE_CHECKING:
    from wylloh_server.config import Settings

_LINES = 4
"""How much of what pip said is worth repeating."""


_REQUIREMENT = re.compile(r"([A-Za-z0-9][A-Za-z0-9._-]*)\s*([<>=!~].*)?")
_ONLY_WHEELS = ("--only-binary", ":all:")
"""A package that has to be built runs its code to be built."""


@click.command()
@click.argument("package")
@click.option("--yes", is_flag=True, help="Install without a question.")
@with_settings
def install(settings: Settings, package: str, *, yes: bool) -> None:
    """Install a plugin: PACKAGE is a folder with a pyproject.toml, a wheel, or a package's name (wylloh-…).

    A folder of that name here is taken before a package of an index. What would be installed is shown first.
    It is tried on a copy of the tables, and with the settings, that the server of --config has of it.
    """
    with tempfile.TemporaryDirectory() as folder:
        source, options = find_source(package)
        wheel = _built(source, options, Path(folder))
        names = wheel_plugins(wheel)
        _refuse_taken(names, wheel)
        python = trial_environment(Path(folder) / "trial")
        constraints = Path(folder) / "constraints.txt"
        constraints.write_text("\n".join(_versions_here(wheel)), encoding="utf-8")
        limited = ("-c", str(constraints), *_ONLY_WHEELS)
        _confirm(source, _planned(wheel, limited, python), constraints, yes=yes)
        _pip("install", *limited, str(wheel), python=python)
        for name in names:
            _refuse_unfit(name, python, settings)
        _pip("install", *limited, str(wheel))
        _pip("install", "--force-reinstall", "--no-deps", str(wheel))  # the same version, changed
    click.echo(f"Installed {', '.join(names)}. The server loads it when it starts the next time.")


def find_source(package: str) -> tuple[str, tuple[str, ...]]:
    """Return what pip is asked for, and with which options. What is here comes before any index.

    Raises:
        PluginError: it is neither here nor the name of a plugin's package.
    """
    path = Path(package).expanduser()
    if package and path.exists():  # an empty name would mean the folder one is in
        return str(path.resolve()), ()
    named = _REQUIREMENT.fullmatch(package)
    if named is None:
        raise PluginError(
            f"{package or 'An empty name'} is neither a folder or wheel that is here nor a package.",
            fix="Name a folder with a pyproject.toml, a wheel, or a package wylloh-….",
        )
    if not _plain(named[1]).startswith(PREFIX):
        raise PluginError(
            f"There is no folder {package} here, and packages of plugins are called wylloh-….",
            fix=f"Name the plugin's folder, or the package: wylloh plugin install wylloh-{package}",
        )
    return package, _ONLY_WHEELS


def _versions_here(wheel: Path) -> list[str]:
    """Return a line for each package that is here, so that none is changed; not for the plugin itself."""
    own = _plain(wheel.name.partition("-")[0])
    here = {_plain(found.name): f"{found.name}=={found.version}" for found in distributions() if found.name}
    return [line for name, line in sorted(here.items()) if name != own]


def _planned(wheel: Path, limited: tuple[str, ...], python: Path) -> list[tuple[str, str]]:
    """Return the packages that would be installed, with their versions."""
    report = wheel.with_suffix(".json")
    _pip("install", "--dry-run", "--report", str(report), *limited, str(wheel), python=python)
    found = [one["metadata"] for one in json.loads(report.read_text(encoding="utf-8"))["install"]]
    return [(one["name"], one["version"]) for one in found]


def _confirm(source: str, planned: list[tuple[str, str]], constraints: Path, *, yes: bool) -> None:
    """Show what would be installed, and keep to just that.

    Raises:
        PluginError: it is not wanted.
    """
    click.echo(f"From {source}, into {sys.prefix}:")
    for name, version in planned:
        former = {_plain(one.name): one.version for one in distributions() if one.name}.get(_plain(name))
        click.echo(f"  {name} {version}" + (f", in place of {former}" if former else ""))
    if not planned:
        click.echo("  the same version again; nothing else")
    click.echo("What is here already stays as it is. A plugin runs inside the server, with all its rights.")
    with constraints.open("a", encoding="utf-8") as file:
        file.writelines(f"\n{name}=={version}" for name, version in planned)
    try:
        wanted = yes or click.confirm("Install it?")
    except click.Abort:
        wanted = False
    if not wanted:
        raise PluginError("Nothing was installed.", fix="Add --yes to install without a question.")


def wheel_plugins(wheel: Path) -> tuple[str, ...]:
    """Return the names of the plugins in a wheel.

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


def _built(source: str, options: tuple[str, ...], folder: Path) -> Path:
    _pip("wheel", "--no-deps", *options, "--wheel-dir", str(folder / "wheel"), "--", source)
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


def _refuse_unfit(name: str, python: Path, settings: Settings) -> None:
    found = examine(f"{BY_NAME}{name}", str(python), settings=settings)
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
        command,
        env=environment_without_settings(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if "ResolutionImpossible" in done.stderr:
        wanted = [line.strip() for line in done.stdout.splitlines() if " depends on " in line]
        raise PluginError(
            "The plugin wants another version of a package than this server has:\n  " + "\n  ".join(wanted),
            fix="Ask its author for a version that fits this server; its packages are not changed.",
        )
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()][-_LINES:]
        raise PluginError("pip could not do it:\n  " + "\n  ".join(said), fix="Correct that and try again.")
