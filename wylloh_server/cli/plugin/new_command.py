"""`wylloh plugin new`: write a plugin that works, to change into one's own.

The model is a whole plugin called `example` in `scaffold/` beside this file, checked and tested like the
rest; only its name is replaced.
"""

from __future__ import annotations

import importlib.util
import keyword
import shutil
import tempfile
from importlib.metadata import entry_points
from pathlib import Path

import click

from wylloh_server.domain.errors import InvalidValue, PluginError
from wylloh_server.plugins.loading import check_name
from wylloh_server.plugins.spec import ENTRY_POINT_GROUP, PREFIX

_MODEL = Path(__file__).with_name("scaffold")
_MODEL_NAME = "example"
_SUCH_AS = "Choose a name such as counting or nightly2."
_LEFT_OUT = {"__pycache__", ".pytest_cache"}


@click.command("new")
@click.argument("name")
@click.option("--folder", default=".", type=click.Path(path_type=Path), help="Where to put its folder.")
def new(name: str, folder: Path) -> None:
    """Write a plugin with a page, a table, a listener, a setting, tests and a README."""
    written = write_plugin(name, folder.expanduser().absolute())
    click.echo(f"Wrote the plugin {name} to {written}")
    click.echo(f"  Test it:    cd {written} && python -m pytest")
    click.echo(f"  Check it:   wylloh plugin check {written}")
    click.echo(f'  Run it:     plugins.path = ["{written.parent}"] in the settings file,')
    click.echo("              then wylloh serve --dev")
    click.echo(f"  Its page:   /plugins/{name}/")


def write_plugin(name: str, folder: Path) -> Path:
    """Write a plugin into `folder`/`name` and return that path. All of it is written, or nothing.

    Raises:
        InvalidValue: no plugin can have that name, or it is taken; the message says what to do.
        OSError: the folder cannot be written.
    """
    _check(name)
    target = folder / name
    if target.exists():
        raise InvalidValue(f"There is something at {target} already.", fix="Choose another name or --folder.")
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=f".{name}-") as unfinished:
        whole = Path(unfinished) / name
        for file in _files():
            _write(file, whole / _named(str(file.relative_to(_MODEL)), name), name)
        whole.rename(target)
    return target


def _check(name: str) -> None:
    try:
        check_name(name)
    except PluginError as error:
        raise InvalidValue(str(error), fix=_SUCH_AS) from None
    if keyword.iskeyword(name):
        said = f"{name} is a reserved word of Python; no plugin can have that name."
        raise InvalidValue(said, fix=_SUCH_AS)
    if name in {point.name for point in entry_points(group=ENTRY_POINT_GROUP)}:
        raise InvalidValue(f"A plugin called {name} is installed here already.", fix="Choose another name.")
    if importlib.util.find_spec(PREFIX + name) is not None:
        raise InvalidValue(f"There is a Python package called {PREFIX}{name}.", fix="Choose another name.")


def _files() -> list[Path]:
    return [
        file
        for file in sorted(_MODEL.rglob("*"))
        if file.is_file() and not _LEFT_OUT.intersection(file.relative_to(_MODEL).parts)
    ]


def _write(file: Path, target: Path, name: str) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_text(_named(file.read_text(encoding="utf-8"), name), encoding="utf-8")
    shutil.copymode(file, target)


def _named(text: str, name: str) -> str:
    return text.replace(_MODEL_NAME, name).replace(_MODEL_NAME.capitalize(), name.capitalize())
