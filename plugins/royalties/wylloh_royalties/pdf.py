"""A statement on paper: PDF (ISO 32000), A4.

The typeface Roboto is inside, so that names in Latin, Greek and Cyrillic letters can be printed anywhere.
"""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from font_roboto import Roboto, RobotoMedium
from fpdf import FPDF
from fpdf.enums import MethodReturnValue, XPos, YPos
from fpdf.fonts import TTFFont

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wylloh_royalties.statement_view import (
        WrittenAccount,
        WrittenFilm,
        WrittenLine,
        WrittenStatement,
        WrittenSums,
    )

_MARGIN = 18
_BLACK, _GREY, _HAIR = 0, 105, 205
_LARGE, _TEXT, _SMALL = 20, 9.5, 7.5
_LINE = 5.2
_ROOM = 14
"""Millimetres that a row with its second line needs."""
_NUMBER, _WHAT = 40, 18
"""Widths of a column of amounts, and of that between, in millimetres."""
_LINES_HEAD = ("When", "What", "Amount", "Balance")
_FACT = 24
"""Width of a fact's name."""


def printed(statement: WrittenStatement, made: float) -> bytes:
    """Write a statement as PDF. The same statement gives the same bytes.

    Args:
        statement: what to print.
        made: the moment it was counted up to; the document's own date.
    """
    paper = _Document(made, statement)
    paper.head(statement)
    for account in statement.accounts:
        paper.account(account, whole=not statement.who)
    if not statement.accounts:
        paper.paragraph("Nothing was set aside or paid up to the end of this period.", _TEXT)
    paper.notes(statement.notes)
    return bytes(paper.output())


def _whom(statement: WrittenStatement) -> str:
    who = statement.who or "All recipients"
    return f"{who}, {statement.role}" if statement.role else who


