"""What a text table looks like: the separator and the quotes, what stands above the header, how rows end."""

import csv
import io
import re
from collections import Counter
from typing import NamedTuple

from fastml.cli.reading.arff import arff
from fastml.cli.reading.quotes import DOUBLE, Quotes, quotes_of
from fastml.cli.reading.rows import more_headers
from fastml.cli.terminal import InputError

__all__ = ["BLANKS", "Dialect", "look", "rows_of", "shown"]

BLANKS = " "  # any number of blanks and tabs between cells
SEPARATORS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
RARE = "^~\x01\x1f"  # separators where no other gives columns
LINES = 200  # looked at
SEP = re.compile(r'"?sep=(.)"?[,;\t]*\s*', re.IGNORECASE)


class Dialect(NamedTuple):
    separator: str
    header: list  # names as they stand
    start: int  # characters above the first row
    width: int  # cells of a row
    extra: bool  # whether rows, but not the header, end in a separator
    spaced: bool  # whether quotes stand behind blanks
    quotes: Quotes
    notes: list  # what stood above the header, in words


def shown(separator):
    return "blanks" if separator == BLANKS else SEPARATORS.get(separator, repr(separator))


def look(text, wanted, path, alone=False, named=()):
    """The Dialect of the table whose first characters are `text`, or InputError.

    alone: one column is enough; the separator then is one that does not occur
    named: columns that the header is to name, by which it is told from titles
    """
    weka = arff(text, path)
    if weka:
        columns, start = weka
        wide, quotes = len(columns), quotes_of(text[start:], least=1)
        spaced = spaced_out(text, ",", quotes)
        return Dialect(",", columns, start, wide, False, spaced, quotes, [f"an ARFF file of {wide} attributes"])
    first, _, rest = text.partition("\n")
    notes, done = [], 0
    told = SEP.fullmatch(first.rstrip("\r"))
    if told and wanted is None:
        wanted, done, notes = told[1], len(first) + 1, [f"its first line, {first.strip()!r}, names the separator"]
    elif wanted is not None:
        wanted = {"tab": "\t", "\\t": "\t", "blank": BLANKS, "space": BLANKS}.get(wanted, wanted)
        if len(wanted) != 1 or wanted in '"\r\n\0':
            raise InputError(f"--separator {wanted!r} must be one character, or 'tab', or 'blank'")
    text = text[done:]
    quotes = quotes_of(text)
    marks = [wanted] if wanted else [*SEPARATORS, BLANKS, *(mark for mark in RARE if named and mark in text)]
    found = {mark: shape(text, mark, quotes, named) for mark in marks}
    best = choose(found, wanted, path, alone, text, quotes, named)
    width, above, header, start, extra, _ = found[best] if best in found else shape(text, best, quotes, named)
    if above:
        notes.append(f"skipped above the header: {above} line{'s' * (above > 1)}")
    lines = io.StringIO(text[start:], newline="").readlines()
    below = rows_upto(rows_of(lines, best, quotes))
    more = more_headers([row for row, _ in below])
    if more:
        start += sum(map(len, lines[: below[more - 1][1]]))
        words = ", ".join(map(repr, below[0][0][:3]))
        notes.append(f"skipped below the header: {more} line{'s' * (more > 1)} ({words}{', …' * (len(header) > 3)})")
    spaced = spaced_out(text, best, quotes)
    return Dialect(best, header, done + start, width + extra, extra, spaced, quotes, notes)


def spaced_out(text, separator, quotes):
    """Whether quotes stand behind blanks."""
    return separator != BLANKS and re.search(re.escape(separator) + r"[ \t]+" + quotes.mark, text) is not None


