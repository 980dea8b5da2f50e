"""Making a splitter and changing its recipients: a form of lines, filled by hand or from CSV."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from wylloh_royalties.coins import coins_named
from wylloh_royalties.recipients_csv import decoded, recipients_in
from wylloh_royalties.shares import (
    MESSAGES,
    MOST,
    Typed,
    basis_points_of,
    check,
    points,
    read,
    sum_sentence,
    total_of,
    typed_recipient,
)
from wylloh_royalties.splitter_proposals import changed, created
from wylloh_royalties.splitter_sync import TOPIC, sync_of, topic_of
from wylloh_royalties.splitters import Splitter, owned_splitter
from wylloh_server.sdk import (
    InvalidValue,
    Page,
    checksummed,
    form_texts,
    format_percent,
    parse_wallet,
    redirect_to_wallet,
    require_viewer,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_server.sdk import Coin, PluginContext, PluginRequest, Reply, Share

_MOST_COINS = 8
"""The contract expects no more."""


@dataclass(frozen=True, slots=True)
class RecipientLine:
    """One line of the form: as typed, both ways of its share, and what is wrong with it."""

    number: int
    typed: Typed
    share: str
    fault: str


async def new_splitter(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the form for a new splitter: all to its owner, to begin with."""
    viewer = require_viewer(request)
    return await _form(context, request, (Typed(checksummed(viewer.wallet), "", "100"), Typed()))


async def make_splitter(context: PluginContext, request: PluginRequest) -> Reply:
    """Edit the form, or propose to make the splitter."""
    return await _submitted(context, request, None)


async def recipients(context: PluginContext, request: PluginRequest) -> Reply:
    """Show the form with the recipients as they are."""
    _, splitter = await owned_splitter(context, request)
    return await _form(context, request, tuple(map(typed_recipient, splitter.shares)), splitter=splitter)


async def change_recipients(context: PluginContext, request: PluginRequest) -> Reply:
    """Edit the form, or propose to change the recipients."""
    _, splitter = await owned_splitter(context, request)
    return await _submitted(context, request, splitter)


async def _submitted(context: PluginContext, request: PluginRequest, splitter: Splitter | None) -> Reply:
    viewer, lines = require_viewer(request), _lines(request)
    if request.value("do") != "propose":
        return await _edited(context, request, lines, splitter)
    try:
        shares = await _whole(context, lines)
        if splitter:
            proposal = await changed(context, viewer, splitter, shares)
        else:
            proposal = await created(context, viewer, shares, await _chosen(context, request))
        return await redirect_to_wallet(context, viewer, proposal)
    except InvalidValue as error:
        return await _form(context, request, lines, splitter=splitter, error=error)


async def _edited(
    context: PluginContext, request: PluginRequest, lines: tuple[Typed, ...], splitter: Splitter | None
) -> Page:
    """Do what a button of the form says: add or remove a line, read CSV, or only check it."""
    action, _, number = request.value("do").partition(":")
    try:
        if action == "add" and len(lines) < MOST:
            lines = (*lines, Typed())
        elif action == "remove" and number.isascii() and number.isdigit() and len(number) < 4:  # noqa: PLR2004
            lines = tuple(line for at, line in enumerate(lines, 1) if at != int(number)) or (Typed(),)
        elif action == "import":
            lines = _imported(request)
    except InvalidValue as error:
        return await _form(context, request, lines, splitter=splitter, error=error)
    return await _form(context, request, lines, splitter=splitter, checked=True)


def _imported(request: PluginRequest) -> tuple[Typed, ...]:
    file = request.files.get("file")
    text = decoded(file.body) if file is not None and file.body else request.value("csv")
    return tuple(
        replace(line, share=format_percent(basis_points_of(line.share), sign=False))
        for line in recipients_in(text)
    )


def _lines(request: PluginRequest) -> tuple[Typed, ...]:
    """Read the lines of the form as typed.

    Raises:
        InvalidValue: somebody made a form of their own.
    """
    columns = [form_texts(request, name) for name in ("account", "role", "share")]
    if len({len(column) for column in columns}) != 1 or len(columns[0]) > MOST:
        raise InvalidValue("This form cannot be read.", fix="Open the page again.")
    return tuple(Typed(*cells) for cells in zip(*columns, strict=True))


async def _whole(context: PluginContext, lines: Sequence[Typed]) -> tuple[Share, ...]:
    """Return recipients that the contract takes and that can take their money out.

    Raises:
        InvalidValue: a line cannot be used, or they are no whole.
    """
    coins = await sync_of(context).projection.coins_in_use()
    shares, faults = read(enumerate(lines, 1))
    for number, fault in faults.items():
        raise InvalidValue(f"Line {number}: {fault}", fix=fault.fix)
    check(shares)
    for share in shares:
        context.chain.contracts.check_payee(share.account, coins)
    return shares


async def _chosen(context: PluginContext, request: PluginRequest) -> tuple[Coin, ...]:
    """Read the coins that a new splitter shall expect."""
    wanted = [parse_wallet(text) for text in form_texts(request, "coin")]
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
    faults = read(enumerate(lines, 1))[1] if checked or error else {}
    values = {
        "splitter": splitter,
        "lines": [_line(number, typed, faults.get(number)) for number, typed in enumerate(lines, 1)],
        "sum": sum_sentence(total_of(lines)),
        "messages": dict(MESSAGES),
        "most": MOST,
        "coins": await _coins(context) if splitter is None else (),
        "chosen": form_texts(request, "coin") if request.form else None,
        "csv": request.value("csv") if error and request.form else "",
        "error": error,
        "topic": topic_of(splitter.address) if splitter else TOPIC,
    }
    return Page("recipients.html", values, status=400 if error else 200)


def _line(number: int, typed: Typed, fault: InvalidValue | None) -> RecipientLine:
    try:
        share = basis_points_of(typed.share)
        written = f"{format_percent(share)} · {points(share)}"
    except InvalidValue:
        written = ""
    return RecipientLine(number, typed, written, f"{fault} {fault.fix}".strip() if fault else "")


async def _coins(context: PluginContext) -> tuple[Coin, ...]:
    """Return the coins that a new splitter can expect: those in which films are sold here."""
    used = (await sync_of(context).projection.coins_in_use())[:_MOST_COINS]
    return tuple((await coins_named(context, used)).known.values())
