"""What rows come from: .npy files, arrays and iterables here; tables of Arrow's kinds in arrow_sources.py."""

import os
from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.kinds import array_of_numbers, read_target
from fastml.scale.arrow_sources import arrow, csv, parquet
from fastml.scale.parts import MEMORY, Parts, Piece, dtype_of, settled
from fastml.scale.paths import paths_of

__all__ = ["arrays", "arrow", "chunks", "csv", "npy", "parquet"]


class ArrayParts(Parts):
    """Arrays put one below the other, each read in slices: those of .npy files stay on the disk till then."""

    def __init__(self, tables, targets, weights, sources, what):
        self.tables, self.labels, self.weights, self.sources, self.what = tables, targets, weights, sources, what
        self.lengths = [len(table) for table in tables]
        self.n_rows, self.n_features = sum(self.lengths), tables[0].shape[1]
        self.dtype = dtype_of(tables[0].dtype)
        self.has_target, self.has_weight = targets is not None, weights is not None

    def pieces(self, first=0, most=None):
        most = most or self.at_once()
        passed = 0
        for k, (table, source) in enumerate(zip(self.tables, self.sources, strict=True)):
            start = min(max(0, first - passed), len(table))
            passed += len(table)
            # The first piece ends where those of the whole table do, so that later ones are cut at blocks.
            stop = start + most - (passed - len(table) + start) % most
            while start < len(table):
                rows = slice(start, min(stop, len(table)))
                y, weight = (
                    None if each is None else np.asarray(each[k][rows]) for each in (self.labels, self.weights)
                )
                yield Piece(read_rows(table, rows), y, source, start, weight)
                start, stop = rows.stop, rows.stop + most

    def targets_of_rows(self, start, stop):
        found, passed = [], 0
        for labels in self.labels:
            found.append(np.asarray(labels[max(0, start - passed) : max(0, stop - passed)]))
            passed += len(labels)
        return np.concatenate(found)

    def __getstate__(self):
        """Files are named, not read."""
        return self.__dict__ | {name: each and [named(array) for array in each] for name, each in self.held()}

    def __setstate__(self, state):
        self.__dict__ = state
        for name, held in self.held():
            again = [each if isinstance(each, np.ndarray) else mapped(*each) for each in held or []]
            setattr(self, name, again if held else held)

    def held(self):
        return [(name, getattr(self, name)) for name in ("tables", "labels", "weights")]

    def targets(self):
        for labels, source in zip(self.labels, self.sources, strict=True):
            for start in range(0, len(labels), 2**20):
                yield np.asarray(labels[start : start + 2**20]), source, start


def named(table):
    """(file, dimensions) of what `mapped` gives; other arrays are what they are."""
    if not isinstance(table, np.memmap) or table.filename is None or table.mode != "r":
        return table
    again = (os.path.abspath(table.filename), table.ndim)
    return again if same_place(mapped(*again), table) else np.asarray(table)


def same_place(one, other):
    return (one.offset, one.shape, one.dtype, one.strides) == (other.offset, other.shape, other.dtype, other.strides)


def read_rows(table, rows):
    """Rows of an array; of a mapped file in C order by reading, so that no page of it stays in memory."""
    if not isinstance(table, np.memmap):
        return table[rows]
    if not table.flags.c_contiguous or table.filename is None:
        return np.array(table[rows])
    with open(table.filename, "rb") as file:
        file.seek(table.offset + rows.start * table.strides[0])
        values = np.fromfile(file, table.dtype, (rows.stop - rows.start) * table.shape[1])
    return values.reshape(-1, table.shape[1])


