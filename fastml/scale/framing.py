"""Rows of a table in parts as frames, for models that know columns by their names: a ColumnTransformer and its like."""

import contextlib
from typing import Any

import numpy as np
from scipy.sparse import issparse

from fastml.scale.parts import Parts
from fastml.scale.sparse_rows import with_length

__all__ = ["Framed", "first_step", "frame_of", "known_row", "needs_frames"]


class Framed:
    """A model's method, for arrays of a table's columns that it is given as a frame."""

    warns = False  # see Asking

    def __init__(self, model: Any, method: str, parts: Parts, sparse: bool = False):
        self.model, self.method, self.names = model, method, parts.names
        self.kinds = parts.kinds or [parts.dtype] * parts.n_features
        self.sparse = sparse  # whether sparse rows are taken

    def __call__(self, X: np.ndarray) -> Any:
        found = getattr(self.model, self.method)(frame_of(X, self.names, self.kinds))
        if issparse(found):
            return with_length(found) if self.sparse else found.toarray()
        return np.asarray(found)


def frame_of(X: np.ndarray, names: list | None, kinds: list) -> Any:
    """A data frame of pandas with columns of these dtypes, as far as what they hold allows; X where it has no names."""
    if names is None:
        return X
    try:
        import pandas
    except ImportError:
        raise ImportError("columns are found by their names in frames of pandas: pip install pandas") from None
    columns = {}
    for name, kind, column in zip(names, kinds, X.T, strict=True):
        if kind.kind != "O":
            column = column.astype(np.float64 if column.dtype.kind == "O" else column.dtype)
            if kind.kind in "iub" and np.isnan(column).any():
                kind = np.dtype(np.float64)
            column = column.astype(kind)
        columns[name] = column
    return pandas.DataFrame(columns)


def needs_frames(model: Any) -> bool:
    """Whether a model, or the first step of a pipeline, parts the columns of its rows."""
    first = first_step(model)
    return hasattr(first, "transformers_") and hasattr(first, "_transformer_to_input_indices")


def first_step(model: Any) -> Any:
    steps = [step for _, step in getattr(model, "steps", ()) if step is not None and not isinstance(step, str)]
    return first_step(steps[0]) if steps else model


def known_row(model: Any, row: list) -> list:
    """A row that a fitted model knows all values of: `row`, with categories in place of what stands for texts."""
    first = first_step(model)
    if needs_frames(first):
        row = list(row)
        for name, step, _ in first.transformers_:
            places = first._transformer_to_input_indices[name]
            if not isinstance(step, str) and len(places):
                for j, value in zip(places, known_row(step, [row[j] for j in places]), strict=True):
                    row[j] = value
        return row
    categories = getattr(first, "categories_", ())
    if len(categories) == len(row):
        return [values[0] for values in categories]
    filled = getattr(first, "statistics_", ())
    if len(filled) == len(row):
        known = zip(filled, row, strict=True)
        row = [value if isinstance(value, str) else zero for value, zero in known]
        rest = [step for _, step in getattr(model, "steps", ()) if step is not first]
        if rest:
            with contextlib.suppress(AttributeError):
                return known_row(type(model)(model.steps[1:]), row)
    return row