def choose(found, wanted, path, alone, text, quotes, named):
    with_all = [mark for mark in found if named and set(named) <= set(found[mark][2])]
    if len(with_all) == 1 and found[with_all[0]][0] > 1:
        return with_all[0]
    marks = [m for m in found if m != BLANKS]
    best = max(marks or found, key=lambda mark: (found[mark][0] > 1 and not found[mark][1], found[mark][0]))
    blanks = found.get(BLANKS, (0, 0, [], 0, False, 0.0))
    if blanks[0] > 1 and not alone and (found[best][0] < 2 or found[best][5] < blanks[5] == 1.0):
        best = BLANKS
    if found[best][0] > 1:
        return best
    if wanted is None and not alone:
        rare = {mark: shape(text, mark, quotes, named) for mark in RARE if mark in text}
        found |= {mark: seen for mark, seen in rare.items() if seen[0] > 1 and seen[5] == 1.0 and not seen[1]}
        if any(mark in found for mark in RARE):
            return next(mark for mark in RARE if mark in found)
    if alone:
        return wanted or next((mark for mark in SEPARATORS if mark not in text), ",")
    if wanted is None:
        raise InputError(
            f"{str(path)!r} has only one column by any of the separators {', '.join(SEPARATORS.values())}: "
            f"a table needs a target and something to predict it from; pass --separator if it is another"
        )
    others = {mark: shape(text, mark, quotes, named)[0] for mark in SEPARATORS}
    other = max(others, key=lambda mark: others[mark])
    cure = f": {SEPARATORS[other]} would give {others[other]}" if others[other] > 1 else ""
    raise InputError(f"{str(path)!r} has only one column with the separator {wanted!r}{cure}")


def rows_of(lines, separator, quotes=DOUBLE, strict=False):
    """A csv.reader over lines; blanks separate as one, however many."""
    if separator == BLANKS:
        lines = (re.sub(r"[ \t]+", " ", line.strip(" \t\r\n")) + "\n" for line in lines)
    return csv.reader(
        lines, delimiter=separator, skipinitialspace=True, strict=strict, quotechar=quotes.mark,
        doublequote=not quotes.escaped, escapechar="\\" if quotes.escaped else None,
    )  # fmt: skip


def shape(text, separator, quotes, named):
    """(cells of the header, lines above it, its cells, where the rows begin, whether rows have one empty cell more, the
    share of rows as wide).

    The header is the first row as wide as most rows are; the width is 1 where most rows are of other widths.
    """
    lines = io.StringIO(text, newline="").readlines()
    rows = rows_upto(rows_of(lines, separator, quotes))
    filled = [(row, line) for row, line in rows if any(row)]
    if not filled:
        return 1, 0, [], 0, False, 0.0
    plain = [(row, line) for row, line in filled if not row[0].startswith("#")]
    # A commented line that is as wide as what follows is a header, unless a header follows it
    at = header_row(filled, plain, named)
    header, line = filled[at]
    below = [row for row, _ in filled[at + 1 :]]
    widths = Counter(map(len, below))
    extra = bool(below) and all(len(row) == len(header) + 1 and not row[-1] for row in below)
    agreeing = widths[len(header)] + 1 if not extra else len(below) + 1
    start, above = sum(map(len, lines[:line])), sum(1 for _, l in rows if l < line and _)
    width = len(header) if agreeing * 2 > len(below) + 1 else 1
    return width, above, header, start, extra, agreeing / (len(below) + 1)


def rows_upto(reader):
    """(cells, the line where they end) of the first rows, as far as they can be read."""
    rows: list = []
    csv.field_size_limit(2**31 - 1)
    try:
        for row in reader:
            rows.append(([cell.strip() for cell in row], reader.line_num))
            if len(rows) > LINES:
                break
    except (csv.Error, ValueError):
        pass
    return rows


def header_row(filled, plain, named):
    """The place of the header among the rows that hold something."""
    for i, (row, _) in enumerate(filled[:LINES]):
        if named and set(named) <= set(row):
            return i
    lines = {line for _, line in plain}
    places = [i for i, (_, line) in enumerate(filled) if line in lines]
    if not places:
        return 0
    body = [len(filled[i][0]) for i in places[1:]] or [len(filled[places[0]][0])]
    usual = Counter(body).most_common(1)[0][0]
    at = places[0]
    if len(places) > 2:
        at = next((i for i in places if len(filled[i][0]) in (usual, usual - 1) and full(filled[i][0], usual)), at)
        if usual == 1:
            at = places[0]
    hashed = at - 1
    if hashed >= 0 and filled[hashed][0][0].startswith("#") and numbers(filled[at][0]):
        row = filled[hashed][0]
        if len(row) == usual and not numbers(row):
            row[0] = row[0].lstrip("# ")
            return hashed
    return at


def full(row, usual):
    """Whether a row may be a header: most of its cells hold something, unlike a title with separators behind it."""
    told = sum(bool(cell) for cell in row)
    return told * 2 > usual and (told > 1 or usual <= 2)


def numbers(row):
    return all(re.fullmatch(r"[-+\d.,eE]*", cell) for cell in row)
