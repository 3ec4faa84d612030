"""Dask's collections as Parts: which delayed parts make up X and y, and what each of them must look like."""

from typing import Any, NamedTuple

import numpy as np
from scipy.sparse import issparse

from fastml.kinds import array_of_numbers, read_target, without_mask
from fastml.kinds.lazy import is_lazy
from fastml.scale.parts import MEMORY, dtype_of
from fastml.scale.reading import Slab, joined

__all__ = ["Described", "delayed_parts", "parts", "targets_of"]


class Described(NamedTuple):
    """What every part of a table must be; small, for it goes to where the parts are."""

    what: str  # "the Dask array"
    n_features: int
    names: list | None
    kinds: dict  # {column: dtype} of a frame; {None: dtype} of an array
    dtype: np.dtype  # of X as models see it
    has_target: bool
    has_weight: bool = False
    sparse: bool = False  # see Parts

    def slab(self, who: str, number: int, X: Any, y: Any, weight: Any, start: int) -> Slab:
        """The rows of part `number`, checked against what the collection has promised."""
        source = f"part {number} of {self.what}"
        table = self.table(X, source)
        target = None
        if self.has_target:
            target = targets_of(y, source)
            if len(target) != len(table):
                raise ValueError(f"{source} has {len(table)} rows, and {len(target)} targets")
        if self.has_weight:
            weight = np.asarray(targets_of(weight, f"the weights of {source}"), np.float64)
            if len(weight) != len(table):
                raise ValueError(f"{source} has {len(table)} rows, and {len(weight)} weights")
        held = (start, source, 0), table, target, weight if self.has_weight else None
        return joined(self, [held], start, who)  # type: ignore[arg-type]

    def targets(self, number: int, y: Any) -> tuple[np.ndarray, str, int]:
        source = f"part {number} of {self.what}"
        return targets_of(y, source), source, 0

    def table(self, X: Any, source: str) -> np.ndarray:
        if None in self.kinds:
            return self.array(X, source)
        for name, kind in self.kinds.items():
            if name not in X.columns:
                raise ValueError(f"{source} has no column {name!r}, which the frame has")
            if is_text(kind):
                if not is_text(X[name].dtype):
                    raise ValueError(f"column {name!r} is of {X[name].dtype} in {source}, and of texts in the frame")
            elif X[name].dtype != kind:
                raise ValueError(
                    f"column {name!r} is of {X[name].dtype} in {source}, and of {kind} in the frame: make it of"
                    " one type by astype"
                )
        if self.dtype.kind == "O":
            return objects_of(X, self.kinds)
        return np.asarray(array_of_numbers(X[list(self.kinds)], False))

    def array(self, X: Any, source: str) -> np.ndarray:
        if issparse(X) or not hasattr(X, "__array__"):
            raise TypeError(
                f"{source} is a {type(X).__name__}, and dense arrays are needed: map_blocks(lambda b: b.toarray())"
            )
        masked = isinstance(X, np.ma.MaskedArray)
        X = without_mask(X) if masked else np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(f"{source} has shape {X.shape}, and the array says {self.n_features} columns")
        if X.dtype != self.kinds[None] and not (masked and dtype_of(X.dtype) == self.dtype):
            raise ValueError(
                f"{source} is of {X.dtype}, and the array says {self.kinds[None]}: make it of one type by"
                " map_blocks(lambda b: b.astype(...))"
            )
        return X


def objects_of(X: Any, kinds: dict) -> np.ndarray:
    """Columns of a frame side by side as objects: texts and numbers, NaN where one is missing."""
    table = np.empty((len(X), len(kinds)), object)
    for j, (name, kind) in enumerate(kinds.items()):
        if is_text(kind):
            column = X[name].astype(object).to_numpy(object)
            table[:, j] = np.where(X[name].isna().to_numpy(bool), np.nan, column)
        else:
            table[:, j] = np.asarray(array_of_numbers(X[[name]], False))[:, 0]
    return table


def targets_of(y: Any, source: str) -> np.ndarray:
    """(m,) of one part of y."""
    y = y.iloc[:, 0] if getattr(y, "ndim", 1) == 2 and hasattr(y, "iloc") else y
    y = y[:, 0] if isinstance(y, np.ndarray) and y.ndim == 2 and y.shape[1] == 1 else y
    try:
        found = read_target(y)
    except ValueError as error:
        raise ValueError(f"{error} (row numbers are those of {source})") from None
    if np.ndim(found) != 1:
        raise ValueError(f"the target of {source} has shape {np.shape(found)}, and one for each row is needed")
    return np.asarray(found)


def delayed_parts(X: Any) -> list:
    """The parts of a collection as delayed values: as many as it says, which Dask's optimizing of frames changes."""
    if hasattr(X, "simplify"):  # columns that nobody asks for are not read
        return list(X.simplify().to_delayed(optimize_graph=False))
    return list(np.ravel(X.to_delayed()))


