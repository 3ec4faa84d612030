"""Parts: a table in numbered rows that is read a piece at a time, and never held as a whole."""

import abc
import copy
from collections.abc import Iterator
from numbers import Integral
from typing import Any, NamedTuple

import numpy as np

__all__ = ["CODES", "MEMORY", "Parts", "Piece", "coded", "dtype_of", "settled", "told_size"]

TEXT = 64  # bytes of a text and what refers to it, about
CODES = 255  # of a column of more distinct values than codes of two bytes tell apart: with a missing one, a byte
MOST_CODES = 4096
MEMORY = 2**28  # bytes that reading may hold, unless told otherwise


class Piece(NamedTuple):
    """Some rows, as they follow in the table, and where they stand."""

    X: np.ndarray  # (m, d)
    y: np.ndarray | None  # (m,)
    source: str  # the file, or what else the rows come from, in words
    first: int  # number of its first row there
    weight: np.ndarray | None = None  # (m,)


class Parts(abc.ABC):
    """A table in numbered rows, read a piece at a time; the functions of `fastml.scale` make them.

    Row i is row i of the whole table: files and chunks are put one below the other, in their order. `fit` takes Parts
    in the place of X and y, where the class can learn from them.

    Attributes
    ----------
    n_features : int
        Columns of X.
    n_rows : int or None
        Rows; None where only reading tells.
    names : list of str or None
        Names of the columns of X, where the source has them.
    dtype : dtype
        float32 where every column is, else float64; object where some columns are texts.
    has_target : bool
        Whether y comes with the rows.
    has_weight : bool
        Whether the rows have weights.
    """

    n_rows: int | None = None
    names: list[str] | None = None
    n_features: int
    dtype: np.dtype
    has_target: bool
    has_weight: bool = False
    texts: list[bool] | None = None  # whether each column is texts; None where all are numbers
    sparse = False  # whether X is CSR
    kinds: list | None = None  # dtype of each column as it is stored; None where all are of `dtype`
    what: str  # in words, for messages
    memory: int = MEMORY
    verbose: bool = False
    codes = CODES  # see `coded`
    once = False  # whether the rows can be read one time only

    @abc.abstractmethod
    def pieces(self, first: int = 0, most: int | None = None) -> Iterator[Piece]:
        """The rows from number `first` on, in pieces of at most `most` rows where the source has a choice."""

    def targets(self) -> Iterator[tuple[np.ndarray, str, int]]:
        """(y, source, first) of each piece; sources that can do so read nothing else."""
        for piece in self.pieces(most=self.at_once()):
            assert piece.y is not None
            yield piece.y, piece.source, piece.first

    def map_targets(self, function: Any) -> Iterator[Any]:
        """function(y, source, first) of each piece of the targets, in their order, wherever they are."""
        return (function(*piece) for piece in self.targets())

    def reduce(self, reduction: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        """The state of all rows by a `Reduction`, in one pass; None of no rows. checks(slab) gives it its rows."""
        from fastml.scale.reading import read_slabs
        from fastml.scale.reduction import reduce_blocks, rows_of_block

        with read_slabs(self, checks.who, rows_of_block(reduction), what) as slabs:
            return reduce_blocks(map(checks, slabs), reduction, n_jobs)

    def tally(self, tally: Any, checks: Any, what: str, n_jobs: int | None) -> Any:
        """The state of all rows by a `Tally`, in one pass."""
        from fastml.scale.reading import read_slabs

        state = tally.start()
        with read_slabs(self, checks.who, what=what) as slabs:
            for rows in map(checks, slabs):
                state = tally.add(state, rows, n_jobs)
        return state

    def choose(self, numbers: np.ndarray, checks: Any, what: str) -> list[tuple]:
        """(X, y, weight) of the rows of these ascending numbers, in their order, in pieces."""
        from fastml.scale.reading import read_slabs

        found = []
        with read_slabs(self, checks.who, what=what) as slabs:
            for rows in map(checks, slabs):
                first, last = np.searchsorted(numbers, [rows.start, rows.start + len(rows.X)])
                found.append(rows.at(numbers[first:last] - rows.start))
        return found

    def rows(self, start: int, stop: int) -> tuple[np.ndarray, np.ndarray | None]:
        """X and y of the rows from `start` to before `stop`; y is None where there is none.

        Parameters
        ----------
        start, stop : int
            Numbers of rows, from 0; rows beyond the last are not there.
        """
        if not 0 <= start <= stop:
            raise ValueError(f"rows({start}, {stop}) must be two numbers of rows, the first not above the second")
        found, wanted = [], stop - start
        for piece in self.pieces(start, max(wanted, 1)):
            if wanted == 0:
                break
            found.append((piece.X[:wanted], None if piece.y is None else piece.y[:wanted]))
            wanted -= len(found[-1][0])
            if wanted == 0:
                break
        if not found:
            return np.empty((0, self.n_features), self.dtype), np.empty(0) if self.has_target else None
        X = np.concatenate([X for X, _ in found])
        return X, np.concatenate([y for _, y in found]) if self.has_target else None

    def targets_of_rows(self, start: int, stop: int) -> np.ndarray:
        """y of the rows from `start` to before `stop`; sources that can do so read nothing else."""
        y = self.rows(start, stop)[1]
        assert y is not None
        return y

    def made_dense(self) -> "Parts":
        """The same rows, of which sparse ones are made dense."""
        return self

    def behind(self, ask: Any, none: np.ndarray) -> "Parts":
        """The same rows, each piece of X as ask(X) gives it; none: what it gives of no rows."""
        from fastml.scale.through import Through

        return Through(self, ask, none)

    def at_once(self) -> int:
        """Rows that are read at once: a power of two, of about an eighth of the memory."""
        size = TEXT if self.texts else self.dtype.itemsize
        most = max(self.memory // (8 * max(1, self.n_features) * size), 1)
        return 2 ** min(max(most.bit_length() - 1, 13), 18)

    def need_numbers(self, who: str) -> None:
        """Refuse texts on behalf of a model that takes none."""
        if self.texts:
            names = self.names or [f"x{j}" for j in range(self.n_features)]
            numbers = [name for name, text in zip(names, self.texts, strict=True) if not text]
            raise TypeError(
                f"column {names[self.texts.index(True)]!r} of {self.what} is of texts, and for {who} columns of X must"
                f" be numbers: choose them by {self.chosen_by(numbers)}, or encode the texts (OrdinalEncoder,"
                " OneHotEncoder(sparse_output=False))"
            )

    def chosen_by(self, names: list[str]) -> str:
        return f"columns={names[:8]}{', ...' if len(names) > 8 else ''}"

    def __array__(self, dtype: Any = None, copy: Any = None) -> Any:
        raise TypeError(
            f"{self!r} is not collected in memory in silence: fit, fastml.scale.predict and fastml.scale.transform read"
            " it a piece at a time, and parts.rows(0, 100_000) gives the first rows as arrays"
        )

    def __repr__(self) -> str:
        target = "" if self.has_target else ", without y"
        return f"Parts of {self.what}: {told_size(self)}{target}"


def coded(parts: Parts, codes: int) -> Parts:
    """The same table, of whose columns decision trees tell so many ranges apart, where they have too many values.

    A column of at most 65,536 distinct values is taken as it is. Of one that has more, the values are put in so many
    ranges of about equally many rows, and a tree splits between ranges.

    Parameters
    ----------
    parts : Parts
        The table.
    codes : int
        Ranges, from 2 to 4,096; 255 unless told otherwise, which with missing values fit into a byte.

    Returns
    -------
    Parts

    Examples
    --------
    >>> import fastml.scale
    >>> from fastml.tree import DecisionTreeClassifier
    >>> X = np.random.default_rng(0).random((70_000, 1))
    >>> parts = fastml.scale.coded(fastml.scale.arrays(X, X[:, 0] > 0.5), 10)
    >>> model = DecisionTreeClassifier(max_depth=1).fit(parts)
    >>> model.n_ranges_.tolist(), model.tree_.threshold[0].round(2).item()
    ([10], 0.5)
    """
    if not isinstance(parts, Parts):
        raise TypeError(f"parts is a {type(parts).__name__}, and a table in parts is needed: fastml.scale.arrays(X, y)")
    if not isinstance(codes, Integral) or not 2 <= codes <= MOST_CODES:
        raise ValueError(f"codes={codes!r} must be a whole number from 2 to {MOST_CODES}")
    other = copy.copy(parts)
    other.codes = int(codes)
    return other


def told_size(parts: Parts) -> str:
    """
    >>> from fastml.scale import arrays
    >>> told_size(arrays(np.zeros((2000, 5))))
    '2,000 rows × 5 columns of float64, 80.0 kB'
    """
    if parts.n_rows is None:
        return f"a number of rows not known yet × {parts.n_features} columns of {parts.dtype}"
    size, unit = float(parts.n_rows * parts.n_features * parts.dtype.itemsize), "B"
    for larger in ("kB", "MB", "GB", "TB"):
        if size >= 1000:
            size, unit = size / 1000, larger
    return f"{parts.n_rows:,} rows × {parts.n_features} columns of {parts.dtype}, {size:.1f} {unit}"


def dtype_of(*dtypes: Any) -> np.dtype:
    """float32 of columns of float16 and float32 alone, else float64; dtypes may be pandas' own.

    >>> dtype_of(np.dtype(np.float16), np.dtype(">f4")), dtype_of(np.dtype(np.int8))
    (dtype('float32'), dtype('float64'))
    """
    single = all(getattr(each, "kind", "O") == "f" and getattr(each, "itemsize", 8) <= 4 for each in dtypes)
    return np.dtype(np.float32 if single else np.float64)


def settled(parts, names, memory, verbose):
    if names is not None:
        parts.names = [str(name) for name in names]
        if len(parts.names) != parts.n_features:
            raise ValueError(f"names has {len(parts.names)} names for {parts.n_features} columns: give one each")
    parts.memory, parts.verbose = memory, verbose
    return parts
