"""Reading what a publisher types about rights and subtitles."""

from __future__ import annotations

import re
from pathlib import Path

import click

from wylloh_server.domain.quotation import quote_input
from wylloh_server.domain.rights import Tier

_SEATS = re.compile(r"(\d+)\s*seats?")
_COUNTRY = re.compile(r"[A-Z]{2}")
_RIGHT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class TierType(click.ParamType[Tier]):
    """`100:small-venue:50 seats` or `5000:streaming:DE,AT,CH`: threshold, right, then what bounds it."""

    name = "THRESHOLD:RIGHT[:SEATS seats][:COUNTRIES]"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> Tier:
        """Read one tier."""
        if isinstance(value, Tier):
            return value
        threshold, _, rest = str(value).partition(":")
        right, *bounds = rest.split(":")
        if not threshold.isdigit() or not _RIGHT.fullmatch(right):
            self.fail(f"{quote_input(str(value))} is no tier. Write 100:small-venue:50 seats", param, ctx)
        seats: int | None = None
        territories: tuple[str, ...] = ()
        for bound in bounds:
            if match := _SEATS.fullmatch(bound.strip()):
                seats = int(match[1])
            elif all(_COUNTRY.fullmatch(code) for code in bound.split(",")):
                territories = tuple(bound.split(","))
            else:
                self.fail(
                    f"{quote_input(bound)} is no seats or countries. Write 50 seats, or DE,AT,CH",
                    param,
                    ctx,
                )
        return Tier(int(threshold), right, territories, seats)


class SubtitlesType(click.ParamType[tuple[str, Path]]):
    """`en:film.en.vtt`: a BCP 47 language and a WebVTT file."""

    name = "LANGUAGE:FILE"

    def convert(
        self, value: object, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, Path]:
        """Read one subtitle file."""
        if isinstance(value, tuple):
            return value
        language, _, file = str(value).partition(":")
        if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language) or not Path(file).is_file():
            self.fail(
                f"{quote_input(str(value))} is not a language and a file. Write it like en:film.en.vtt",
                param,
                ctx,
            )
        return language, Path(file)


TIER = TierType()
SUBTITLES = SubtitlesType()
