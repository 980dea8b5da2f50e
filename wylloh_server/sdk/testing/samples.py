"""Films and viewers to test plugins with."""

from __future__ import annotations

from wylloh_server.domain.access import Role, Viewer
from wylloh_server.domain.film import (
    Description,
    Film,
    FilmState,
    FolderOrigin,
    TokenOrigin,
    film_id_for,
)
from wylloh_server.domain.types import (
    ChainId,
    Cid,
    DeviceId,
    Seconds,
    SessionId,
    TokenReference,
    Wallet,
)

_CONTRACT = Wallet("0x" + "c0" * 20)
_ROOT = Cid("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354")


def sample_films() -> tuple[Film, ...]:
    """Return four films: one with a token, one without a year, one that is not here yet."""
    return (
        _from_folder("Nosferatu", 1922),
        _from_folder("Metropolis", 1927),
        _from_folder("Holiday on the Coast", None),
        _with_token("Big Buck Bunny", 2008),
    )


def sample_viewer(role: Role) -> Viewer:
    """Return somebody with a role; the same one every time."""
    number = list(Role).index(role) + 1
    wallet = Wallet(f"0x{number:040x}")
    return Viewer(SessionId(f"session-{role}"), DeviceId(f"device-{role}"), wallet, role)


def sample_role(wallet: Wallet) -> Role | None:
    """Return the role of a wallet of `sample_viewer`; None for any other."""
    return next((role for role in Role if sample_viewer(role).wallet == wallet), None)


def _from_folder(title: str, year: int | None) -> Film:
    path = f"/films/{title}.mkv"
    about = Description(title=title, year=year, runtime=Seconds(5400), height=720)
    return Film(film_id_for(f"file:{path}"), about, FolderOrigin(path), FilmState.READY, 1.0)


def _with_token(title: str, year: int) -> Film:
    token = TokenReference(ChainId(1), _CONTRACT, 1)
    about = Description(title=title, year=year, runtime=Seconds(596), height=1080)
    origin = TokenOrigin(token, _ROOT, Wallet("0x" + "ab" * 20), manifest_sha256="5a" * 32)
    return Film(film_id_for(str(token)), about, origin, FilmState.DISCOVERED)
