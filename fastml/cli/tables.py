"""A CSV file as columns of numbers and of texts. It is read in blocks: only 8 bytes a cell are kept."""

import csv
import difflib
import gzip
import io
import itertools
import os
import stat
import zlib
from pathlib import Path
from typing import NamedTuple

import numpy as np

from fastml.cli.numbers import DASHES, Numbers, choose_styles
from fastml.cli.terminal import InputError

__all__ = ["MISSING", "Column", "Table", "near", "read_table"]

MISSING = ("", "?", "NA", "N/A", "n/a", "#N/A", "#N/A N/A", "#NA", "<NA>", "NaN", "nan", "null", "NULL")
SEPARATORS = {",": "','", ";": "';'", "\t": "tab", "|": "'|'"}
BLOCK = 10_000  # rows converted at a time
SAMPLE = 2**16  # characters looked at to recognise the separator
FOREIGN = {
    b"PK\x03\x04": "an Excel workbook or a zip archive",
    b"\xd0\xcf\x11\xe0": "an Excel workbook",
    b"PAR1": "a Parquet file",
}


class Column(NamedTuple):
    name: str
    values: np.ndarray  # (n,) float64, NaN where missing; of a text column the places of its cells in `texts`
    texts: list | None  # the distinct texts in order, or None for a column of numbers
    first_text: tuple | None = None  # (row, cell): the first cell that is no number
    numbers: np.ndarray | None = None  # (n,) of a text column all of whose cells are numbers


class Table(NamedTuple):
    path: Path
    separator: str
    encoding: str
    columns: list
    decimal_comma: bool
    thousands: list  # names of the columns whose numbers have thousands in groups


class Source(NamedTuple):
    """How the file is to be read."""

    path: Path
    encoding: str
    separator: str
    missing: frozenset
    dashes: frozenset  # what means so in columns of numbers only: in a column of texts "-" may be one
    as_text: object  # (name, numbers) -> whether a column is texts even where every cell is a number
    codes: bool  # whether a column with cells such as 007 is texts
    progress: object


def read_table(path, separator=None, encoding=None, missing=None, progress=lambda *_: None, *, trained=None,
               as_text=lambda name, numbers: False):  # fmt: skip
    """The table in the CSV file `path`, with a header; InputError says in a sentence what is wrong with it.

    as_text: (name, numbers) -> whether a column is read as texts although every cell is a number
    trained: None, or the style of decimals of the file that a model was trained on; the table then needs no rows, and
    no second column, and codes such as 007 are numbers unless `as_text`
    """
    csv.field_size_limit(2**31 - 1)
    path = Path(path)
    encoding = check_file(path, encoding)
    marks = frozenset(mark.strip() for mark in (MISSING if missing is None else missing))
    dashes = marks | DASHES if missing is None else marks
    source = Source(path, encoding, "", marks, dashes, as_text, trained is None, progress)
    source = source._replace(separator=choose_separator(sample(source), separator, path, trained is not None))
    header = check_header(next(blocks(source, 1), [[]])[0], path)
    columns, decimal_comma, thousands = read_columns(source, header, trained)
    if not len(columns[0].values) and trained is None:
        raise InputError(f"{path} holds a header but no rows: nothing to learn from")
    shown = SEPARATORS.get(source.separator, repr(source.separator))
    return Table(path, shown, encoding, columns, decimal_comma, thousands)


