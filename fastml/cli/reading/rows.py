"""Rows of a text table that are none: empty ones, headers said again, notes below; and headers of several rows."""

import itertools

import numpy as np

from fastml.cli.numbers import DASHES, MISSING

__all__ = ["Rows", "more_headers", "table_rows"]

NONE = DASHES | set(MISSING)
WIDE = 3  # columns from where on a row without a cell is none; of fewer it may be one whose cells are missing
FOOT = 20  # lines that notes below a table have at most
BELOW = 5  # rows that tell what the columns are, below a second header


class Rows:
    """Takes out of the blocks of a table what is no row, in each pass the same."""

    def __init__(self, names):
        self.names, self.empty, self.headers = names, 0, 0
        self.dropped = np.empty(0, np.int64)

    def first(self, blocks):
        done = 0
        for block in blocks:
            n = len(block[0])
            nothing = [""] * len(block) if len(block) >= WIDE else self.names
            none, again = all_equal(block, nothing), all_equal(block, self.names)
            self.headers += int(again.sum())
            self.empty += int((none & ~again).sum())
            drop = np.flatnonzero(none | again)
            self.dropped = np.concatenate([self.dropped, done + drop])
            done += n
            yield without(block, drop)

    def again(self, blocks):
        done = 0
        for block in blocks:
            low, high = np.searchsorted(self.dropped, [done, done + len(block[0])])
            yield without(block, self.dropped[low:high] - done)
            done += len(block[0])

    def words(self):
        for count, one, many in (
            (self.empty, "empty row", "empty rows"),
            (self.headers, "row that repeats the header", "rows that repeat the header"),
        ):
            if count:
                yield f"left out: {count} {one if count == 1 else many}"


def all_equal(block, texts):
    """(n,) whether each cell of a row is the text of its column."""
    found = np.ones(len(block[0]), bool)
    for cells, text in zip(block, texts, strict=True):
        found &= equal(cells, text)
        if not found.any():
            break
    return found


def equal(cells, text):
    if isinstance(cells, list):
        return np.array([cell.strip() == text for cell in cells], bool)
    import pyarrow.compute as compute

    return compute.equal(cells, text).to_numpy(zero_copy_only=False)


def without(block, drop):
    if not len(drop):
        return block
    keep = np.delete(np.arange(len(block[0])), drop)
    return [[cells[i] for i in keep] if isinstance(cells, list) else cells.take(keep) for cells in block]


def table_rows(reader, wide, notes):
    """The rows of a csv.reader that hold something, up to notes that stand below an empty line."""
    gap = False
    for row in reader:
        if not row:
            gap = True
            continue
        if (gap or row == ["\x1a"]) and len(row) < wide:
            rest = [row, *itertools.islice(filter(None, reader), FOOT)]
            if len(rest) <= FOOT and all(len(each) < wide for each in rest):
                notes.append(f"left out below the table: {len(rest)} line{'s' * (len(rest) > 1)}")
                return
            yield from rest
            gap = False
            continue
        gap = False
        yield row


def more_headers(rows):
    """How many of the rows below a header, 0 to 2, are headers too: units, or questions of a survey.

    They hold no number, nothing that stands in their column again, and a text in a column of numbers.
    """
    for count in (2, 1):
        below = rows[count:]
        if len(below) >= BELOW and all(is_header(row, below) for row in rows[:count]):
            return count
    return 0


def is_header(row, below):
    below = [each for each in below if len(each) == len(row)]
    told = [cell for cell in row if cell]
    if len(below) < BELOW or len(told) * 2 < len(row) or any(is_number(cell) for cell in told):
        return False
    columns = list(zip(*below, strict=True))
    if any(cell and cell in column for cell, column in zip(row, columns, strict=True)):
        return False
    return any(
        cell and cell not in NONE and sum(map(is_number, column)) >= BELOW
        and all(is_number(other) or not other or other in NONE for other in column)
        for cell, column in zip(row, columns, strict=True)
    )  # fmt: skip


def is_number(cell):
    return any(c.isdigit() for c in cell) and not any(c.isalpha() and c not in "eE" for c in cell)
