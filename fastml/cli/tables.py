"""A table of the user's as columns of numbers, texts, truth values, dates. Read in blocks: 8 bytes a cell are kept."""

import difflib
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from fastml.cli.numbers import COMMA, DASHES, MISSING, choose_styles
from fastml.cli.reading import dates
from fastml.cli.reading.dialect import Dialect, look, shown
from fastml.cli.reading.formats import format_of, reader_of
from fastml.cli.reading.meaning import Cells, Column, truth_of
from fastml.cli.reading.parsing import blocks, name_of
from fastml.cli.reading.quotes import DOUBLE
from fastml.cli.reading.rows import Rows
from fastml.cli.reading.sampling import Sample
from fastml.cli.reading.sources import BROKEN, Utf8, check_encoding, check_file, detect_encoding, packing
from fastml.cli.terminal import InputError
from fastml.kinds.values import EXACT

__all__ = ["MISSING", "Column", "Table", "did_you_mean", "read_table"]

SAMPLE = 2**16  # characters looked at to recognise the dialect; more where a cell is longer
KEPT = 50_000  # rows that are kept at least
FEW = 3  # whole numbers such as 20240131 are dates where at least so many differ


class Table(NamedTuple):
    path: Path
    separator: str
    encoding: str
    columns: list
    decimal_comma: bool
    thousands: list  # names of the columns whose numbers have thousands in groups
    notes: list = []  # what else was understood, in sentences
    total: int = 0  # rows of the file
    rows: Any = None  # which of them the columns hold, counted from 0; None for all
    drawn: bool = False  # whether these were drawn at random from more


class Source(NamedTuple):
    """How the file is to be read."""

    path: Path
    names: list
    blocks: Any  # places of columns -> an iterator over blocks of them
    separator: str
    missing: frozenset
    dashes: frozenset  # what means so in columns of numbers only: in a column of texts "-" may be one
    as_text: Any  # (name, numbers) -> whether a column is texts even where every cell is a number
    codes: bool  # whether a column with cells such as 007 is texts
    kinds: dict | None  # of the training table: column -> (kind, form)
    sample: Sample  # which rows are kept
    rows: Rows | None  # what is no row; None where each row is to be answered


class Asked(NamedTuple):
    """How a table is wanted, as `read_table` has it."""

    missing: Any = None
    as_text: Any = lambda name, numbers: False
    trained: Any = None
    kinds: dict | None = None
    rows: Any = None


class Text(NamedTuple):
    """A text file, as parsing.py takes it."""

    path: Path
    encoding: str
    dialect: Dialect
    skip: int  # bytes above the first row, in UTF-8
    progress: Any
    notes: list  # what is understood later


def read_table(path, separator=None, encoding=None, missing=None, progress=lambda *_: None, *, trained=None,
               as_text=lambda name, numbers: False, kinds=None, rows=None):  # fmt: skip
    """The table in the file `path`, with a header; InputError says in a sentence what is wrong with it.

    as_text: (name, numbers) -> whether a column is read as texts although every cell is a number
    trained: None, or the style of decimals of the file that a model was trained on; the table then needs no rows, and
    no second column, and codes such as 007 are numbers unless `as_text`
    kinds: None, or what the columns were in that file: {name: (kind, form)}
    rows: how many rows are needed: of a file with more than KEPT and more than these, as many are drawn; None for all;
        or a function that gives the most rows for a number of columns
    """
    path = Path(path)
    check_encoding(encoding)
    start = check_file(path, did_you_mean)
    kind = format_of(path, start)
    if kind is None:
        header, read, mark, told, notes = text_file(path, separator, encoding, start, progress, trained, kinds)
    else:
        header, every, words = reader_of(kind, path)
        read = columns_at(every, kind, path)
        mark, told, notes = "", kind, [words] if words else []
    names, renamed = check_header(header, path)
    notes += renamed
    return finished(path, names, read, (mark, told, notes), Asked(missing, as_text, trained, kinds, rows))