def near(wanted, names):
    """The end of a sentence, "; did you mean 'x'?", for the name that is most like `wanted`, or nothing."""
    exact = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    close = exact or difflib.get_close_matches(wanted, names, 1, 0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def check_file(path, encoding):
    """The encoding of a file that can be read as text."""
    check_encoding(encoding)
    try:
        mode = os.stat(path).st_mode
        if stat.S_ISDIR(mode):
            raise InputError(f"{str(path)!r} is a folder: name the CSV file inside it")
        if not stat.S_ISREG(mode):
            raise InputError(f"{str(path)!r} is a pipe or a device, and a table is read more than once: save it first")
        with open(path, "rb") as file:
            start = file.read(4096)
        if start.startswith(b"\x1f\x8b"):
            with gzip.open(path) as file:
                start = file.read(4096)
    except FileNotFoundError:
        folder = path.parent
        names = [entry.name for entry in folder.iterdir()] if folder.is_dir() else []
        missing = "there is no file" if folder.is_dir() else f"there is no folder {str(folder)!r} for"
        raise InputError(f"{missing} {str(path)!r}{near(path.name, names)}") from None
    except (OSError, EOFError, ValueError, zlib.error) as error:
        raise InputError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if not start.strip():
        raise InputError(f"{str(path)!r} is empty: it must hold a header and rows")
    for magic, kind in FOREIGN.items():
        if start.startswith(magic):
            raise InputError(f"{str(path)!r} is {kind}, not a text table: save it as CSV")
    if start.startswith((b"\xff\xfe", b"\xfe\xff")):
        return encoding or "utf-16"
    if b"\0" in start and encoding is None:
        raise InputError(f"{str(path)!r} is not a text table, it holds NUL bytes: save it as CSV")
    return encoding or "utf-8-sig"


def check_encoding(encoding):
    """Refuse what Python has no text encoding for."""
    try:
        "a".encode(encoding or "utf-8")
        b"".decode(encoding or "utf-8")
    except (LookupError, ValueError):  # the codec "undefined" raises UnicodeError, a NUL in the name ValueError
        raise InputError(f"--encoding {encoding!r} is not known: utf-8, cp1252 and utf-16 are") from None


def records(source):
    """(rows as lists of cells, share of the file read so far), row by row."""
    with open(source.path, "rb") as raw:
        size = max(1, os.fstat(raw.fileno()).st_size)
        packed = raw.peek(2)[:2] == b"\x1f\x8b"
        stream = gzip.GzipFile(fileobj=raw) if packed else raw
        with io.TextIOWrapper(stream, encoding=source.encoding, newline="") as text:
            for row in csv.reader(text, delimiter=source.separator, skipinitialspace=True, strict=True):
                if row:  # an empty line is no row
                    yield [cell.strip() for cell in row], raw.tell() / size


def blocks(source, size=BLOCK):
    """Lists of up to `size` rows; whatever goes wrong in the file is an InputError."""
    rows, done = records(source), 0
    while True:
        try:
            block = list(itertools.islice(rows, size))
        except UnicodeError as error:
            bad = f"byte 0x{error.object[error.start]:02x}" if isinstance(error, UnicodeDecodeError) else error
            raise InputError(
                f"{str(source.path)!r} is not {name_of(source.encoding)} text ({bad}, after row {done}): "
                f"pass its encoding, for example --encoding cp1252"
            ) from None
        except (csv.Error, OSError, EOFError, zlib.error) as error:
            raise InputError(f"{str(source.path)!r} cannot be read as a table after row {done}: {error}") from None
        if not block:
            return
        done += len(block)
        source.progress(f"reading {source.path.name}", f"{block[-1][1]:.0%}")
        yield [row for row, _ in block]


def sample(source):
    """The first lines of the file; an incomplete last one is left out."""
    with open(source.path, "rb") as raw:
        opened = gzip.open if raw.read(2) == b"\x1f\x8b" else open
    try:
        with opened(source.path, "rt", encoding=source.encoding, newline="") as text:
            start = text.read(SAMPLE)
    except UnicodeError:
        with opened(source.path, "rt", encoding=source.encoding, newline="", errors="replace") as text:
            start = text.read(SAMPLE)
    return start if len(start) < SAMPLE else start[: start.rfind("\n") + 1] or start


def choose_separator(start, wanted, path, alone=False):
    """The separator that gives most columns, or the wanted one where it gives more than one.

    alone: one column is enough; the separator then is one that does not occur
    """
    widths = {separator: width(start, separator) for separator in SEPARATORS}
    best = max(widths, key=lambda separator: widths[separator])
    if wanted is None:
        if widths[best] < 2:
            if alone:
                return next((mark for mark in SEPARATORS if mark not in start), ",")
            raise InputError(
                f"{str(path)!r} has only one column by any of the separators {', '.join(SEPARATORS.values())}: "
                f"a table needs a target and something to predict it from; pass --separator if it is another"
            )
        return best
    wanted = {"tab": "\t", "\\t": "\t"}.get(wanted, wanted)
    if len(wanted) != 1 or wanted in '"\r\n\0':
        raise InputError(f"--separator {wanted!r} must be one character, or 'tab'")
    if width(start, wanted) < 2 and not alone:
        cure = f": {SEPARATORS[best]} would give {widths[best]}" if widths[best] > 1 else ""
        raise InputError(f"{str(path)!r} has only one column with the separator {wanted!r}{cure}")
    return wanted


def width(start, separator):
    """Number of columns of the header where the first rows agree with it, else 1."""
    try:
        lines = io.StringIO(start, newline="")
        rows = [row for row in csv.reader(lines, delimiter=separator, skipinitialspace=True) if row]
    except (csv.Error, ValueError):
        return 1
    agreeing = sum(len(row) == len(rows[0]) for row in rows) if rows else 0
    return len(rows[0]) if agreeing * 2 > len(rows) else 1


def check_header(header, path):
    """The names of the columns, all different; a column without one is called by its place."""
    names = [name.strip() or f"column {i}" for i, name in enumerate(header, 1)]
    seen: dict[str, int] = {}
    for i, name in enumerate(names, 1):
        if name in seen:
            raise InputError(f"{str(path)!r} has two columns called {name!r} ({seen[name]} and {i}): rename one")
        seen[name] = i
    return names


def read_columns(source, names, trained):
    """(the columns, whether numbers had decimal commas, which had thousands): texts, if any, in a second pass."""
    columns = [Numbers(source.dashes) for _ in names]
    done = 0
    for block in body(source, len(names)):
        for column, cells in zip(columns, zip(*block, strict=True), strict=True):
            column.take(cells, done)
        done += len(block)
    styles, decimal_comma = choose_styles(columns, source.separator, trained or None)
    numbers = [
        None if style is None else column.finish(name, style)
        for name, column, style in zip(names, columns, styles, strict=True)
    ]
    texts = {
        i: Texts(source.missing)
        for i, (name, column) in enumerate(zip(names, columns, strict=True))
        if column.first_text or (source.codes and column.first_code) or source.as_text(name, numbers[i])
    }
    for block in body(source, len(names)) if texts else ():
        for i, text in texts.items():
            text.take([row[i] for row in block])
    finished = [
        texts[i].finish(name, columns[i], numbers[i], source.codes and source.as_text(name, numbers[i]))
        if i in texts
        else Column(name, np.asarray(numbers[i]), None)
        for i, name in enumerate(names)
    ]
    grouped = [n for n, c, s in zip(names, columns, styles, strict=True) if s is not None and c.with_groups[s]]
    return finished, decimal_comma, grouped


def body(source, width):
    """Blocks of the rows below the header, each row of the header's width."""
    below = blocks(source)
    first, done = next(below)[1:], 0
    for block in itertools.chain([first], below):
        if any(len(row) != width for row in block):
            row, cells = next((i, row) for i, row in enumerate(block, done + 1) if len(row) != width)
            raise InputError(
                f"row {row} of {str(source.path)!r} has {len(cells)} cells where the header has {width}: "
                f"look for a separator inside a text without quotes, or pass --separator"
            )
        done += len(block)
        if block:
            yield block


class Texts:
    """Collects a column as texts: each cell as its place among the distinct ones."""

    def __init__(self, missing):
        self.missing, self.places, self.parts = missing, {}, [np.empty(0, np.int64)]

    def take(self, cells):
        places = self.places
        self.parts.append(np.array([places.setdefault(cell, len(places)) for cell in cells], np.int64))

    def finish(self, name, column, numbers, target):
        """The column; in a target of numbers, what means a missing number is missing."""
        codes = np.concatenate(self.parts)
        absent = set(self.missing)
        if target and numbers is not None:
            listed = list(self.places)
            absent |= {listed[code] for code in np.unique(codes[np.isnan(numbers)]).tolist()}
        texts = sorted(text for text in self.places if text not in absent)
        place = {text: float(i) for i, text in enumerate(texts)}
        new = np.array([place.get(text, np.nan) for text in self.places])
        values = new[codes] if len(codes) else np.empty(0)
        return Column(name, values, texts, column.first_text or column.first_code, numbers)


def name_of(encoding):
    return {"utf-8-sig": "UTF-8", "utf-16": "UTF-16"}.get(encoding, encoding)
