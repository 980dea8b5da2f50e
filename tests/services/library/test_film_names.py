"""Titles, years, versions, parts and what is no film, by the names of files and folders."""

from __future__ import annotations

from pathlib import PurePath

import pytest

from wylloh_server.domain.film import Description, Film, FilmId, FolderOrigin
from wylloh_server.services.library.film_names import (
    extras,
    film_name,
    title_from,
    trailers,
    twins_told_apart,
)

ROOT = PurePath("/films")


@pytest.mark.parametrize(
    ("name", "title", "year"),
    [
        ("Big.Buck.Bunny.(2008).1080p.mkv", "Big Buck Bunny", 2008),
        ("Big Buck Bunny (2008).mkv", "Big Buck Bunny", 2008),
        ("Big Buck Bunny [2008].mkv", "Big Buck Bunny", 2008),
        ("Spider-Man_(2002).mkv", "Spider-Man", 2002),
        ("big_buck_bunny.mp4", "Big buck bunny", None),
        ("big-buck-bunny-480p-30s.mp4", "Big buck bunny", None),
        ("big-buck-bunny-2008.mp4", "Big buck bunny", 2008),
        ("Metropolis.1927.mkv", "Metropolis", 1927),
        ("Le.Manoir.du.diable.1896.mkv", "Le Manoir du diable", 1896),
        ("2001 A Space Odyssey (1968).mkv", "2001 A Space Odyssey", 1968),
        ("Blade Runner 2049 (2017).mkv", "Blade Runner 2049", 2017),
        ("Blade.Runner.2049.2017.2160p.mkv", "Blade Runner 2049", 2017),
        ("Wonder Woman 1984 (2020) 1080p BluRay.mkv", "Wonder Woman 1984", 2020),
        ("Death Race 2000 (1975).mkv", "Death Race 2000", 1975),
        ("2012.mkv", "2012", None),
        ("1917 (2019).mkv", "1917", 2019),
        ("Spider-Man.Homecoming.2017.mkv", "Spider-Man Homecoming", 2017),
        ("Spider-Man (2002).mkv", "Spider-Man", 2002),
        ("Dr. Strangelove (1964).mkv", "Dr. Strangelove", 1964),
        ("Star Wars - Episode IV (1977).mkv", "Star Wars - Episode IV", 1977),
        ("Brazil (Director's Cut).mkv", "Brazil (Director's Cut)", None),
        ("Brazil (Director's Cut) (1985).mkv", "Brazil (Director's Cut)", 1985),
        ("Stalker.720p.WEB-DL.x264.mkv", "Stalker", None),
        ("Stalker [1080p].mkv", "Stalker", None),
        ("Das Boot 4K.mkv", "Das Boot", None),
        ("Amélie.mkv", "Amélie", None),
        ("七人の侍 (1954).mkv", "七人の侍", 1954),
        ("home movie.mp4", "Home movie", None),
        ("1080p.mkv", "1080p", None),
        ("(2008).mkv", "(2008)", None),
        ("____.mkv", "____.mkv", None),
        ("...mkv", "...mkv", None),
        ("no extension", "No extension", None),
        ("Film 1600 Pennsylvania.mkv", "Film 1600 Pennsylvania", None),
        ("Film.12345.mkv", "Film 12345", None),
        ("The.Meadow.2019.1080p.BluRay.x264-GRP.mkv", "The Meadow", 2019),
        ("The_Meadow_1080p.mkv", "The Meadow", None),
        ("The Meadow (2019) [1080p] [WEBRip] [5.1].mkv", "The Meadow", 2019),
        ("The Meadow (Director's Cut) (2019).mkv", "The Meadow (Director's Cut)", 2019),
        ("The.Meadow.DVDRip.XviD-GRP.avi", "The Meadow", None),
        ("the meadow hdtv xvid.avi", "The meadow", None),
        ("The.Meadow.2160p.UHD.REMUX.HDR.HEVC.TrueHD.7.1.Atmos.mkv", "The Meadow", None),
        ("The.Meadow.PROPER.REPACK.720p.mkv", "The Meadow", None),
        ("1917.2019.1080p.mkv", "1917", 2019),
        ("Runner 2049 (2017).mkv", "Runner 2049", 2017),
        ("Runner.2049.2017.mkv", "Runner 2049", 2017),
        ("[REC] (2007).mkv", "[REC]", 2007),
        ("[Group] Meadow - 01 [1080p][A1B2C3D4].mkv", "Meadow - 01", None),
        ("Meadow.S01E02.The.Hill.1080p.WEB.mkv", "Meadow S01E02 The Hill", None),
        ("Meadow - 1x02 - The Hill.mkv", "Meadow - 1x02 - The Hill", None),
        ("S.W.A.T.2003.mkv", "S.W.A.T", 2003),
        ("Dr. Meadow (1964).mkv", "Dr. Meadow", 1964),
        ("Meadow 20190714.mp4", "Meadow 20190714", None),
        ("VID_20190714_183012.mp4", "VID 20190714 183012", None),
        ("Meadow (2019) {imdb-tt0000001}.mkv", "Meadow", 2019),
        ("Meadow (2019) - 4K.mkv", "Meadow", 2019),
        ("Meadow 4K.mkv", "Meadow", None),
        ("Le.Pré.2019.MULTI.1080p.mkv", "Le Pré", 2019),
        ("草地.2019.1080p.mkv", "草地", 2019),
        ("Meadow - 2019.mkv", "Meadow", 2019),
        ("Meadow, The (2019).mkv", "Meadow, The", 2019),
        ("10.000 BC (2008).mkv", "10.000 BC", 2008),
        ("Meadow 1080 Days.mkv", "Meadow 1080 Days", None),
        ("HEVC Meadow.mkv", "HEVC Meadow", None),
        ("Meadow.mkv.mkv", "Meadow", None),
        ("Meadow.en.mkv", "Meadow", None),
    ],
)
def test_titles_from_file_names(name, title, year):
    assert title_from(name) == (title, year)