def npy(
    X: Any,
    y: Any = None,
    *,
    sample_weight: Any = None,
    names: Iterable[str] | None = None,
    memory: int = MEMORY,
    verbose: bool = False,
) -> Parts:
    """A table in .npy files, as `numpy.save` writes them.

    Parameters
    ----------
    X : path, or list of paths
        Files of arrays of shape (n, n_features), one below the other; a pattern such as "X*.npy" names them in
        alphabetic order.
    y : path, or list of paths, default=None
        Files of arrays of shape (n,): the targets, of as many rows in all.
    sample_weight : path, or list of paths, default=None
        Files of arrays of shape (n,): the weights of the rows, as for y.
    names : list of str, default=None
        Names of the columns.
    memory : int, default=2**28
        Bytes that reading may hold.
    verbose : bool, default=False
        Whether a bar shows how far each pass has come.

    Returns
    -------
    Parts

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> import fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> folder = tempfile.TemporaryDirectory()
    >>> X, y = os.path.join(folder.name, "X.npy"), os.path.join(folder.name, "y.npy")
    >>> np.save(X, np.arange(12.0).reshape(6, 2)), np.save(y, np.repeat([0, 1], 3))
    (None, None)
    >>> GaussianNB().fit(fastml.scale.npy(X, y=y)).theta_.tolist()
    [[2.0, 3.0], [8.0, 9.0]]
    >>> folder.cleanup()
    """
    files = paths_of(X, "X", ".npy")
    tables = [mapped(file, 2) for file in files]
    first = tables[0]
    for file, table in zip(files, tables, strict=True):
        if table.shape[1] != first.shape[1]:
            raise ValueError(
                f"{str(file)!r} has {table.shape[1]} columns, and {str(files[0])!r} has {first.shape[1]}: files of one"
                " table have the same columns"
            )
        if table.dtype != first.dtype:
            raise ValueError(
                f"{str(file)!r} is of {table.dtype}, and {str(files[0])!r} of {first.dtype}: write them in one dtype"
            )
        if table.dtype.kind not in "fiub":
            raise TypeError(f"{str(file)!r} is of {table.dtype}, and columns of X must be numbers")
    columns: dict = {"y": (y, "targets"), "sample_weight": (sample_weight, "weights")}
    for name, (given, word) in columns.items():
        named_files = [] if given is None else paths_of(given, name, ".npy")
        mapped_files = [mapped(file, 1) for file in named_files]
        columns[name] = beside(tables, files, mapped_files, named_files, name, word) if named_files else None
    what = repr(str(files[0])) if len(files) == 1 else f"{len(files)} files from {str(files[0])!r}"
    sources = [repr(str(file)) for file in files]
    made = ArrayParts(tables, columns["y"], columns["sample_weight"], sources, what)
    return settled(made, names, memory, verbose)


def mapped(file, dimensions):
    """The array of a .npy file, which stays on the disk."""
    with open(file, "rb") as opened:
        if opened.read(6) != b"\x93NUMPY":
            raise ValueError(f"{str(file)!r} is no file of one array as numpy.save writes it")
    try:
        table = np.load(file, mmap_mode="r", allow_pickle=False)
    except ValueError as error:
        if "object" in str(error).lower():
            raise ValueError(f"{str(file)!r} holds Python objects, which are not read: save it as numbers") from None
        raise ValueError(f"{str(file)!r} is no file of one array as numpy.save writes it: {error}") from None
    if dimensions == 1 and table.ndim == 2 and table.shape[1] == 1:
        table = table[:, 0]
    if table.ndim != dimensions:
        shape = "(n, n_features)" if dimensions == 2 else "(n,)"
        raise ValueError(f"{str(file)!r} has shape {table.shape}, and {shape} is needed")
    return table


def beside(tables, files, labels, label_files, name, word):
    """The targets, or weights, of each table, from files that need not be cut as those of X are."""
    rows, n = sum(map(len, tables)), sum(map(len, labels))
    if len(tables) == len(labels):
        for table, file, y, label_file in zip(tables, files, labels, label_files, strict=True):
            if len(table) != len(y):
                raise ValueError(f"{str(file)!r} has {len(table)} rows, and {str(label_file)!r} has {len(y)} {word}")
        return labels
    if rows != n:
        raise ValueError(f"the files of X have {rows} rows, and those of {name} {n} {word}")
    whole = np.concatenate(labels)
    return np.split(whole, np.cumsum([len(table) for table in tables])[:-1])


