"""Making a splitter and changing its recipients: a form of lines, filled by hand or from CSV."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_royalties.addresses import checksummed
from wylloh_royalties.asking import splitter_in, texts_in, viewer_of
from wylloh_royalties.coins import coins_named
from wylloh_royalties.keeper import TOPIC, keeper_of, topic_of
from wylloh_royalties.proposals import changed, created
from wylloh_royalties.shares import (
    MOST,
    Typed,
    basis_points_of,
    check,
    percent,
    points,
    read,
    sum_sentence,
    total_of,
    typed_percent,
)
from wylloh_royalties.sheet import decoded, recipients_in
from wylloh_royalties.splitters import Splitter, check_owner, splitter_of
from wylloh_server.sdk import InvalidValue, Page, Redirect, wallet_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_royalties.shares import Reading
    from wylloh_server.sdk import Coin, PluginContext, PluginRequest, Reply, Share, Viewer

_MOST_COINS = 8
"""The contract expects no more."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line of the form: as typed, both ways of its share, and what is wrong with it."""

    number: int
    typed: Typed
    says: str
    fault: str


async def new_splitter(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the form for a new splitter: all to its owner, to begin with."""
    viewer = viewer_of(request)
    return await _form(context, request, (Typed(checksummed(viewer.wallet), "", "100"), Typed()))


async def make_splitter(context: PluginContext, request: PluginRequest) -> Reply:
    """Work on the form, or propose to make the splitter."""
    viewer, lines = viewer_of(request), _lines(request)
    if request.value("do") != "propose":
        return await _worked_on(context, request, lines, None)
    try:
        shares = _whole(lines)
        coins = await _chosen(context, request)
        proposal = await created(context, viewer, shares, coins)
        return Redirect(f"/transactions/{await context.transactions.propose(viewer, proposal)}")
    except InvalidValue as error:
        return await _form(context, request, lines, error=error)


async def recipients(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the form with the recipients as they are."""
    _, splitter = await _owned(context, request)
    return await _form(context, request, _typed(splitter.shares), splitter=splitter)


async def change_recipients(context: PluginContext, request: PluginRequest) -> Reply:
    """Work on the form, or propose to change the recipients."""
    viewer, splitter = await _owned(context, request)
    lines = _lines(request)
    if request.value("do") != "propose":
        return await _worked_on(context, request, lines, splitter)
    try:
        proposal = await changed(context, viewer, splitter, _whole(lines))
        return Redirect(f"/transactions/{await context.transactions.propose(viewer, proposal)}")
    except InvalidValue as error:
        return await _form(context, request, lines, splitter=splitter, error=error)


async def _owned(context: PluginContext, request: PluginRequest) -> tuple[Viewer, Splitter]:
    viewer = viewer_of(request)
    splitter = await splitter_of(context, splitter_in(request))
    await check_owner(context, splitter.address, viewer)
    return viewer, splitter


async def _worked_on(
    context: PluginContext, request: PluginRequest, lines: tuple[Typed, ...], splitter: Splitter | None
) -> Page:
    """Do what a button of the form says: add or remove a line, read CSV, or just look at it again."""
    deed, _, number = request.value("do").partition(":")
    try:
        if deed == "add" and len(lines) < MOST:
            lines = (*lines, Typed())
        elif deed == "remove" and number.isascii() and number.isdigit() and len(number) < 4:  # noqa: PLR2004
            lines = tuple(line for at, line in enumerate(lines, 1) if at != int(number)) or (Typed(),)
        elif deed == "import":
            lines = _imported(request)
    except InvalidValue as error:
        return await _form(context, request, lines, splitter=splitter, error=error)
    return await _form(context, request, lines, splitter=splitter, checked=True)


def _imported(request: PluginRequest) -> tuple[Typed, ...]:
    file = request.files.get("file")
    text = decoded(file.body) if file is not None and file.body else request.value("csv")
    return tuple(
        replace(line, share=typed_percent(basis_points_of(line.share))) for line in recipients_in(text)
    )


def _lines(request: PluginRequest) -> tuple[Typed, ...]:
    """Read the lines of the form as typed.

    Raises:
        InvalidValue: somebody made a form of their own.
    """
    columns = [texts_in(request, name) for name in ("account", "role", "share")]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > MOST:
        raise InvalidValue("This form cannot be read.", fix="Open the page again.")
    return tuple(Typed(*cells) for cells in zip(*columns, strict=True))


def _whole(lines: Sequence[Typed]) -> tuple[Share, ...]:
    """Give recipients that the contract takes.

    Raises:
        InvalidValue: a line cannot be used, or they are no whole.
    """
    reading = _read(lines)
    if reading.faults:
        fault = reading.faults[0]
        raise InvalidValue(f"Line {fault.line}: {fault.sentence}", fix=fault.fix)
    check(reading.shares)
    return reading.shares


def _read(lines: Sequence[Typed]) -> Reading:
    return read(enumerate(lines, 1))


def _typed(shares: Sequence[Share]) -> tuple[Typed, ...]:
    return tuple(
        Typed(checksummed(share.account), share.role, typed_percent(share.basis_points)) for share in shares
    )


async def _chosen(context: PluginContext, request: PluginRequest) -> tuple[Coin, ...]:
    """Read the coins that a new splitter shall expect."""
    wanted = [wallet_of(text) for text in texts_in(request, "coin")]
    if len(wanted) > _MOST_COINS:
        raise InvalidValue("A splitter expects at most 8 coins.", fix="Choose fewer.")
    found = await coins_named(context, wanted)
    if len(found.known) < len(set(wanted)):
        raise InvalidValue("One of these coins cannot be read now.", fix="Leave it out, or try again.")
    return tuple(found.known.values())


async def _form(
    context: PluginContext,
    request: PluginRequest,
    lines: Sequence[Typed],
    *,
    splitter: Splitter | None = None,
    error: InvalidValue | None = None,
    checked: bool = False,
) -> Page:
    reading = _read(lines)
    faults = {fault.line: str(fault) for fault in reading.faults} if checked or error else {}
    values = {
        "splitter": splitter,
        "lines": [_line(number, typed, faults) for number, typed in enumerate(lines, 1)],
        "sum": sum_sentence(total_of(lines)),
        "most": MOST,
        "coins": await _coins(context) if splitter is None else (),
        "chosen": texts_in(request, "coin") if request.form else None,
        "csv": request.value("csv") if error and request.form else "",
        "error": error,
        "topic": topic_of(splitter.address) if splitter else TOPIC,
    }
    return Page("recipients.html", values, status=400 if error else 200)


def _line(number: int, typed: Typed, faults: dict[int, str]) -> Line:
    try:
        share = basis_points_of(typed.share)
        says = f"{percent(share)} · {points(share)}"
    except InvalidValue:
        says = ""
    return Line(number, typed, says, faults.get(number, ""))


async def _coins(context: PluginContext) -> tuple[Coin, ...]:
    """Give the coins that a new splitter can expect: those in which films are sold here."""
    used = (await keeper_of(context).ledger.coins_in_use())[:_MOST_COINS]
    return tuple((await coins_named(context, used)).known.values())