@pytest.mark.parametrize(
    ("path", "title", "year"),
    [
        ("The River (1999)/video.mkv", "The River", 1999),
        ("The River (1999)/The River.mkv", "The River", 1999),
        ("The River (1999)/Another One.mkv", "Another One", None),
        ("The River (1999)/VIDEO_TS/VTS_01_1.VOB", "The River", 1999),
        ("Sea (2005)/BDMV/STREAM/00001.m2ts", "Sea", 2005),
        ("Show/Season 01/01.mkv", "Show, Season 01, 01", None),
        ("Show/Season 01/Show S01E02.mkv", "Show S01E02", None),
        ("Hill (2001)/Hill CD2.mkv", "Hill, part 2", 2001),
        ("Lake (2002)/Lake (2002) - part1.mkv", "Lake, part 1", 2002),
        ("video.mkv", "Video", None),
        ("CD 2.mkv", "CD 2", None),
        ("Hill (2001)/CD 2.mkv", "Hill, part 2", 2001),
        ("Alien · Director's Cut (1979).mkv", "Alien · Director's Cut", 1979),
        ("01.mkv", "01", None),
        ("Party (1999).mkv", "Party", 1999),
    ],
)
def test_the_folder_helps_where_the_file_says_less(path, title, year):
    assert film_name(ROOT / path, {ROOT}) == (title, year)


def test_samples_trailers_and_extras_are_no_films():
    films = ["Meadow (2019)/Meadow (2019).mkv", "Trailer Park (2001).mkv", "Extras/Extras (2005).mkv"]
    others = [
        "Meadow (2019)/Sample/sample.mkv", "Meadow (2019)/meadow-sample.mkv", "Meadow (2019)/trailer.mkv",
        "Meadow (2019)/extras/Making of.mkv", "Meadow (2019)/Featurettes/Gag reel.mkv",
        "Meadow (2019)/Meadow (2019)-trailer.mkv", "Meadow (2019)/Behind the Scenes/deep/One.mkv",
    ]  # fmt: skip
    kept = [*films, "Hill/sample.mkv"]
    assert extras({ROOT / one for one in [*kept, *others]}, {ROOT}) == {ROOT / one for one in others}


