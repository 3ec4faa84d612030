"""Tables of Arrow's kinds, read by pyarrow (the extra `scale`): Parquet, Arrow and Feather files, CSV."""

import contextlib
import copy
from collections.abc import Iterable
from typing import Any

import numpy as np

from fastml.scale.parts import MEMORY, Parts, Piece, settled
from fastml.scale.paths import paths_of

__all__ = ["arrow", "csv", "parquet"]

CSV_BLOCK = 2**24  # bytes of a CSV file that are read at once: with what is made of them, 0.1 GB


def pyarrow(what):
    try:
        import pyarrow
    except ImportError:
        raise ImportError(f'{what} are read by pyarrow: pip install "fastml-learn[scale]"') from None
    return pyarrow


class Columns:
    """Which columns of a table are X, which one is y or the weights, and the dtype that those of X have together."""

    def __init__(self, schema, named, source):
        have = schema.names
        self.target, self.weight, wanted = named
        self.beside = [name for name in (self.target, self.weight) if name is not None]
        for name in [*self.beside, *(wanted or [])]:
            if name not in have:
                raise ValueError(f"{source} has no column {name!r}; it has {', '.join(map(repr, have[:20]))}")
        self.names = [name for name in have if name not in self.beside] if wanted is None else list(wanted)
        for word, name in (("target", self.target), ("sample_weight", self.weight)):
            if name in self.names:
                raise ValueError(f"{word}={name!r} is among columns, too: leave it out there")
        if not self.names:
            others = " and ".join(map(repr, self.beside))
            raise ValueError(f"{source} has no column but {others}: there is nothing to learn from")
        if self.weight is not None and not is_number(schema.field(self.weight).type):
            kind = schema.field(self.weight).type
            raise TypeError(f"column {self.weight!r} of {source} is of {kind}, and weights must be numbers")
        self.types = {name: schema.field(name).type for name in self.names}
        for name, kind in self.types.items():
            if not is_number(kind) and not is_text(kind):
                numbers = [each for each in have if each not in self.beside and is_number(schema.field(each).type)]
                raise TypeError(
                    f"column {name!r} of {source} is of {kind}, and columns of X must be numbers, or texts: choose them"
                    f" by columns={numbers[:8]}{', ...' if len(numbers) > 8 else ''}"
                )
        self.types_beside = {name: schema.field(name).type for name in self.beside}
        single = all(str(kind) in ("float", "halffloat") for kind in self.types.values())
        self.texts = [is_text(kind) for kind in self.types.values()]
        self.kinds = [stored(kind) for kind in self.types.values()]
        self.dtype = np.dtype(object if any(self.texts) else np.float32 if single else np.float64)

    def compare(self, schema, source, first):
        """Refuse a file whose columns are not those of the first."""
        for name, kind in (self.types | self.types_beside).items():
            if name not in schema.names:
                raise ValueError(f"{source} has no column {name!r}, which {first} has")
            found = schema.field(name).type
            if found != kind and not (is_text(found) and is_text(kind)):
                raise ValueError(
                    f"column {name!r} is of {found} in {source}, and of {kind} in {first}: write it in one type"
                )

    def read(self):
        return [*self.names, *self.beside]

    def piece(self, batch, source, first):
        """X, y and weights of a batch, of which `first` is the first row's number in its file."""
        y = None if self.target is None else self.labels(batch.column(self.target), source, first)
        weight = None if self.weight is None else np.asarray(numbers_of(batch.column(self.weight)), np.float64)
        return Piece(self.table(batch), y, source, first, weight)

    def table(self, batch):
        """X of a batch, missing values as NaN."""
        X = np.empty((batch.num_rows, len(self.names)), self.dtype)
        for j, name in enumerate(self.names):
            X[:, j] = (texts_of if is_text(self.types[name]) else numbers_of)(batch.column(name))
        return X

    def labels(self, column, source, first):
        """y of a batch's column."""
        if column.null_count:
            row = first + int(np.flatnonzero(np.asarray(column.is_null()))[0])
            raise ValueError(f"the target {self.target!r} is missing in row {row} of {source}: leave the row out")
        if str(column.type).startswith("dictionary"):
            column = column.dictionary_decode()
        if is_number(column.type):
            return column.to_numpy(zero_copy_only=False)
        if is_text(column.type):
            return texts_of(column)
        kind = column.type
        raise TypeError(f"the target {self.target!r} of {source} is of {kind}: labels are numbers, texts or booleans")


def is_number(kind):
    text = str(kind)
    return text in ("bool", "halffloat", "float", "double") or text.lstrip("u").startswith("int")


def is_text(kind):
    text = str(kind)
    kept = text.removeprefix("dictionary<values=").partition(",")[0]  # of a dictionary, what its values are
    return kept in ("string", "large_string", "string_view")


def stored(kind):
    """The dtype of NumPy that a column has in a frame: of texts that of objects, of a dictionary a category's."""
    return np.dtype(object) if is_text(kind) else np.dtype(kind.to_pandas_dtype())