class _Document(FPDF):
    def __init__(self, made: float, statement: WrittenStatement) -> None:
        super().__init__(orientation="portrait", unit="mm", format="A4")
        self._running_head = f"{statement.issuer[0]} · Statement, {statement.name} · {_whom(statement)}"
        self.set_creation_date(dt.datetime.fromtimestamp(made, dt.UTC))
        self.set_margins(_MARGIN, _MARGIN)
        self.set_auto_page_break(auto=True, margin=_MARGIN + 4)
        self.add_font("Roboto", "", Roboto)
        self.add_font("Roboto", "B", RobotoMedium)
        font = self.fonts["roboto"]
        self._letters = font.cmap if isinstance(font, TTFFont) else {}
        self.set_lang("en")
        self.add_page()

    def header(self) -> None:
        """Print on every page after the first what it belongs to."""
        if self.page_no() > 1:
            self._fit(self._running_head, self.epw, _SMALL, _GREY)
            self.ln(_LINE * 2)

    def footer(self) -> None:
        """Number the page."""
        self.set_y(-_MARGIN + 4)
        self._style(_SMALL, _GREY)
        self.cell(0, _LINE, f"Page {self.page_no()} of {{nb}}", align="R")

    def head(self, statement: WrittenStatement) -> None:
        """Print who issues it, and what it is about."""
        self.set_title(f"Statement, {statement.name}")
        self.set_author(statement.issuer[0])
        name, *address = statement.issuer
        self.paragraph(name, _TEXT, bold=True)
        for line in address:
            self.paragraph(line, _TEXT, grey=True)
        self.ln(8)
        self.paragraph("Statement", _LARGE, bold=True, height=10)
        self.paragraph(statement.lead, _TEXT + 1.5, height=7)
        self.ln(2)
        self._fact("For", _whom(statement))
        self._fact("Period", statement.days)
        self._fact("Splitter", statement.splitter)
        self._fact("Films", ", ".join(statement.films))

    def account(self, account: WrittenAccount, *, whole: bool) -> None:
        """Print one coin: what adds up, who got what if it is about all, and every line."""
        self.ln(6)
        self._keep_together(5 * _ROOM)
        self.paragraph(account.symbol, _TEXT + 4, bold=True, height=8)
        sums = account.sums
        for name, amount in (
            ("Opening balance", sums.opening),
            ("Credits", sums.credits),
            ("Payouts", sums.payouts),
            ("Closing balance", sums.closing),
        ):
            self._sum(name, amount, bold=name == "Closing balance")
        if account.films:
            self._films(account.films, account.film_sums)
        if whole:
            self._recipients(account.recipients)
        if account.lines:
            self.ln(3)
            self._row(_LINES_HEAD, grey=True)
        for line in account.lines:
            self._entry(line, whole=whole)

    def notes(self, notes: Sequence[str]) -> None:
        """Print up to where it was counted."""
        self.ln(6)
        for note in notes:
            self.paragraph(note, _SMALL, grey=True, height=4)

    def paragraph(
        self, text: str, size: float, *, bold: bool = False, grey: bool = False, height: float = _LINE
    ) -> None:
        """Print a paragraph."""
        self._style(size, _GREY if grey else _BLACK, bold=bold)
        self.multi_cell(0, height, self._drawable(text), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _fact(self, name: str, value: str) -> None:
        if value:
            self._style(_TEXT, _GREY)
            self.cell(_FACT, _LINE, name)
            self._style(_TEXT)
            self.multi_cell(0, _LINE, self._drawable(value), align="L", new_x=XPos.LMARGIN, new_y=YPos.NEXT)

    def _films(self, films: Sequence[WrittenFilm], sums: WrittenFilm | None) -> None:
        self.ln(3)
        head = ("Credits by film", "First sales", "Resales", "Credits")
        self._keep_together(2 * _ROOM)
        self._film(head, grey=True)
        for film in films:
            self._film((film.title, film.sales, film.resales, film.together), under=head)
            self._hair()
        if sums is not None:
            self._film((sums.title, sums.sales, sums.resales, sums.together), under=head, bold=True)

    def _film(
        self,
        texts: tuple[str, str, str, str],
        *,
        grey: bool = False,
        bold: bool = False,
        under: tuple[str, str, str, str] | None = None,
    ) -> None:
        """Print a row of a film; a long title takes more lines."""
        title, *amounts = texts
        size, tone = (_SMALL, _GREY) if grey else (_TEXT, _BLACK)
        width = self.epw - 3 * _NUMBER
        self._style(size, tone, bold=bold)
        lines = self._wrapped(title, width)
        if self._keep_together(_LINE * len(lines) + 2) and under:
            self._film(under, grey=True)
        self._fit(lines[0], width, size, tone, bold=bold)
        for amount in amounts:
            self._fit(amount, _NUMBER, size, tone, align="R", bold=bold)
        self.ln(_LINE)
        for line in lines[1:]:
            self._fit(line, width, size, tone, bold=bold)
            self.ln(_LINE)

    def _wrapped(self, text: str, width: float) -> list[str]:
        drawable = self._drawable(text)
        lines = self.multi_cell(
            width, _LINE, drawable, align="L", dry_run=True, output=MethodReturnValue.LINES
        )
        return lines if isinstance(lines, list) else [drawable]

    def _recipients(self, recipients: Sequence[WrittenSums]) -> None:
        self.ln(3)
        head = ("Recipient", "", "Credits", "Closing balance")
        self._row(head, grey=True)
        for sums in recipients:
            if self._keep_together(_ROOM):
                self._row(head, grey=True)
            self._row((sums.who, "", sums.credits, sums.closing))
            self._hair()

    def _entry(self, line: WrittenLine, *, whole: bool) -> None:
        if self._keep_together(_ROOM):
            self._row(_LINES_HEAD, grey=True)
        self._row((line.when, line.what, line.amount, line.balance))
        self._style(_SMALL - 1, _GREY)
        place = f"Block {line.block:,}, transaction {line.transaction}"
        self.cell(0, 3.6, place, new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        if whole:
            self.cell(0, 3.6, f"Recipient {line.recipient}", new_x=XPos.LMARGIN, new_y=YPos.NEXT)
        self._hair()

    def _row(self, texts: tuple[str, str, str, str], *, grey: bool = False) -> None:
        size, tone = (_SMALL, _GREY) if grey else (_TEXT, _BLACK)
        when, what, amount, balance = texts
        rest = self.epw - 2 * _NUMBER - (_WHAT if what else 0)
        self._fit(when, rest, size, tone)
        if what:
            self._fit(what, _WHAT, size, tone)
        self._fit(amount, _NUMBER, size, tone, align="R")
        self._fit(balance, _NUMBER, size, tone, align="R")
        self.ln(_LINE)

    def _fit(
        self, text: str, width: float, size: float, tone: int, *, align: str = "L", bold: bool = False
    ) -> None:
        """Print a cell, its letters smaller where they would not fit: an amount is never cut off."""
        drawable = self._drawable(text)
        self._style(size, tone, bold=bold)
        wanted = self.get_string_width(drawable) + 2 * self.c_margin
        if wanted > width:
            self._style(size * width / wanted, tone, bold=bold)
        self.cell(width, _LINE, drawable, align=align)

    def _sum(self, name: str, amount: str, *, bold: bool) -> None:
        self._style(_TEXT, bold=bold)
        self.cell(_NUMBER, _LINE, name)
        self._fit(amount, self.epw - _NUMBER, _TEXT, _BLACK, align="R", bold=bold)
        self.ln(_LINE)
        self._hair()

    def _hair(self) -> None:
        self.ln(0.8)
        self.set_draw_color(_HAIR)
        self.set_line_width(0.15)
        self.line(self.l_margin, self.get_y(), self.l_margin + self.epw, self.get_y())
        self.ln(1.2)

    def _keep_together(self, height: float) -> bool:
        """Begin a page where this height does not fit any more; return whether."""
        begins = self.will_page_break(height)
        if begins:
            self.add_page()
        return begins

    def _style(self, size: float, grey: int = _BLACK, *, bold: bool = False) -> None:
        self.set_font("Roboto", "B" if bold else "", size)
        self.set_text_color(grey)

    def _drawable(self, text: str) -> str:
        """Replace letters that the typeface lacks; the page and the CSV have them."""
        return "".join(letter if ord(letter) in self._letters else "?" for letter in text)