def test_films_that_are_called_like_extras_are_films():
    """Only where the name before the word is that of a film beside it, or the folder is that of one film."""
    films = ["Interview.mkv", "The Interview.mkv", "Trailer.mkv", "Extra 2.mkv", "The.mkv.mkv", "Other.mkv"]
    films += [
        "Comedies/The Interview.mkv",
        "Comedies/Sample.mkv",
        "Comedies/The River.mkv",
        "Comedies/Sea.mkv",
    ]
    films.remove("The.mkv.mkv")
    others = [
        "Other-trailer.mkv",
        "Sea (1999)/trailer.mkv",
        "Sea (1999)/Sea-trailer2.mkv",
        "River/sample.mkv",
    ]
    beside = ["Sea (1999)/Sea (1999) - 1080p.mkv", "Sea (1999)/Sea (1999) - 4K.mkv", "River/01.mkv"]
    found = {ROOT / one for one in [*films, *others, *beside]}
    assert extras(found, {ROOT}) == {ROOT / one for one in others}


def test_m28_a_trailer_belongs_to_its_film():
    """Under each of Jellyfin's names; a trailer of several versions is that of all of them."""
    trailer_of = {
        "Hill-trailer.mkv": "Hill.mkv", "Lake.trailer.mp4": "Lake (2002).mkv",
        "Pond (2004)_trailer.mkv": "Pond (2004).mkv", "Meadow (2019)/trailer.mkv": "Meadow (2019)/Meadow.mkv",
        "Sea (1999)/Teaser-trailer.mkv": "Sea (1999)/Sea (1999).mkv", "Moor/trailers/One.mkv": "Moor/Moor.mkv",
        "Both/Trailers/Rain-trailer2.mkv": "Both/Rain.mkv", "Both/Trailers/Snow.mkv": "Both/Snow.mkv",
    }  # fmt: skip
    more = {"Moor/trailers/Two.mkv", "Both/Trailers/Other.mkv", "Moor/Moor-sample.mkv", "Moor/extras/A.mkv"}
    films = {ROOT / film for film in [*trailer_of.values(), "Bare/Bare.mkv"]}
    left_out = extras(films | {ROOT / one for one in [*trailer_of, *more]}, {ROOT})
    assert left_out == {ROOT / one for one in [*trailer_of, *more]}
    wanted = {ROOT / film: ROOT / trailer for trailer, film in trailer_of.items()}
    assert trailers(left_out, films) == wanted
    versions = {ROOT / "Wood" / f"Wood (2003) - {mark}.mkv" for mark in ("1080p", "2160p")}
    assert trailers({ROOT / "Wood/trailer.mkv"}, versions) == dict.fromkeys(
        versions, ROOT / "Wood/trailer.mkv"
    )


def named(path, title, year):
    return Film(FilmId(path), Description(title, year=year), FolderOrigin(path))


def apart(*films):
    return twins_told_apart(films, {film.id: PurePath(film.origin.path) for film in films})


def test_films_of_one_title_and_year_are_told_apart():
    """By version, else by folder; as soon as there is only one, it has its title again."""
    low, high = (
        named("/w/Wood (2003) - 1080p.mkv", "Wood", 2003),
        named("/w/Wood (2003) - 2160p.mkv", "Wood", 2003),
    )
    one, other = named("/a/Same (2000).mkv", "Same", 2000), named("/b/Same (2000).mkv", "Same", 2000)
    newer = named("/a/Same (2010).mkv", "Same", 2010)
    assert apart(low, high, one, other, newer) == {
        low.id: "Wood · 1080p", high.id: "Wood · 2160p", one.id: "Same · a", other.id: "Same · b"
    }  # fmt: skip
    cut = named("/w/Alien · Director's Cut (1979).mkv", "Alien · Director's Cut", 1979)
    whole = named("/w/Alien (1979).mkv", "Alien", 1979)
    assert apart(cut, whole) == {}
    marked = named("/w/Wood (2003) - 1080p.mkv", "Wood · 1080p", 2003)
    assert apart(marked) == {low.id: "Wood"}
    assert apart(marked, named("/w/Wood (2003) - 2160p.mkv", "Wood · 2160p", 2003)) == {}