def finished(path, names, read, words, asked):
    """The Table whose columns are read from blocks; words: the separator, the encoding, what else was understood."""
    (mark, told, notes), (missing, as_text, trained, kinds, rows) = words, asked
    marks = frozenset(each.strip() for each in (MISSING if missing is None else missing))
    dashes = marks | DASHES if missing is None else marks
    sample = Sample(rows(len(names)) if callable(rows) else None if rows is None else max(rows, KEPT))
    source = Source(path, names, read, mark, marks, dashes, as_text, trained is None, kinds, sample,
                    Rows(names) if mark and trained is None and len(names) > 1 else None)  # fmt: skip
    columns, decimal_comma, thousands = read_columns(source, trained)
    notes = list(dict.fromkeys([*notes, *(source.rows.words() if source.rows else ())]))
    if not len(columns[0].values) and trained is None:
        raise InputError(f"{path} holds a header but no rows: nothing to learn from")
    total = len(columns[0].values)
    total, kept = (total, None) if sample.whole else (sample.total, sample.rows)
    drawn = kept is not None
    return Table(path, shown(mark) if mark else "", told, columns, decimal_comma, thousands, notes, total, kept, drawn)


def text_file(path, separator, encoding, start, progress, trained, kinds):
    """(header, blocks of columns, separator, encoding in words, what was understood)"""
    found, guessed = (encoding, False) if encoding else detect_encoding(path, start)
    if found.casefold().replace("_", "-") in ("utf-8", "utf8"):
        found = "utf-8-sig"
    sample = first_characters(path, found)
    dialect = look(sample, separator, path, trained is not None, list(kinds or ()))
    notes: list = []
    text = Text(path, found, dialect, len(sample[: dialect.start].encode("utf-8", "replace")), progress, notes)
    notes += dialect.notes
    if guessed:
        notes.append(f"its encoding is taken for {name_of(found)} (--encoding for another)")
    if dialect.extra:
        notes.append("every row ends in a separator, which is left out")
    if dialect.quotes.mark != DOUBLE.mark:
        notes.append("texts stand in single quotes")
    if dialect.quotes.escaped:
        notes.append(f"quotes within quotes are written \\{dialect.quotes.mark}")
    packed = packing(path)
    notes += [f"unpacked with {packed}"] if packed else []
    return dialect.header, lambda places: blocks(text, places), dialect.separator, name_of(found), notes


def first_characters(path, encoding):
    """The first characters of a text file; an incomplete last line is left out, unless it is the only one."""
    try:
        with Utf8(path, encoding) as stream:
            text, size = b"", SAMPLE
            while True:
                text += stream.read(size)
                cut = max(text.rfind(b"\n"), text.rfind(b"\r"))
                if len(text) < size or text.count(b"\n") + text.count(b"\r") > 2 or size > 2**26:
                    break
                size *= 8
    except UnicodeError:
        with Utf8(path, "latin-1") as stream:  # whoever reads the rows says which byte is wrong
            text = stream.read(SAMPLE)
            cut = -1
    except BROKEN as error:
        raise InputError(f"{str(path)!r} cannot be read: {getattr(error, 'strerror', None) or error}") from None
    if len(text) < SAMPLE or cut < 0:
        return text.decode("utf-8", "replace")
    return text[: cut + 1].decode("utf-8", "replace")


def columns_at(every, kind, path):
    def read(places):
        try:
            for block in every():
                yield [block[i] for i in places]
        except BROKEN as error:
            raise InputError(f"{str(path)!r} cannot be read as {kind}: {error}") from None

    return read


