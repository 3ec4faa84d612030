"""From file to file: predictions and transformed rows, written while the table is read."""

import contextlib
import copy
import os
import warnings
from collections.abc import Iterator
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.base import Estimator
from fastml.scale.framing import Framed, first_step, known_row, needs_frames
from fastml.scale.parts import Parts
from fastml.scale.reading import read_slabs
from fastml.scale.sparse_rows import with_length
from fastml.writing import check_target, replacing

__all__ = ["Asking", "answers", "asked_at", "asked_of_none", "asking", "nameless", "predict", "transform"]

HEADER = 128  # bytes before the numbers of a .npy file: the number of rows is known at the end only


def predict(model: Any, parts: Parts, output: str | os.PathLike | None = None, *, method: str = "predict") -> Any:
    """What a fitted model says of each row of a table, from file to file.

    Parameters
    ----------
    model : fitted estimator
        Of fastml, scikit-learn or others.
    parts : Parts
        The table; its target, where it has one, is not looked at.
    output : path, default=None
        The file to write, .npy or .parquet; it is there when all of it is written, and after an error or Ctrl-C it is
        as it was. None to return an array.
    method : str, default="predict"
        The method asked: "predict", "predict_proba", "decision_function", "transform", ...

    Returns
    -------
    int or ndarray
        The number of rows written; without `output` the answers.

    Examples
    --------
    >>> import numpy as np, os, tempfile
    >>> import fastml.scale
    >>> from fastml.naive_bayes import GaussianNB
    >>> model = GaussianNB().fit([[0.0], [1.0], [5.0], [6.0]], [0, 0, 1, 1])
    >>> rows = fastml.scale.arrays([[0.5], [7.0]])
    >>> fastml.scale.predict(model, rows).tolist()
    [0, 1]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     file = os.path.join(folder, "answers.npy")
    ...     fastml.scale.predict(model, rows, file), np.load(file).tolist()
    (2, [0, 1])
    """
    if not callable(getattr(model, method, None)):
        raise TypeError(f"{type(model).__name__} has no method {method!r}")
    if output is None:
        found = list(answers(model, parts, method))
        return np.concatenate(found) if found else asked_of_none(model, parts, method)
    ending = os.path.splitext(os.fspath(output))[1]
    if ending not in (".npy", ".parquet"):
        raise ValueError(f"output={os.fspath(output)!r} must end in .npy or .parquet: nothing else is written")
    check_target(output)
    written = write_npy if ending == ".npy" else write_parquet
    return written(model, parts, output, method)


def transform(model: Any, parts: Parts, output: str | os.PathLike | None = None) -> Any:
    """The rows of a table, transformed, from file to file: `predict` with method="transform".

    Parameters
    ----------
    model : fitted transformer
        Of fastml, scikit-learn or others, with dense output.
    parts, output
        As for `predict`.

    Returns
    -------
    int or ndarray
        The number of rows written; without `output` the rows.
    """
    return predict(model, parts, output, method="transform")


def answers(model: Any, parts: Parts, method: str) -> Iterator[np.ndarray]:
    """The answers for slab after slab."""
    ask = asking(model, parts, method)
    if hasattr(parts, "answers"):  # where the rows are
        yield from parts.answers(ask)
        return
    with read_slabs(parts, type(model).__name__, what=f"{method} of") as slabs:
        for slab in slabs:
            yield ask(slab.X)


def asking(model: Any, parts: Parts, method: str, sparse: bool = False) -> "Asking | Framed":
    """The model's method for arrays of the table's columns, put in the order in which it knows them."""
    if needs_frames(model):
        return Framed(model, method, parts, sparse)
    known, order = getattr(model, "feature_names_in_", None), None
    if known is not None and parts.names is not None:
        place = {name: j for j, name in enumerate(parts.names)}
        lacking = [name for name in known if name not in place]
        if lacking:
            raise ValueError(f"{parts.what} has no column {lacking[0]!r}, which {type(model).__name__} was fitted on")
        order = [place[name] for name in known]
        order = None if order == list(range(parts.n_features)) else order
    own = isinstance(model, Estimator) and "feature_names_in_" in vars(model)
    model = nameless(model)
    return Asking(model, method, order, not own and (known is not None or hasattr(model, "steps")), sparse)


def nameless(model: Any) -> Any:
    """A model of ours that takes arrays, though it was fitted to a table with names; others as they are."""
    if not isinstance(model, Estimator) or "feature_names_in_" not in vars(model):
        return model
    model = copy.copy(model)
    del model.feature_names_in_
    model._note_columns()
    return model


def asked_at(ask: Any, X: Any, start: Any) -> Any:
    """ask(X), of functions that need it with the number of the first row, or those of all rows, ascending."""
    return ask(X, start) if getattr(ask, "numbered", False) else ask(X)


