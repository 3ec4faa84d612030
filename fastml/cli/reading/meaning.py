"""What the cells of a column mean: numbers, texts, truth values, dates. Collected block by block, 8 bytes a cell."""

import re
from typing import NamedTuple

import numpy as np

from fastml.cli.numbers import COMMA, POINT, Numbers, first_merged, refuse_infinite

__all__ = ["TRUTHS", "Cells", "Column", "truth_of"]

TRUTHS = [("false", "true"), ("no", "yes"), ("n", "y"), ("f", "t"), ("off", "on"), ("nein", "ja"), ("non", "oui"),
          ("no", "sí"), ("no", "si"), ("falsch", "wahr"), ("faux", "vrai"), ("falso", "verdadero")]  # fmt: skip
SPELLINGS = 1000  # two words have fewer, in small letters and capitals
CODE = r"^0[0-9]+$"
OTHERS = 50_000  # distinct texts that are looked at beside those of the rows that are kept
GROUPED = re.compile(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")


class Column(NamedTuple):
    name: str
    values: np.ndarray  # (n,) float64, NaN where missing; of a text column the places of its cells in `texts`
    texts: list | None  # the distinct texts in order, or None for a column of numbers
    first_text: tuple | None = None  # (row, cell): the first cell that is no number
    numbers: np.ndarray | None = None  # (n,) of a text column all of whose cells are numbers
    kind: str = "number"  # or "text", "truth", "date"; "part" of a date
    form: object = None  # of truth values the two words, of dates one of dates.FORMS
    words: str = ""  # what was understood, where that is worth saying
    source: str = ""  # the column of the file
    original: object = None  # of truth values and dates the Column as it stood


class Plain(NamedTuple):
    """What is known of a column of plain numbers, in the words of Numbers."""

    parts: dict
    first_part: str | None
    first_text: tuple | None = None
    first_code: tuple | None = None
    with_groups: dict = {POINT: False, COMMA: False}
    words: str = ""


class Cells:
    """One column as it is read: numbers as long as all cells are plainly so, or distinct texts and their places."""

    def __init__(self, marks, dashes):
        self.marks, self.dashes, self.missing = marks, dashes, sorted(dashes)
        self.floats: list | None = []
        self.points = ""  # "decimal", or "unclear" where they could stand between thousands
        self.places: dict[str, int] = {}
        self.firsts: list[int] = []  # the first row of each distinct text
        self.codes: list = []
        self.done, self.late, self.collected = 0, False, False
        self.others: dict[str, int] = {}  # texts of rows that are not kept, and their first row

    def take(self, cells, keep=None):
        """Some more cells: a list of texts, or an array of pyarrow's; keep: places of those that stay, None for all."""
        if self.floats is not None:
            values = quick(cells, self)
            if values is not None:
                self.floats.append(values if keep is None else values[keep])
            else:
                self.late, self.floats, self.collected = self.done > 0, None, self.done == 0
        if self.floats is None and not self.late:
            self._collect(cells, keep)
        self.done += len(cells)

    def prune(self, keep):
        """Of the rows kept so far only those at these places stay."""
        if self.floats is not None:
            self.floats = [np.concatenate(self.floats)[keep]]
        elif not self.late:
            used, codes = np.unique(np.concatenate(self.codes)[keep], return_inverse=True)
            texts, rows = list(self.places), self.firsts
            self.codes = [codes.astype(np.int32)]
            self.places = {texts[i]: k for k, i in enumerate(used.tolist())}
            self.firsts = [rows[i] for i in used.tolist()]
            for text, row in zip(texts, rows, strict=True):
                if len(self.others) < OTHERS and text not in self.places:
                    self.others.setdefault(text, row)

    def restart(self):
        """Before a second pass over the file, for a column that is needed as texts."""
        self.places, self.firsts, self.codes, self.others, self.done = {}, [], [], {}, 0
        self.late, self.collected, self.floats = False, True, None

    def again(self, cells, keep=None):
        self._collect(cells, keep)
        self.done += len(cells)

    def _collect(self, cells, keep):
        rows = np.arange(len(cells))
        if keep is not None and len(self.others) >= OTHERS:
            cells, rows, keep = those(cells, keep), keep, None
        distinct, codes = distinct_of(cells)
        first = np.zeros(len(distinct), np.int64)
        first[codes[::-1]] = np.arange(len(codes))[::-1]
        kept = np.ones(len(distinct), bool)
        if keep is not None:
            kept = np.zeros(len(distinct), bool)
            codes = codes[keep]
            kept[codes] = True
        new = np.empty(len(distinct), np.int32)
        for i in np.argsort(first, kind="stable").tolist():
            text, row = distinct[i].strip(), self.done + int(rows[first[i]]) + 1
            if not kept[i]:
                self.others.setdefault(text, row)
                continue
            place = self.places.get(text)
            if place is None:
                place = self.places[text] = len(self.places)
                self.firsts.append(row)
            new[i] = place
        self.codes.append(new[codes])

    def listed(self):
        """(distinct texts, the code of each cell)"""
        return list(self.places), np.concatenate([np.empty(0, np.int32), *self.codes])

    def _seen(self):
        """(distinct texts with those that were not kept, the first row of each)"""
        more = {text: row for text, row in self.others.items() if text not in self.places}
        return [*self.places, *more], [*self.firsts, *more.values()]

    def judged(self):
        """What is known of the column as numbers: first cells that are none, styles that all cells allow."""
        if not self.collected:
            styles = (POINT,) if self.points else (POINT, COMMA)
            return Plain(dict.fromkeys(styles), "." if self.points else None)
        column, (texts, rows) = Numbers(self.dashes), self._seen()
        column.take(texts, 0)
        for name in ("first_text", "first_code"):
            found = getattr(column, name)
            if found:
                setattr(column, name, (rows[found[0] - 1], found[1]))
        return column

    def first_merged(self):
        """(row, cell): the first whole number that float64 does not tell from another one of the column, or None."""
        texts, rows = self._seen()
        place = first_merged(texts)
        return None if place is None else (rows[place], texts[place])

    def numbers(self, name, judged, style):
        """(n,) float64, NaN where missing; InputError where one is infinite."""
        if not self.collected:
            values = np.concatenate([np.empty(0), *(self.floats or ())])
            refuse_infinite(values, name)
            return values
        values = judged.finish(name, style, self._seen()[1])
        return values[self.listed()[1]] if self.codes else np.empty(0)


def those(cells, places):
    """The cells at some places."""
    if isinstance(cells, list):
        return [cells[i] for i in places]
    return cells[places] if isinstance(cells, np.ndarray) else cells.take(places)


def distinct_of(cells):
    """(distinct texts, their places in the cells)"""
    if isinstance(cells, np.ndarray):
        from fastml.cli.reading.formats import plain

        values, codes = np.unique(cells, return_inverse=True)
        return [plain(value) for value in values.tolist()], codes
    if isinstance(cells, list):
        places: dict = {}
        codes = np.array([places.setdefault(cell, len(places)) for cell in cells], np.int64)
        return list(places), codes
    import pyarrow
    import pyarrow.compute as compute

    if pyarrow.types.is_dictionary(cells.type):
        cells = cells.cast(cells.type.value_type)
    if not pyarrow.types.is_string(cells.type):
        cells = as_texts(cells)
    coded = compute.fill_null(cells, "").dictionary_encode()
    return coded.dictionary.to_pylist(), coded.indices.to_numpy(zero_copy_only=False).astype(np.int64)


def as_texts(cells):
    """An array of any type of pyarrow's as the texts that a CSV file would hold."""
    import pyarrow

    kinds = pyarrow.types
    if kinds.is_floating(cells.type) or kinds.is_nested(cells.type) or kinds.is_temporal(cells.type):
        from fastml.cli.reading.formats import plain

        return pyarrow.array([plain(cell) for cell in cells.to_pylist()], pyarrow.string())
    return cells.cast(pyarrow.string())


def quick(cells, column):
    """float64 of cells that are plainly numbers or missing, by compiled code; None where one is anything else."""
    if isinstance(cells, list):
        return plainly(cells, column)
    if isinstance(cells, np.ndarray):
        return None if np.isinf(cells).any() else cells.astype(float)
    import pyarrow
    import pyarrow.compute as compute

    kinds = pyarrow.types
    if kinds.is_integer(cells.type) or kinds.is_floating(cells.type) or kinds.is_decimal(cells.type):
        return cells.cast(pyarrow.float64(), safe=False).to_numpy(zero_copy_only=False)
    if not (kinds.is_string(cells.type) or kinds.is_large_string(cells.type)):
        return None
    head = cells.slice(0, 64).to_pylist()
    if any(commas(cell) or looks_odd(cell or "", column.missing) for cell in head):
        return None
    try:
        found = compute.cast(cells, pyarrow.float64())
    except pyarrow.ArrowInvalid:
        cells = compute.utf8_trim_whitespace(cells)
        known = compute.is_in(cells, value_set=pyarrow.array(column.missing))
        cells = compute.if_else(known, None, cells)
        try:
            found = compute.cast(cells, pyarrow.float64())
        except pyarrow.ArrowInvalid:
            return None
    values = found.to_numpy(zero_copy_only=False)
    if np.isinf(values).any() or has_codes(cells, values):
        return None
    if column.points != "decimal":
        dots = [cell.strip() for cell in head if cell and "." in cell]
        if all(map(GROUPED.fullmatch, dots)):  # or one of them is a decimal point
            some = compute.filter(cells, compute.match_substring(cells, ".")).drop_null()
            dots = compute.utf8_trim_whitespace(some).to_pylist()
        note_points(column, dots)
    return values


def note_points(column, dots):
    """Whether points stand in numbers, and whether they could be points of thousands."""
    if dots:
        column.points = "unclear" if all(map(GROUPED.fullmatch, dots)) and column.points != "decimal" else "decimal"


def has_codes(cells, values):
    """Whether a cell is one such as 007."""
    import pyarrow.compute as compute

    first = compute.fill_null(compute.starts_with(cells, "0"), False).to_numpy(zero_copy_only=False)
    places = np.flatnonzero(first & (values % 1 == 0))
    return bool(len(places)) and bool(compute.any(compute.match_substring_regex(cells.take(places), CODE)).as_py())


def commas(cell):
    return bool(cell) and "," in cell


def looks_odd(cell, missing):
    cell = cell.strip()
    return bool(cell) and cell not in missing and not re.fullmatch(r"[-+]?[\d.]+(?:[eE][-+]?\d+)?", cell)


def plainly(cells, column):
    """The same without pyarrow."""
    missing = set(column.missing)
    cells = [cell.strip() for cell in cells]
    if any("," in cell or "_" in cell or (cell[:1] == "0" and cell.isdigit() and cell != "0") for cell in cells):
        return None
    try:
        values = np.array([np.nan if cell in missing else float(cell) for cell in cells], float)
    except ValueError:
        return None
    if not np.isfinite([v for v, cell in zip(values, cells, strict=True) if cell not in missing]).all():
        return None
    note_points(column, [cell for cell in cells if "." in cell and cell not in missing])
    return values


def truth_of(texts, pair=None):
    """(the two words, {text: 0 or 1}) of texts that are truth values, or None. pair: the words of the training."""
    if len(texts) > SPELLINGS:
        return None
    folded = {text: text.casefold() for text in texts}
    words = set(folded.values())
    for no, yes in [tuple(pair)] if pair else TRUTHS:
        if words == {no, yes} or (pair and words <= {no, yes}):
            return (no, yes), {text: float(word == yes) for text, word in folded.items()}
    return None