def did_you_mean(wanted, names):
    """The end of a sentence, "; did you mean 'x'?", for the name that is most like `wanted`, or nothing."""
    exact = [name for name in names if name.strip().casefold() == wanted.strip().casefold()]
    close = exact or difflib.get_close_matches(wanted, names, 1, 0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


def check_header(header, path):
    """(the names, all different, a sentence for each that was changed): one without is called by its place."""
    names, notes = [str(name).strip() or f"column {i}" for i, name in enumerate(header, 1)], []
    seen: dict[str, int] = {}
    for i, name in enumerate(names, 1):
        if name in seen:
            new = next(f"{name} ({k})" for k in range(2, len(names) + 2) if f"{name} ({k})" not in {*names, *seen})
            notes.append(f"two columns are called {name!r} ({seen[name]} and {i}): the later is {new!r} here")
            names[i - 1] = name = new
        seen[name] = i
    return names, notes


def read_columns(source, trained):
    """(the columns, whether numbers had decimal commas, which had thousands): late texts in a second pass."""
    places = list(range(len(source.names)))
    columns = [Cells(source.missing, source.dashes) for _ in places]
    blocks = source.blocks(places)
    for block in blocks if source.rows is None else source.rows.first(blocks):
        keep = source.sample.of(len(block[0]))
        for column, cells in zip(columns, block, strict=True):
            column.take(cells, keep)
        prune(columns, source.sample.pruned())
    prune(columns, source.sample.pruned(end=True))
    again(source, columns, [i for i in places if columns[i].late or columns[i].points == "unclear"])
    judged = [column.judged() for column in columns]
    styles, decimal_comma = choose_styles(judged, source.separator, trained or None)
    numbers = [
        None if style is None else column.numbers(name, one, style)
        for name, column, one, style in zip(source.names, columns, judged, styles, strict=True)
    ]
    texts = [
        judged[i].first_text is not None
        or bool(source.codes and judged[i].first_code)
        or bool(source.as_text(source.names[i], numbers[i]))
        for i in places
    ]
    large = [i for i in places if source.codes and not texts[i] and is_beyond(numbers[i])]
    again(source, columns, [i for i in places if (texts[i] or i in large) and not columns[i].collected])
    merged = {i: columns[i].first_merged() for i in large}
    texts = [text or merged.get(i) is not None for i, text in enumerate(texts)]
    sure = trained or any(one.first_part and len(one.parts) == 1 and not one.first_text for one in judged)
    day_first = decimal_comma or source.separator == ";"
    finished = []
    for i, name in enumerate(source.names):
        kind, form = (source.kinds or {}).get(name, (None, None))
        if texts[i]:
            finished.append(as_meant(text_column(source, name, columns[i], judged[i], numbers[i], merged.get(i)),
                                     source.dashes, day_first, kind, form))  # fmt: skip
        else:
            doubt = "" if sure else words_of_doubt(name, judged[i], styles[i])
            finished.append(number_column(name, numbers[i], judged[i], kind, form, doubt))
    grouped = [n for n, c, s in zip(source.names, judged, styles, strict=True) if s is not None and c.with_groups[s]]
    return finished, decimal_comma, grouped


def is_beyond(numbers):
    """Whether a column holds numbers so large that float64 need not tell whole ones apart."""
    return bool((np.abs(numbers) >= EXACT).any())


def prune(columns, keep):
    for column in columns if keep is not None else ():
        column.prune(keep)


def again(source, columns, places):
    """A second pass over the file, for columns that turned out to be needed as texts."""
    done = 0
    for i in places:
        columns[i].restart()
    blocks = source.blocks(places) if places else ()
    for block in blocks if source.rows is None else source.rows.again(blocks):
        keep = source.sample.again(done, len(block[0]))
        done += len(block[0])
        for i, cells in zip(places, block, strict=True):
            columns[i].again(cells, keep)


def text_column(source, name, cells, judged, numbers, merged=None):
    """A column as texts; in a target of numbers, what means a missing number is missing."""
    listed, codes = cells.listed()
    absent = set(source.missing)
    if numbers is not None and source.codes and source.as_text(name, numbers):
        absent |= {listed[code] for code in np.unique(codes[np.isnan(numbers)]).tolist()}
    known = listed if source.sample.whole else [listed[code] for code in np.unique(codes).tolist()]
    texts = sorted(text for text in known if text not in absent)
    place = {text: float(i) for i, text in enumerate(texts)}
    new = np.array([place.get(text, np.nan) for text in listed])
    values = new[codes] if len(codes) else np.empty(0)
    words = f"{name!r}: whole numbers too long for float64 to tell apart, read as texts" if merged else ""
    first = judged.first_text or judged.first_code or merged
    return Column(name, values, texts, first, numbers, "text", words=words, source=name)


def words_of_doubt(name, judged, style):
    """What is to be said of a column whose marks could part thousands as well as decimals; or nothing."""
    if len(judged.parts) < 2 or not any(judged.with_groups.values()):
        return ""
    mark, read = ("1,500", "1.5" if style == COMMA else "1500") if judged.first_part == "," else (
        "1.500", "1500" if style == COMMA else "1.5")  # fmt: skip
    return f"{name!r}: {mark} is read as {read}, though no column tells whether decimals or thousands are parted"


def number_column(name, numbers, judged, kind, form, doubt=""):
    """A column of numbers; whole ones such as 20240131 are dates where all of them can be."""
    words = f"{name!r}: numbers without their {judged.words}" if judged.words else doubt
    column = Column(name, np.asarray(numbers), None, source=name, words=words)
    if kind not in (None, "date"):
        return column
    known = column.values[~np.isnan(column.values)]
    if not len(known) or not 19000101 <= known[0] <= 20991231 or (known % 1).any():
        return column
    known = np.unique(known)
    few = len(known) < FEW and kind is None
    if few or known[0] < 19000101 or known[-1] > 20991231 or len(known) > 10**5:
        return column
    seconds = dates.parsed([f"{value:.0f}" for value in known], "yearmonthday")
    if seconds is None:
        return column
    at = np.searchsorted(known, np.where(np.isnan(column.values), known[0], column.values))
    values = np.where(np.isnan(column.values), np.nan, seconds[at])
    return dated(column, values, "yearmonthday", "")


def as_meant(column, dashes, day_first, kind, form):
    """A column of texts that are truth values or dates as such; what it was stands in `original`."""
    if kind not in (None, "truth", "date") or column.numbers is not None or not column.texts:
        return column
    absent = [text in dashes for text in column.texts]
    texts = [text for text, none in zip(column.texts, absent, strict=True) if not none]
    truth = truth_of(texts, form) if kind != "date" else None
    if truth:
        (no, yes), numbers = truth
        new = np.array([*(numbers.get(text, np.nan) for text in column.texts), np.nan])
        values = new[np.where(np.isnan(column.values), -1, column.values).astype(np.int64)]
        words = f"{column.name!r}: {yes} is 1, {no} is 0"
        return column._replace(values=values, texts=None, kind="truth", form=[no, yes], words=words, original=column)
    found = dates.parse_column(texts, day_first, form) if kind != "truth" else None
    if found is None:
        return column
    form, seconds, unsure = found
    given = iter(seconds)
    new = np.array([*(np.nan if none else next(given) for none in absent), np.nan])
    values = new[np.where(np.isnan(column.values), -1, column.values).astype(np.int64)]
    doubt = ", though no value tells whether the day or the month comes first" if unsure else ""
    return dated(column, values, form, doubt)


def dated(column, values, form, doubt):
    learnt = "hour and elapsed hours" if form == "time" else "year, month, weekday, hour and elapsed days"
    words = f"{column.name!r}: dates, read as {form}{doubt}; learnt from as {learnt}"
    if form == "time":
        words = f"{column.name!r}: times of day; learnt from as {learnt}"
    elif form == "duration":
        words = f"{column.name!r}: durations; learnt from as elapsed hours"
    return column._replace(values=values, texts=None, kind="date", form=form, words=words, original=column)