class Asking:
    """A model's method, for arrays of a table's columns."""

    def __init__(self, model: Any, method: str, order: list | None, warns: bool, sparse: bool = False):
        self.model, self.method, self.order, self.sparse = model, method, order, sparse
        self.documents = getattr(first_step(model), "_documents_parts", False)
        self.warns = warns  # of names that arrays lack; it is kept quiet, which is for one thread at a time

    def __call__(self, X: np.ndarray) -> np.ndarray:
        rows = X if self.order is None else np.ascontiguousarray(X[:, self.order])
        if self.documents and X.ndim == 2 and X.shape[1] == 1:
            rows = rows[:, 0]
        with warnings.catch_warnings() if self.warns else contextlib.nullcontext():
            if self.warns:
                warnings.filterwarnings("ignore", message="X does not have valid feature names")
            found = getattr(self.model, self.method)(rows)
        if self.sparse and issparse(found):
            return with_length(found)
        if not isinstance(found, np.ndarray):
            raise TypeError(
                f"{type(self.model).__name__}.{self.method} gives {type(found).__name__}, and arrays are taken"
                f" only{': set sparse_output=False' if hasattr(self.model, 'sparse_output') else ''}"
            )
        return found


def asked_of_none(model: Any, parts: Parts, method: str, sparse: bool = False) -> np.ndarray:
    """The answers of no rows, in the shape and dtype of those of one."""
    framed = needs_frames(model)
    width = parts.n_features if framed else getattr(model, "n_features_in_", parts.n_features)
    texts = parts.texts if parts.texts and len(parts.texts) == width else [parts.dtype.kind == "O"] * width
    row = np.array([known_row(model, ["" if text else 0.0 for text in texts])], parts.dtype)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        if framed:
            return Framed(model, method, parts, sparse)(row)[:0]
        return Asking(model, method, None, False, sparse)(row)[:0]


def write_npy(model: Any, parts: Parts, output: Any, method: str) -> int:
    rows, dtype, shape = 0, None, ()
    with replacing(output) as file:
        file.write(b"\0" * HEADER)
        for found in answers(model, parts, method):
            if found.dtype.kind == "O":
                found = found.astype(str)
            if dtype is None:
                dtype, shape = widest(found, model), found.shape[1:]
            file.write(np.ascontiguousarray(found, dtype).tobytes())
            rows += len(found)
        if dtype is None:
            none = asked_of_none(model, parts, method)
            none = none.astype(str) if none.dtype.kind == "O" else none
            dtype, shape = none.dtype, none.shape[1:]
        file.seek(0)
        file.write(npy_header(dtype, (rows, *shape)))
    return rows


def widest(found: np.ndarray, model: Any) -> np.dtype:
    """Texts as long as the longest class, not as the longest of the first rows."""
    if found.dtype.kind != "U" or not hasattr(model, "classes_"):
        return found.dtype
    return max(found.dtype, np.asarray(model.classes_).astype(str).dtype)


def npy_header(dtype: np.dtype, shape: tuple) -> bytes:
    """The head of a .npy file, version 1.0, of HEADER bytes."""
    about = f"{{'descr': {np.lib.format.dtype_to_descr(dtype)!r}, 'fortran_order': False, 'shape': {shape!r}, }}"
    head = b"\x93NUMPY\x01\x00" + (HEADER - 10).to_bytes(2, "little")
    return head + about.encode("ascii").ljust(HEADER - 11) + b"\n"


def write_parquet(model: Any, parts: Parts, output: Any, method: str) -> int:
    from fastml.scale.arrow_sources import pyarrow

    pyarrow("Parquet files")
    import pyarrow.parquet as pq

    rows, writer = 0, None
    with replacing(output) as file, contextlib.ExitStack() as opened:
        for found in answers(model, parts, method):
            table = as_arrow(found, model, method)
            if writer is None:
                writer = opened.enter_context(pq.ParquetWriter(file, table.schema))
            writer.write_table(table)
            rows += len(found)
        if writer is None:
            table = as_arrow(asked_of_none(model, parts, method), model, method)
            writer = opened.enter_context(pq.ParquetWriter(file, table.schema))
    return rows


def as_arrow(found: np.ndarray, model: Any, method: str) -> Any:
    """A table of one column of answers, or of one for each class or feature."""
    import pyarrow as pa

    if found.ndim == 1:
        return pa.table({"prediction" if method == "predict" else method: found})
    names = [str(j) for j in range(found.shape[1])]
    if method.startswith("predict") and len(getattr(model, "classes_", ())) == found.shape[1]:
        names = [str(label) for label in model.classes_]
    elif method == "transform" and hasattr(model, "get_feature_names_out"):
        names = [str(name) for name in model.get_feature_names_out()]
    return pa.table({name: np.ascontiguousarray(found[:, j]) for j, name in enumerate(names)})
