"""What a reviewer sees of a title that is not published yet: film, picture, content of the file, rights."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from wylloh_server.domain.byte_size import format_byte_size
from wylloh_server.domain.errors import WyllohError
from wylloh_server.domain.languages import language_name
from wylloh_server.domain.percentage import format_percent
from wylloh_server.domain.rights import right_name, tokens
from wylloh_server.domain.title import UploadKind
from wylloh_server.domain.types import short_address
from wylloh_server.web.app_keys import SERVICES
from wylloh_server.web.template_filters import runtime

if TYPE_CHECKING:
    from collections.abc import Iterable

    from aiohttp import web

    from wylloh_server.domain.film import Film
    from wylloh_server.domain.rendition import AudioTrack, Probe
    from wylloh_server.domain.rights import Tier
    from wylloh_server.domain.title import Title, Upload

_CHANNELS = {1: "mono", 2: "stereo", 6: "5.1", 8: "7.1"}


@dataclass(frozen=True, slots=True)
class TitleReview:
    """What is shown of a title that is not published yet.

    Attributes:
        watch: path of the player; empty while no film can be watched.
        trailer: path of the player with the trailer; empty without one.
        picture: path of a picture that was uploaded; empty without one.
        facts: what its file holds, each with its name.
        notes: a sentence for each thing about the file that does not work.
        rights: tokens, right and terms of each tier.
        terms: supply and royalty, in sentences.
    """

    watch: str
    trailer: str
    picture: str
    facts: tuple[tuple[str, str], ...]
    notes: tuple[str, ...]
    rights: tuple[tuple[str, str, str], ...]
    terms: tuple[str, ...]


async def title_review(request: web.Request, title: Title) -> TitleReview:
    """Look into a title's uploaded film, and describe it together with the rights it asks for."""
    titles = request.app[SERVICES].titles
    files, film = await titles.files(title), await titles.uploaded_film(title)
    trailer = await titles.uploaded_film(title, UploadKind.TRAILER)
    facts, notes = await _inside(request, film) if film else ((), _unusable(files))
    return TitleReview(
        watch=f"/titles/{title.id}/watch" if film else "",
        trailer=f"/titles/{title.id}/trailer" if trailer else "",
        picture=_picture(title, files),
        facts=(*_size(files), *facts, *_beside(files)),
        notes=notes,
        rights=tuple(_tier(tier) for tier in title.terms.tiers),
        terms=_terms(title),
    )


async def _inside(request: web.Request, film: Film) -> tuple[tuple[tuple[str, str], ...], tuple[str, ...]]:
    try:
        probe = await request.app[SERVICES].playback.probe(film)
    except WyllohError as error:
        return (), (error.explained,)
    return probe_facts(probe), probe.notes


def probe_facts(probe: Probe) -> tuple[tuple[str, str], ...]:
    """Name what a film file holds: length, picture, sound, subtitles, chapters."""
    video = probe.video
    picture = f"{video.width}x{video.height}, {float(video.frame_rate):.5g} frames a second, {video.codec}"
    subtitles = _named(language_name(track.language) or "unknown language" for track in probe.subtitles)
    return (
        ("Length", runtime(probe.duration)),
        ("Picture", picture + (", HDR" if video.hdr else "") + (", interlaced" if video.interlaced else "")),
        ("Sound", _named(_sound(track) for track in probe.audio) or "none"),
        *((("Subtitles inside", subtitles),) if subtitles else ()),
        *((("Chapters", str(len(probe.chapters))),) if probe.chapters else ()),
    )


def _sound(track: AudioTrack) -> str:
    channels = _CHANNELS.get(track.channels, f"{track.channels} channels")
    kind = ", commentary" if track.commentary else ", audio description" if track.described else ""
    return f"{language_name(track.language) or 'unknown language'} ({channels}, {track.codec}{kind})"


def _named(names: Iterable[str]) -> str:
    return " · ".join(names)


def _size(files: tuple[Upload, ...]) -> tuple[tuple[str, str], ...]:
    features = (file for file in files if file.kind is UploadKind.FEATURE)
    return tuple(("File", f"{file.filename}, {format_byte_size(file.size)}") for file in features)[:1]


def _beside(files: tuple[Upload, ...]) -> tuple[tuple[str, str], ...]:
    subtitles = (file for file in files if file.kind is UploadKind.SUBTITLES and file.whole)
    named = _named(language_name(file.language) or file.language for file in subtitles)
    return (("Subtitles beside it", named),) if named else ()


def _unusable(files: tuple[Upload, ...]) -> tuple[str, ...]:
    features = [file for file in files if file.kind is UploadKind.FEATURE]
    return tuple(file.fault for file in features if file.fault) or ("No film that can be watched is here.",)


def _picture(title: Title, files: tuple[Upload, ...]) -> str:
    usable = {file.kind: file for file in files if file.usable}
    for kind in (UploadKind.BACKDROP, UploadKind.POSTER):
        if kind in usable:
            return f"/titles/{title.id}/{kind}.jpg?{usable[kind].id}"
    return ""


def _tier(tier: Tier) -> tuple[str, str, str]:
    return tokens(tier.threshold), right_name(tier.right), tier.terms[:1].upper() + tier.terms[1:]


def _terms(title: Title) -> tuple[str, ...]:
    terms = title.terms
    receiver = terms.royalty_receiver or title.publisher
    return (
        f"At most {tokens(terms.supply)} will exist.",
        f"Of every resale {format_percent(terms.royalty_basis_points)} goes to {short_address(receiver)}.",
    )