def texts_of(column):
    """An array of objects, equal texts being one object; NaN where one is missing, as in frames."""
    coded = column if str(column.type).startswith("dictionary") else column.dictionary_encode()
    values = np.array([*coded.dictionary.to_pylist(), np.nan], object)
    codes = coded.indices.to_numpy(zero_copy_only=False)
    return values[codes if coded.null_count == 0 else np.where(np.isnan(codes), len(values) - 1, codes).astype(int)]


def numbers_of(column):
    if str(column.type) == "bool":
        column = column.cast("int8")
    return column.to_numpy(zero_copy_only=False)


class ArrowParts(Parts):
    """Files of record batches."""

    def __init__(self, files, columns):
        self.files, self.columns, self.names = files, columns, columns.names
        self.n_features, self.dtype = len(self.names), columns.dtype
        self.texts = columns.texts if any(columns.texts) else None
        self.kinds = columns.kinds
        self.has_target, self.has_weight = columns.target is not None, columns.weight is not None
        self.what = repr(str(files[0])) if len(files) == 1 else f"{len(files)} files from {str(files[0])!r}"

    def batches(self, file, wanted, first, most):
        """(number of the first row, batch) of a file from about its row `first` on."""
        raise NotImplementedError

    def length(self, number):
        """Rows of a file; None where only reading tells."""
        return None

    def pieces(self, first=0, most=None):
        for k, file in enumerate(self.files):
            length, source = self.length(k), repr(str(file))
            if length is not None and first >= length:
                first -= length
                continue
            end = 0
            with contextlib.closing(self.batches(k, self.columns.read(), first, most)) as batches:
                for start, batch in batches:
                    end = start + batch.num_rows
                    skipped = min(max(0, first - start), batch.num_rows)
                    if skipped == batch.num_rows:
                        continue
                    yield self.columns.piece(batch.slice(skipped), source, start + skipped)
            first = max(0, first - end)

    def targets_of_rows(self, start, stop):
        view = copy.copy(self)
        view.columns = copy.copy(self.columns)
        view.columns.names, view.columns.weight, view.columns.beside = [], None, [view.columns.target]
        return view.rows(start, stop)[1]

    def targets(self):
        for k, file in enumerate(self.files):
            with contextlib.closing(self.batches(k, [self.columns.target], 0, 2**18)) as batches:
                for start, batch in batches:
                    if batch.num_rows:
                        column = batch.column(self.columns.target)
                        yield self.columns.labels(column, repr(str(file)), start), repr(str(file)), start


class ParquetParts(ArrowParts):
    def __init__(self, files, named):
        import pyarrow.parquet as pq

        described = [described_parquet(pq, file) for file in files]
        first = described[0][0]
        super().__init__(files, Columns(first, named, repr(str(files[0]))))
        self.lengths = []
        for file, (schema, groups) in zip(files, described, strict=True):
            self.columns.compare(schema, repr(str(file)), repr(str(files[0])))
            self.lengths.append(groups)
        self.n_rows = sum(map(sum, self.lengths))

    def length(self, number):
        return sum(self.lengths[number])

    def batches(self, number, wanted, first, most):
        import pyarrow.parquet as pq

        start, groups = 0, list(range(len(self.lengths[number])))
        while groups and start + self.lengths[number][groups[0]] <= first:
            start += self.lengths[number][groups.pop(0)]
        if not groups:
            return
        with pq.ParquetFile(self.files[number], pre_buffer=False) as file:  # or it holds what it has read of the file
            for batch in file.iter_batches(min(most or self.at_once(), 2**18), groups, wanted):
                yield start, batch
                start += batch.num_rows


def named_columns(target, sample_weight, columns):
    return target, sample_weight, None if columns is None else list(columns)


def described_parquet(pq, file):
    """(schema, rows of each row group) of a file."""
    import pyarrow

    try:
        with pq.ParquetFile(file) as opened:
            about = opened.metadata
            return opened.schema_arrow, [about.row_group(g).num_rows for g in range(about.num_row_groups)]
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{str(file)!r} is no Parquet file: {error}") from None


class FeatherParts(ArrowParts):
    def __init__(self, files, named):
        opened = [opened_arrow(file) for file in files]
        super().__init__(files, Columns(opened[0].schema, named, repr(str(files[0]))))
        self.lengths = []
        for file, reader in zip(files, opened, strict=True):
            self.columns.compare(reader.schema, repr(str(file)), repr(str(files[0])))
            self.lengths.append([reader.get_batch(b).num_rows for b in range(reader.num_record_batches)])
        self.n_rows = sum(map(sum, self.lengths))

    def length(self, number):
        return sum(self.lengths[number])

    def batches(self, number, wanted, first, most):
        reader, start = opened_arrow(self.files[number]), 0
        for b, rows in enumerate(self.lengths[number]):
            if start + rows > first:
                yield start, reader.get_batch(b).select(wanted)
            start += rows


def opened_arrow(file):
    import pyarrow

    try:
        return pyarrow.ipc.open_file(pyarrow.memory_map(str(file)))
    except pyarrow.ArrowInvalid as error:
        raise ValueError(f"{str(file)!r} is no file of Arrow's format (Feather, version 2): {error}") from None