def arrays(X: Any, y: Any = None, *, sample_weight: Any = None, memory: int = MEMORY, verbose: bool = False) -> Parts:
    """A table in memory, or mapped into it (`numpy.memmap`), taken a piece at a time as files are.

    Parameters
    ----------
    X : array-like of shape (n_samples, n_features)
        Numbers.
    y : array-like of shape (n_samples,), default=None
        Targets.
    sample_weight : array-like of shape (n_samples,), default=None
        Weights of the rows.
    memory, verbose
        As for `npy`.

    Returns
    -------
    Parts

    Examples
    --------
    >>> import fastml.scale
    >>> fastml.scale.arrays([[1.0, 2.0], [3.0, 4.0]], y=["a", "b"])
    Parts of arrays: 2 rows × 2 columns of float64, 32.0 B
    """
    table, names = as_table(X, "X")
    targets = None if y is None else read_target(y)
    if targets is not None and np.shape(targets) != (len(table),):
        raise ValueError(f"X has {len(table)} rows, and y has shape {np.shape(targets)}: one target for each row")
    weight = None if sample_weight is None else np.asarray(sample_weight, np.float64)
    if weight is not None and weight.shape != (len(table),):
        raise ValueError(f"X has {len(table)} rows, and sample_weight has shape {weight.shape}: one for each row")
    held, weights = (None if each is None else [each] for each in (targets, weight))
    made = ArrayParts([table], held, weights, ["X"], "arrays")
    return settled(made, names, memory, verbose)


def as_texts(X):
    """(m, 1) objects of a list, array or series of texts; None for what is none."""
    if hasattr(X, "columns") or getattr(X, "ndim", 1) != 1 or issparse(X):
        return None
    values = X if isinstance(X, list | tuple) else np.asarray(X, object).tolist()
    if not len(values) or not all(isinstance(value, str) for value in values):
        return None
    column = np.empty((len(values), 1), object)
    column[:, 0] = values
    return column


def as_table(X, name):
    """(array (m, d) of numbers, names of its columns or None)."""
    names = [str(each) for each in X.columns] if hasattr(X, "columns") else None
    if issparse(X):
        raise TypeError(f"{name} is a sparse matrix, and parts are dense: pass {name}.toarray(), or fit takes it whole")
    if not isinstance(X, np.memmap):
        X = np.asarray(array_of_numbers(X, False))
    if X.ndim != 2:
        raise ValueError(f"{name} has shape {X.shape}, and (n_samples, n_features) is needed")
    if X.dtype.kind == "O":
        X = X.astype(np.float64)
    if X.dtype.kind not in "fiub":
        raise TypeError(f"{name} is of {X.dtype}, and its columns must be numbers")
    return X, names