def parts(X: Any, y: Any = None, *, sample_weight: Any = None, memory: int = MEMORY) -> Any:
    """A table in Dask's collections, as `fastml.scale` takes tables.

    `model.fit(X, y)` makes it by itself; it is for the functions of `fastml.scale`, such as `survey`, which read it
    one part at a time on this machine, and for fits that shall hold less memory here.

    Parameters
    ----------
    X : dask.array.Array or dask.dataframe.DataFrame
        The rows; a frame's columns must be numbers.
    y : Dask array or series, or array of shape (n_samples,), or name of a column of X, default=None
        The targets. A column of X that is named here is no part of the table.
    sample_weight : as y, default=None
        The weights of the rows.
    memory : int, default=2**28
        Bytes that this machine may hold, about.

    Returns
    -------
    Parts

    Raises
    ------
    TypeError
        If X is no array or frame of Dask, or a column is not of numbers.
    ValueError
        If X and y do not have the same number of rows, as far as that is known without computing.

    Examples
    --------
    >>> import dask.array as da
    >>> import fastml.dask
    >>> fastml.dask.parts(da.ones((6, 2), chunks=(4, 2)), y=da.arange(6, chunks=3))
    Parts of the Dask array: 6 rows × 2 columns of float64, 96.0 B
    """
    from fastml.dask.engine import DaskParts

    if not is_lazy(X) or not hasattr(type(X), "to_delayed") or getattr(X, "ndim", 0) != 2:
        kind = f"Dask {type(X).__name__}" if is_lazy(X) else type(X).__name__
        raise TypeError(f"X is a {kind}, and a Dask array of two dimensions or data frame is needed")
    frame = hasattr(X, "columns")
    beside = {"y": y, "sample_weight": sample_weight}
    if frame:
        X, beside = taken_out(X, beside)
    described = described_frame(X) if frame else described_array(X)
    described = described._replace(has_target=beside["y"] is not None, has_weight=beside["sample_weight"] is not None)
    if not frame and len(X.chunks[1]) > 1:
        X = X.rechunk({1: X.shape[1]})
    lengths = None if frame or np.isnan(X.chunks[0]).any() else list(X.chunks[0])
    made = DaskParts(described, delayed_parts(X), lengths)
    made.memory = memory
    for name, values in beside.items():
        if values is not None:
            made.take(name, values)
    return made


def taken_out(X: Any, beside: dict) -> tuple[Any, dict]:
    """A frame without the columns that are named as y or weights, and these."""
    named = {name: column for name, column in beside.items() if isinstance(column, str)}
    for name, column in named.items():
        if column not in list(X.columns):
            known = ", ".join(map(repr, list(X.columns)[:20]))
            raise ValueError(f"{name}={column!r} names no column of X; it has {known}")
    rest = [column for column in X.columns if column not in named.values()]
    return X[rest] if named else X, beside | {name: X[column] for name, column in named.items()}


def described_array(X: Any) -> Described:
    width = X.shape[1]
    if np.isnan(width):
        raise ValueError("X has a number of columns not known yet: call X.compute_chunk_sizes() first")
    if X.dtype.kind not in "fiub":
        raise TypeError(f"X is a Dask array of {X.dtype}, and its columns must be numbers")
    return Described("the Dask array", int(width), None, {None: X.dtype}, dtype_of(X.dtype), False)


def described_frame(X: Any) -> Described:
    kinds = {name: X.dtypes[name] for name in X.columns}
    if len(kinds) < len(X.columns):
        raise ValueError(f"X has two columns of one name: {list(X.columns)[:20]}")
    for name, kind in kinds.items():
        if getattr(kind, "kind", "O") not in "fiub" and not is_text(kind):
            numbers = [each for each, other in kinds.items() if getattr(other, "kind", "O") in "fiub"]
            raise TypeError(
                f"column {name!r} of the Dask frame is of {kind}, and columns of X must be numbers or texts: take"
                f" X[{numbers[:8]}{', ...' if len(numbers) > 8 else ''}], or encode it"
            )
    if not kinds:
        raise ValueError("X is a Dask frame without columns: there is nothing to learn from")
    names = list(kinds) if all(isinstance(name, str) for name in kinds) else None
    texts = any(map(is_text, kinds.values()))
    dtype = np.dtype(object) if texts else dtype_of(*kinds.values())
    return Described("the Dask frame", len(kinds), names, kinds, dtype, False)


def is_text(kind: Any) -> bool:
    """Whether a dtype of pandas is of texts; categories count as such."""
    return str(kind) in ("object", "str", "string", "category") or str(kind).startswith("string[")


def stored(kind: Any) -> np.dtype:
    """The dtype of NumPy that a column of such a dtype of pandas has, or would have without missing values."""
    return np.dtype(object) if is_text(kind) else np.dtype(getattr(kind, "numpy_dtype", kind))