def pyarrow_type(name):
    import pyarrow

    return pyarrow.string() if name == "string" else pyarrow.float64()


class CsvParts(ArrowParts):
    def __init__(self, files, named):
        self.types = None
        first = self.opened(files[0], None)
        with first:
            schema = first.schema
        super().__init__(files, Columns(schema, named, repr(str(files[0]))))
        kinds = zip(self.columns.names, self.columns.texts, strict=True)
        self.types = {name: "string" if text else "float64" for name, text in kinds}  # what begins whole need not stay
        self.columns.types = {name: pyarrow_type(kind) for name, kind in self.types.items()}
        self.columns.dtype = self.dtype = np.dtype(object if self.texts else np.float64)
        self.kinds = [stored(kind) for kind in self.columns.types.values()]
        self.types |= self.columns.types_beside
        if self.has_weight:
            self.types[self.columns.weight] = "float64"

    def opened(self, file, wanted):
        import pyarrow.csv

        options = {} if self.types is None else {"column_types": self.types, "include_columns": wanted}
        try:
            return pyarrow.csv.open_csv(
                str(file),
                read_options=pyarrow.csv.ReadOptions(block_size=CSV_BLOCK),
                convert_options=pyarrow.csv.ConvertOptions(strings_can_be_null=False, **options),
            )
        except (pyarrow.ArrowInvalid, KeyError) as error:
            raise ValueError(f"{str(file)!r} cannot be read: {error}") from None

    def batches(self, number, wanted, first, most):
        import pyarrow

        start = 0
        with self.opened(self.files[number], wanted) as reader:
            while True:
                try:
                    batch = reader.read_next_batch()
                except StopIteration:
                    return
                except pyarrow.ArrowInvalid as error:
                    raise ValueError(f"{str(self.files[number])!r}, after row {start}: {error}") from None
                yield start, batch
                start += batch.num_rows


def parquet(
    path: Any,
    target: str | None = None,
    *,
    sample_weight: str | None = None,
    columns: Iterable[str] | None = None,
    memory: int = MEMORY,
    verbose: bool = False,
) -> Parts:
    """A table in Parquet files.

    Parameters
    ----------
    path : path, or list of paths
        A file, a folder (all its files `*.parquet`, also in folders within, in alphabetic order), a pattern, or a list.
    target : str, default=None
        The column that is y; every other is part of X. None where there is no target.
    sample_weight : str, default=None
        The column that is the weights of the rows.
    columns : list of str, default=None
        The columns of X, in this order; None for all but the target and the weights.
    memory : int, default=2**28
        Bytes that reading may hold, about.
    verbose : bool, default=False
        Whether a bar shows how far each pass has come.

    Returns
    -------
    Parts

    Raises
    ------
    ValueError
        If a file lacks a column, or has it in another type than the first file.

    Examples
    --------
    >>> import os, pandas, tempfile
    >>> import fastml.scale
    >>> folder = tempfile.TemporaryDirectory()
    >>> frame = pandas.DataFrame({"a": [1.0, 2.0], "b": [3.0, 4.0], "y": ["no", "yes"]})
    >>> frame.to_parquet(os.path.join(folder.name, "1.parquet"))
    >>> frame.to_parquet(os.path.join(folder.name, "2.parquet"))
    >>> parts = fastml.scale.parquet(folder.name, target="y")
    >>> parts.n_rows, parts.names
    (4, ['a', 'b'])
    >>> folder.cleanup()
    """
    pyarrow("Parquet files")
    files = paths_of(path, "path", ".parquet")
    return settled(ParquetParts(files, named_columns(target, sample_weight, columns)), None, memory, verbose)


def arrow(
    path: Any,
    target: str | None = None,
    *,
    sample_weight: str | None = None,
    columns: Iterable[str] | None = None,
    memory: int = MEMORY,
    verbose: bool = False,
) -> Parts:
    """A table in files of Arrow's own format, which is also that of Feather, version 2.

    Parameters
    ----------
    path : path, or list of paths
        A file, a folder (all its files `*.arrow`), a pattern, or a list.
    target, sample_weight, columns, memory, verbose
        As for `parquet`.

    Returns
    -------
    Parts
    """
    pyarrow("Arrow files")
    files = paths_of(path, "path", ".arrow")
    return settled(FeatherParts(files, named_columns(target, sample_weight, columns)), None, memory, verbose)


def csv(
    path: Any,
    target: str | None = None,
    *,
    sample_weight: str | None = None,
    columns: Iterable[str] | None = None,
    memory: int = MEMORY,
    verbose: bool = False,
) -> Parts:
    """A table in text files with commas and a header.

    Numbers are read as float64, empty cells as missing; the first 16 MB of the first file tell what a column is. How
    many rows there are only reading tells.

    Parameters
    ----------
    path : path, or list of paths
        A file, a folder (all its files `*.csv`), a pattern, or a list.
    target, sample_weight, columns, memory, verbose
        As for `parquet`.

    Returns
    -------
    Parts
    """
    pyarrow("CSV files")
    files = paths_of(path, "path", ".csv")
    return settled(CsvParts(files, named_columns(target, sample_weight, columns)), None, memory, verbose)
