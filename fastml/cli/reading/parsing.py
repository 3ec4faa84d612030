"""The rows of a text table in blocks: by pyarrow where it is installed and knows the dialect, else by Python's csv.

pyarrow takes 0.2 µs a row of 8 columns as texts; polars takes as long and reads no file in blocks, pandas takes 2.4.
A block is a list of columns, each a pyarrow array of texts, or a list of them.
"""

import csv
import io
import itertools
from functools import partial

from fastml.cli.reading.dialect import BLANKS, rows_of
from fastml.cli.reading.rows import table_rows
from fastml.cli.reading.sources import BROKEN, Utf8
from fastml.cli.terminal import InputError

__all__ = ["blocks"]

BLOCK = 10_000  # rows that Python's reader gives at a time
BYTES = 2**23  # that pyarrow parses at a time


def blocks(source, places):
    """Blocks of the columns at `places`, below the header; whatever goes wrong in the file is an InputError."""
    done = 0
    if ordinary(source):
        try:
            for block in by_arrow(source, places):
                yield block
                done += len(block[0])
            return
        except (ImportError, NotArrowError):
            pass
    given = 0
    for block in by_python(source, places):  # of what pyarrow does not read, or it names the row of the mistake
        given += len(block[0])
        if given > done:
            yield block if given - len(block[0]) >= done else [column[done - given :] for column in block]


def ordinary(source):
    look = source.dialect
    separator = look.separator
    return not look.spaced and not look.quotes.escaped and separator != BLANKS and separator.isascii()


class NotArrowError(Exception):
    """What pyarrow cannot read; Python's reader can, or says in which row the mistake is."""


def by_arrow(source, places):
    import pyarrow
    from pyarrow import csv as arrow

    names, mark = [str(i) for i in range(source.dialect.width)], source.dialect.quotes.mark.encode()
    options = arrow.ConvertOptions(
        column_types=dict.fromkeys(names, pyarrow.string()),
        strings_can_be_null=False,
        include_columns=[names[i] for i in places],
    )
    try:
        with Utf8(source.path, source.encoding, source.skip) as stream:
            for part in whole_rows(stream, mark):
                source.progress(f"reading {source.path.name}", f"{stream.share():.0%}")
                quoted = mark in part
                read = arrow.ReadOptions(column_names=names, block_size=len(part) + 1 if quoted else 2**20)
                parse = arrow.ParseOptions(
                    delimiter=source.dialect.separator, quote_char=mark.decode(), newlines_in_values=quoted
                )
                table = parsed(arrow, pyarrow, part, read, parse, options)
                for batch in table.combine_chunks().to_batches() if table.num_rows else ():
                    yield batch.columns
    except (pyarrow.ArrowInvalid, UnicodeError, *BROKEN):
        raise NotArrowError from None


def parsed(arrow, pyarrow, part, read, parse, options):
    try:
        return arrow.read_csv(pyarrow.BufferReader(part), read, parse, options)
    except pyarrow.ArrowInvalid as error:
        if str(error).startswith("Empty CSV"):
            return pyarrow.table({})
        if "straddling" not in str(error):
            raise
        read.block_size = len(part) + 1
        return arrow.read_csv(pyarrow.BufferReader(part), read, parse, options)


def whole_rows(stream, mark):
    """Parts of a stream, cut between two rows: where a line ends with an even number of quotes before."""
    left = b""
    while part := stream.read(BYTES):
        part = left + part
        cut = end_of_rows(part, mark)
        left = part[cut:]
        if cut:
            yield part[:cut]
    if left.count(mark) % 2:
        raise NotArrowError
    if left.strip(b"\r\n"):
        yield left


def end_of_rows(part, mark):
    """Where the last whole row of a part ends; 0 where none does."""
    end = b"\n" if b"\n" in part else b"\r"
    cut = part.rfind(end) + 1
    odd = part.count(mark, 0, cut) % 2
    while cut and odd:
        before, cut = cut, part.rfind(end, 0, cut - 1) + 1
        odd ^= part.count(mark, cut, before) % 2
    return cut


def by_python(source, places):
    done = 0
    for rows in row_blocks(source):
        wide = source.dialect.width
        if any(len(row) != wide for row in rows):
            row, cells = next((i, row) for i, row in enumerate(rows, done + 1) if len(row) != wide)
            raise InputError(
                f"row {row} of {str(source.path)!r} has {len(cells)} cells where the header has "
                f"{wide - source.dialect.extra}: look for a separator inside a text without quotes, or pass --separator"
            )
        done += len(rows)
        columns = list(zip(*rows, strict=True))
        yield [list(columns[i]) for i in places]


def row_blocks(source):
    """Lists of up to BLOCK rows; an empty line is no row."""
    csv.field_size_limit(2**31 - 1)
    done = 0
    try:
        with Utf8(source.path, source.encoding, source.skip) as stream:
            text = io.TextIOWrapper(io.BufferedReader(stream), encoding="utf-8", newline="")
            reader = rows_of(text, source.dialect.separator, source.dialect.quotes, strict=True)
            rows = table_rows(reader, source.dialect.width, source.notes)
            for block in iter(partial(lambda: list(itertools.islice(rows, BLOCK))), []):
                done += len(block)
                source.progress(f"reading {source.path.name}", f"{stream.share():.0%}")
                yield block
    except UnicodeError as error:
        bad = f"byte 0x{error.object[error.start]:02x}" if isinstance(error, UnicodeDecodeError) else error
        raise InputError(
            f"{str(source.path)!r} is not {name_of(source.encoding)} text ({bad}, after row {done}): "
            f"pass its encoding, for example --encoding cp1252"
        ) from None
    except (csv.Error, *BROKEN) as error:
        why = str(error).replace("unexpected end of data", "a quote is opened there, or later, and never closed")
        raise InputError(f"{str(source.path)!r} cannot be read as a table after row {done}: {why}") from None


def name_of(encoding):
    return {"utf-8-sig": "UTF-8", "utf-8": "UTF-8", "utf-16": "UTF-16"}.get(encoding, encoding)