class ChunkParts(Parts):
    """What an iterable gives, one chunk below the other."""

    def __init__(self, begin: Callable[[], Iterator], once: bool):
        self.begin, self.once, self.begun = begin, once, False
        self.what = "chunks"
        kept = self.iterator()
        head = next((chunk for chunk in kept if not is_empty_list(chunk)), None)
        if head is None:
            raise ValueError("chunks has nothing to give: no chunk came")
        X, y, weight, self.names = self.take(head, 0)
        self.n_features, self.has_target, self.has_weight = X.shape[1], y is not None, weight is not None
        self.dtype = X.dtype if X.dtype.kind == "O" else dtype_of(X.dtype)
        self.texts = [True] if X.dtype.kind == "O" else None
        self.head = (head, kept) if once else None

    def iterator(self):
        return iter(self.begin())

    def take(self, chunk, number):
        """(X, y, weight, names) of one chunk."""
        several = isinstance(chunk, tuple) and len(chunk) in (2, 3)
        X, y, weight = (*chunk, None)[:3] if several else (chunk, None, None)
        texts = np.empty((0, 1), object) if self.texts and is_empty_list(chunk) else as_texts(X)
        X, names = as_table(X, f"X of chunk {number}") if texts is None else (texts, None)
        if y is not None:
            y = read_target(y)
            if np.shape(y) != (len(X),):
                raise ValueError(
                    f"chunk {number} has {len(X)} rows of X, and y of shape {np.shape(y)}: one target for each row"
                )
        if weight is not None:
            weight = np.asarray(weight, np.float64)
            if weight.shape != (len(X),):
                raise ValueError(f"chunk {number} has {len(X)} rows, and weights of shape {weight.shape}")
        return X, y, weight, names

    def pieces(self, first=0, most=None):
        if self.once and self.begun:
            raise ValueError(
                "these chunks come from an iterator, which can be read once, and another pass is needed: give a list,"
                " or a function that returns a new iterator each time"
            )
        self.begun = True
        if self.head is None:
            chunks = enumerate(self.iterator())
        else:
            (head, kept), self.head = self.head, None
            chunks = enumerate(chained(head, kept))
        for number, chunk in chunks:
            X, y, weight, names = self.take(chunk, number)
            self.compare(X, y, weight, names, number)
            skipped = min(first, len(X))
            first -= skipped
            if skipped < len(X):
                y, weight = (each if each is None else each[skipped:] for each in (y, weight))
                yield Piece(X[skipped:], y, f"chunk {number}", skipped, weight)

    def compare(self, X, y, weight, names, number):
        if X.shape[1] != self.n_features or names != self.names:
            raise ValueError(
                f"chunk {number} has {X.shape[1]} columns{f' {names}' if names else ''}, and chunk 0 has"
                f" {self.n_features}{f': {self.names}' if self.names else ''}"
            )
        if len(X) and (X.dtype if X.dtype.kind == "O" else dtype_of(X.dtype)) != self.dtype:
            raise ValueError(f"chunk {number} is of {X.dtype}, and chunk 0 of {self.dtype}: give them in one dtype")
        if (y is not None) != self.has_target:
            raise ValueError(f"chunk {number} comes with{'out' * self.has_target} y, and chunk 0 does not")
        if (weight is not None) != self.has_weight:
            raise ValueError(f"chunk {number} comes with{'out' * self.has_weight} weights, and chunk 0 does not")


def is_empty_list(chunk):
    """Whether X of a chunk has no rows, and does not say what columns they would have."""
    X = chunk[0] if isinstance(chunk, tuple) and len(chunk) in (2, 3) else chunk
    return np.ndim(X) == 1 and not len(X)


def chained(head, rest):
    yield head
    yield from rest


def chunks(iterable: Any, *, memory: int = MEMORY, verbose: bool = False) -> Parts:
    """A table that comes in chunks, from an iterable or from a function that returns one.

    Parameters
    ----------
    iterable : iterable, or function without arguments
        Gives pairs (X, y), or (X, y, weights), or X alone where there is no target. What needs several passes wants a
        list, or a function that begins anew each time it is called; an iterator can be read once.
    memory, verbose
        As for `npy`.

    Returns
    -------
    Parts

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> pairs = [([[0.0], [2.0]], ["a", "a"]), ([[9.0], [7.0]], ["b", "b"])]
    >>> GaussianNB().fit(fastml.scale.chunks(pairs)).theta_.tolist()
    [[1.0], [8.0]]
    """
    begin = iterable if callable(iterable) else lambda: iterable
    if not callable(iterable) and not hasattr(iterable, "__iter__"):
        raise TypeError(f"chunks takes an iterable of (X, y), or a function that returns one, not {iterable!r}")
    once = not callable(iterable) and iter(iterable) is iterable
    made = ChunkParts(begin, once)
    return settled(made, made.names, memory, verbose)
