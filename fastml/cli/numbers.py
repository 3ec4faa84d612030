"""Cells as numbers: which of comma and point parts the decimals, and what is a code rather than a number.

1.500 is one and a half where points part the decimals, and fifteen hundred where commas do. A column is read in every
way that all of its cells allow; where two are left, the rest of the file decides.
"""

import re

import numpy as np

from fastml.cli.terminal import InputError
from fastml.kinds.values import EXACT

__all__ = ["COMMA", "DASHES", "MISSING", "POINT", "Numbers", "choose_styles", "first_merged", "refuse_infinite"]

POINT, COMMA = "point", "comma"
AHEAD = 256  # cells that are tried before all of a long column
GROUPED = {
    POINT: re.compile(r"[+-]?[1-9]\d{0,2}(?:(,\d{3})+|(,\d\d)+,\d{3})(\.\d*)?"),  # the latter in India
    COMMA: re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?"),
}
WHOLE = re.compile(r"[+-]?[0-9]{16,300}")
BLANKS_OF_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f\u2009'’](?=\d{3}(?!\d))")
MONEY = "$€£¥₹₽₩₺₪฿"
CODES = r"USD|EUR|GBP|CHF|JPY|CAD|AUD|SEK|NOK|DKK|PLN|kr\.?"
MONEY_WORDS = re.compile(rf"^(?:{CODES}|Rs\.?|Fr\.?) ?| ?(?:{CODES}|zł|Kč)$")
MISSING = (
    "", "?", "NA", "N/A", "n/a", "na", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "null", "NULL", "#NULL!", "NaT",
    "\\N", "#DIV/0!", "#REF!", "#VALUE!", "#NAME?", "#NUM!", "#NV", "#WERT!", "#BEZUG!", "#ZAHL!", "#VALEUR!",
    "#NOM?", "#NOMBRE!",
)  # fmt: skip
DASHES = frozenset(
    (
        "-",
        "--",
        "---",
        "–",
        "—",
        ".",
        "None",
        "none",
        "-nan",
        "-NaN",
        "1.#IND",
        "1.#QNAN",
        "-1.#IND",
        "NONE",
        "nil",
        "missing",
        "Missing",
        "unknown",
        "Unknown",
        "k.A.",
        "k. A.",
        "n.a.",
        "n. a.",
        "N.A.",
        "n.d.",
        "n/d",
        "nd",
        "ND",
        "(null)",
        "(blank)",
        "(leer)",
        "*",
        "**",
        "***",
        "..",
        "...",
        ":",
        "…",
    )
)


