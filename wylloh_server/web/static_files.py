"""Stylesheets, scripts, fonts: read once at start, served from memory under the hash of their content.

Only what was found at start is served, by its exact name: no request path ever reaches the file system.
"""

from __future__ import annotations

import hashlib
import mimetypes
from dataclasses import dataclass
from typing import TYPE_CHECKING

import structlog
from aiohttp import web

from wylloh_server.domain.errors import NotFound
from wylloh_server.domain.quotation import quote_input
from wylloh_server.resources import VENDOR_FILES, vendor_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from pathlib import Path

_TYPES = {
    ".mjs": "text/javascript",
    ".js": "text/javascript",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
}
_PLUGINS = "plugins/"
_YEAR = 365 * 86400

_log = structlog.get_logger("wylloh.web")


@dataclass(frozen=True, slots=True)
class StaticFile:
    """One file: its bytes, media type and the beginning of the SHA-256 of its content, hex."""

    body: bytes
    content_type: str
    version: str


class StaticFiles:
    """Files by their name below `/static/`, or below a plugin's static folder."""

    def __init__(self) -> None:
        self._files: dict[str, StaticFile] = {}

    def add_folder(self, folder: Path, prefix: str = "") -> None:
        """Read a folder, without what a link there leads out of it to. What has the same name stays."""
        inside = folder.resolve()
        for path in sorted(folder.rglob("*")):
            hidden = any(part.startswith(".") for part in path.relative_to(folder).parts)
            if path.is_file() and not hidden and path.resolve().is_relative_to(inside):
                self.add_file(prefix + path.relative_to(folder).as_posix(), path)

    def add_file(self, name: str, path: Path) -> None:
        """Read one file. What is already there under the same name stays."""
        if name not in self._files:
            self._files[name] = _read(path)

    def set_plugins(self, folders: Mapping[str, Iterable[Path]]) -> None:
        """Read the plugins' folders, in place of those read before; they lie under `plugins/<name>/`."""
        self._files = {name: file for name, file in self._files.items() if not name.startswith(_PLUGINS)}
        for plugin, own in folders.items():
            for folder in own:
                self.add_folder(folder, prefix=f"{_PLUGINS}{plugin}/")

    def take(self, other: StaticFiles) -> None:
        """Have what another one has, and no more."""
        self._files = other._files

    def find(self, name: str) -> StaticFile:
        """Return a file.

        Raises:
            NotFound: nothing of that name was there at start.
        """
        file = self._files.get(name)
        if file is None:
            raise NotFound(f"There is no file {quote_input(name)} here.")
        return file

    def address(self, name: str) -> str:
        """Return the address under which a browser may keep the file for good.

        A missing file gets its plain address, so that a page never fails over a picture.
        """
        file = self._files.get(name)
        return f"/static/{name}?v={file.version}" if file else f"/static/{name}"


STATIC: web.AppKey[StaticFiles] = web.AppKey("static")


def read_static_files(folders: Iterable[Path], plugins: Mapping[str, Iterable[Path]]) -> StaticFiles:
    """Read what is served under `/static/`; an earlier folder wins. Vendor files lie under `vendor/`.

    A plugin's files lie under `plugins/<name>/`.
    """
    files = StaticFiles()
    for folder in folders:
        files.add_folder(folder)
    _add_vendor_files(files)
    files.set_plugins(plugins)
    return files


def _add_vendor_files(files: StaticFiles) -> None:
    for name in VENDOR_FILES:
        try:
            files.add_file(f"vendor/{name}", vendor_file(name))
        except NotFound as missing:
            # Pages still show; the log says why the player does not.
            _log.warning("browser file missing", file=name, fix=missing.fix)


async def serve_static(request: web.Request) -> web.Response:
    """Answer `GET /static/{name}`: for good when asked by version, else to be asked again."""
    file = request.app[STATIC].find(request.match_info["name"])
    return _served(request, file)


async def serve_plugin_static(request: web.Request) -> web.Response:
    """Answer `GET /plugins/{plugin}/static/{name}`."""
    name = f"plugins/{request.match_info['plugin']}/{request.match_info['name']}"
    return _served(request, request.app[STATIC].find(name))


def _served(request: web.Request, file: StaticFile) -> web.Response:
    for_good = request.query.get("v") == file.version
    headers = {
        "ETag": f'"{file.version}"',
        "Cache-Control": f"public, max-age={_YEAR}, immutable" if for_good else "no-cache",
    }
    asked = request.if_none_match or ()
    if any(tag.value in {file.version, "*"} for tag in asked):
        return web.Response(status=304, headers=headers)
    return web.Response(body=file.body, headers={**headers, "Content-Type": file.content_type})


def _read(path: Path) -> StaticFile:
    body = path.read_bytes()
    kind = _TYPES.get(path.suffix) or mimetypes.guess_type(path.name)[0] or "application/octet-stream"
    if kind.startswith("text/"):
        kind += "; charset=utf-8"
    return StaticFile(body, kind, hashlib.sha256(body).hexdigest()[:16])
