"""Tables that are no text: Parquet, Arrow and Feather, Excel workbooks, JSON lines. Blocks as in parsing.py."""

import datetime
import itertools
import json
import re

from fastml.cli.reading.parsing import BLOCK
from fastml.cli.reading.sources import needed, unpacked
from fastml.cli.terminal import InputError

__all__ = ["format_of", "reader_of"]

EXCEL_OLD = b"\xd0\xcf\x11\xe0"


def format_of(path, start):
    """ "Parquet", "Arrow", "Excel", "JSON lines", or None for a text table."""
    if start.startswith(b"PAR1"):
        return "Parquet"
    if start.startswith((b"ARROW1", b"FEA1", b"\xff\xff\xff\xff")):
        return "Arrow"
    if start.startswith(b"PK\x03\x04"):
        return "Excel"
    if start.startswith(EXCEL_OLD):
        raise InputError(f"{str(path)!r} is an Excel workbook of before 2007: save it as .xlsx or CSV")
    if re.match(rb"\{|\[\s*\{", start.lstrip(b"\xef\xbb\xbf \r\n\t")) and path.suffix != ".csv":
        return "JSON lines"
    return None


def reader_of(kind, path):
    """(names of the columns, () -> blocks of all columns, words about what was chosen)"""
    try:
        return {"Parquet": parquet, "Arrow": arrow, "Excel": excel, "JSON lines": json_lines}[kind](path)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # whatever the library says of a damaged file
        raise InputError(f"{str(path)!r} cannot be read as {kind}: {error or type(error).__name__}") from None


def parquet(path):
    needed("pyarrow", "a Parquet file")
    import pyarrow.parquet

    names = pyarrow.parquet.ParquetFile(path).schema_arrow.names

    def blocks():
        with pyarrow.parquet.ParquetFile(path) as file:
            yield from (batch.columns for batch in file.iter_batches(65_536))

    return names, blocks, ""


def arrow(path):
    needed("pyarrow", "an Arrow file")
    import pyarrow.feather

    table = pyarrow.feather.read_table(path, memory_map=True)
    return table.column_names, lambda: (batch.columns for batch in table.to_batches(65_536)), ""


def excel(path):
    openpyxl = needed("openpyxl", "an Excel workbook")
    book = openpyxl.load_workbook(path, read_only=True, data_only=True)
    sheets = [
        sheet for sheet in book.worksheets if any(any(row) for row in sheet.iter_rows(max_row=50, values_only=True))
    ]
    if not sheets:
        raise InputError(f"{str(path)!r} is empty: it must hold a header and rows")
    rows = [[plain(cell) for cell in row] for row in sheets[0].iter_rows(values_only=True)]
    wide = max(max((i for i, cell in enumerate(row, 1) if cell), default=0) for row in rows)
    rows = [row[:wide] + [""] * (wide - len(row)) for row in rows if any(row)]
    top = next((i for i, row in enumerate(rows) if sum(map(bool, row)) * 2 > wide), 0)  # titles stand above
    words = f"sheet {sheets[0].title!r}" + (f" (the first of {len(sheets)})" if len(sheets) > 1 else "")
    words += f", skipped above the header: {top} line{'s' * (top > 1)}" if top else ""
    return rows[top], lambda: columns_of(rows[top + 1 :]), words


def columns_of(rows):
    for start in range(0, len(rows), BLOCK):
        yield [list(column) for column in zip(*rows[start : start + BLOCK], strict=True)]


def json_lines(path):
    with unpacked(path) as file:
        text = file.read().decode("utf-8-sig")
    if text.lstrip().startswith("["):
        records = json.loads(text, parse_float=str, parse_int=str)
    else:
        records = []
        for number, line in enumerate(text.splitlines(), 1):
            try:
                records += [json.loads(line, parse_float=str, parse_int=str)] if line.strip() else []
            except ValueError as error:
                raise InputError(f"line {number} of {str(path)!r} is no JSON: {error}") from None
    if not all(isinstance(record, dict) for record in records):
        raise InputError(f"{str(path)!r} must hold one JSON object a line, the names of the columns with their values")
    names = list(dict.fromkeys(itertools.chain.from_iterable(records)))
    rows = [[plain(record.get(name)) for name in names] for record in records]
    return names, lambda: columns_of(rows), ""


def plain(cell):
    """A value as the text that a CSV file would hold."""
    if cell is None:
        return ""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return "" if cell != cell else str(int(cell)) if cell.is_integer() and abs(cell) < 2**53 else repr(cell)
    if isinstance(cell, datetime.datetime):
        midnight = cell.time() == datetime.time() and cell.tzinfo is None
        return cell.date().isoformat() if midnight else cell.isoformat(" ")
    if isinstance(cell, (datetime.date, datetime.time)):
        return cell.isoformat()
    if isinstance(cell, datetime.timedelta):
        return span(cell)
    if isinstance(cell, (dict, list)):
        return json.dumps(cell)
    return str(cell)


def span(time):
    """A span of time in hours, minutes and seconds, as in 36:05:07.25."""
    seconds = abs(time) // datetime.timedelta(seconds=1)
    rest = f"{(abs(time) % datetime.timedelta(seconds=1)).microseconds:06}".rstrip("0")
    sign, part = "-" if time < datetime.timedelta() else "", f".{rest}" if rest else ""
    return f"{sign}{seconds // 3600}:{seconds // 60 % 60:02}:{seconds % 60:02}{part}"