class Numbers:
    """Collects a column as numbers, in each style of decimals, until a cell is none in any of them."""

    def __init__(self, missing):
        self.missing = missing
        self.parts: dict[str, list] = {POINT: [], COMMA: []}  # of each style that all cells so far allow
        self.first_text = None  # (row, cell): the first that is no number
        self.first_code = None  # (row, cell): the first such as 007
        self.first_part = None  # the first of "," and "." in a cell
        self.with_groups = {POINT: False, COMMA: False}  # whether a style has thousands in groups here
        self.signs: set[str] = set()  # what stood beside the digits and was taken away: currencies, "%"

    def take(self, cells, done):
        """Numbers of some more cells, the first of which stands in row done + 1."""
        if self.first_text or self._soon_text(cells, done):
            return
        cells = ["nan" if cell in self.missing else cell for cell in cells]
        if self.first_code is None:
            at = next((i for i, cell in enumerate(cells) if is_code(cell)), None)
            self.first_code = None if at is None else (done + at + 1, cells[at])
        before, cells = cells, self._bare(cells)
        joined = "".join(cells)
        if self.first_part is None and ("," in joined or "." in joined):
            self.first_part = next(mark for mark in joined if mark in ",.")
        found = {style: self._parse(cells, joined, style) for style in self.parts}
        if all(numbers is None for numbers in found.values()):
            at = next(i for i, cell in enumerate(cells) if all(self._parse([cell], cell, s) is None for s in found))
            self.first_text, self.parts = (done + at + 1, before[at]), {}
            return
        self.parts = {style: [*self.parts[style], x] for style, x in found.items() if x is not None}

    def _soon_text(self, cells, done):
        """Whether one of the first cells is a text already: the others then need not be tried."""
        if len(cells) <= 4 * AHEAD:
            return False
        ahead = Numbers(self.missing)
        ahead.take(cells[:AHEAD], done)
        if ahead.first_text:
            self.first_text, self.first_code, self.parts = ahead.first_text, self.first_code or ahead.first_code, {}
        return ahead.first_text is not None

    def _bare(self, cells):
        """The cells without currencies, percent signs, blanks between thousands; (5) as accountants' -5."""
        joined = "".join(cells)
        plain = joined.isascii() and not any(mark in joined for mark in "$%()' ") and joined.upper() == joined.lower()
        if plain and not any(cell[-1:] == "-" for cell in cells):
            return cells
        percent = [cell.endswith("%") for cell in cells if cell != "nan"]
        if any(percent) and not all(percent):  # half of them per hundred: whose, nobody can tell
            return cells
        return [cell if cell == "nan" else self._bare_cell(cell) for cell in cells]

    def _bare_cell(self, cell):
        text = cell
        if text[0] == "(" and text[-1] == ")" and len(text) > 2:
            text = "-" + text[1:-1].strip()
        sign = ""
        if text[:1] in "+-−" and len(text) > 1:
            sign, text = text[0].replace("−", "-"), text[1:].strip()
        for mark in MONEY:
            if mark in (text[0], text[-1]):
                self.signs.add(mark)
                text = text.strip(mark).strip() or "?"
        if text[-1] == "%":
            self.signs.add("%")
            text = text[:-1].strip() or "?"
        found = MONEY_WORDS.search(text)
        if found and any(c.isdigit() for c in text):
            self.signs.add(found[0].strip())
            text = MONEY_WORDS.sub("", text).strip() or "?"
        if text[-1:] == "-" and not sign and text[:1].isdigit():  # behind, as SAP writes it
            sign, text = "-", text[:-1].strip()
        if text[:1] == "-" and not sign:
            sign, text = "-", text[1:]
        return sign + BLANKS_OF_THOUSANDS.sub("", text) if text[:1].isdigit() or text[:1] in ".," else cell

    @property
    def words(self):
        """What was taken away, in a word or two."""
        return " and ".join(sorted(self.signs))

    def _parse(self, cells, joined, style):
        """float64 of the cells in a style; None where one is no number."""
        own, other = (",", ".") if style == COMMA else (".", ",")
        if other in joined:
            if not all(GROUPED[style].fullmatch(cell) for cell in cells if other in cell):
                return None
            cells, self.with_groups[style] = [cell.replace(other, "") for cell in cells], True
        if own == "," and own in joined:
            if any(cell.count(",") > 1 for cell in cells):
                return None
            cells = [cell.replace(",", ".") for cell in cells]
        if "_" in joined:  # Python reads 1_2 as twelve
            return None
        try:
            return np.array(list(map(float, cells)))
        except ValueError:
            return None

    def finish(self, name, style, rows=None):
        """The numbers in a style; InputError where one is infinite. rows: those in which the cells stand."""
        values = np.concatenate(self.parts[style]) if self.parts[style] else np.empty(0)
        refuse_infinite(values, name, rows)
        return values


def refuse_infinite(values, name, rows=None):
    """InputError where a number of a column is infinite; rows: those in which the numbers stand."""
    infinite = np.isinf(values)
    if infinite.any():
        at = int(infinite.argmax())
        row = at + 1 if rows is None else rows[at]
        raise InputError(f"column {name!r} is infinite in row {row}: leave the cell empty where it is unknown")


def is_code(cell):
    """Whether a cell is a code whose zeros count, such as 007."""
    return cell[:1] == "0" and len(cell) > 1 and cell.isdigit()


def first_merged(cells):
    """The place of the first whole number that float64 makes one with another of the cells, as of two card numbers."""
    held: dict[float, int] = {}
    for place, cell in enumerate(cells):
        if WHOLE.fullmatch(cell):
            whole = int(cell)
            if abs(whole) >= EXACT and held.setdefault(float(cell), whole) != whole:
                return place
    return None


def choose_styles(columns, separator, before=None):
    """(the style of each column, None for texts; whether decimals have commas somewhere).

    before: the style of the file that a model was trained on, for files that do not tell
    """
    sure = {next(iter(c.parts)) for c in columns if not c.first_text and len(c.parts) == 1 and c.first_part}
    told = sure.pop() if len(sure) == 1 else before if not sure else None
    styles: list[str | None] = []
    for column in columns:
        if column.first_text:
            styles.append(None)
        elif told in column.parts:
            styles.append(told)
        elif len(column.parts) == 1:
            styles.append(next(iter(column.parts)))
        else:  # nothing tells: as the cells look
            styles.append(COMMA if column.first_part == "," and separator != "," else POINT)
    return styles, any(s == COMMA and c.first_part for s, c in zip(styles, columns, strict=True))
