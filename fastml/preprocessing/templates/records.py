"""Rows of any kind seen as fields of texts or numbers: strings, dictionaries, frames, tables, images."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np

from fastml.kinds import as_numbers
from fastml.kinds.values import BOOLEAN, REAL, WHOLE, as_objects, distinct, floats, is_missing, kind_of, refuse_dtype
from fastml.preprocessing.templates.characters import marks_for
from fastml_ext import features as kernels

__all__ = ["Part", "Records", "Source", "read"]

PART = 1 << 16  # texts packed at a time, so that memory does not grow with their number
IMAGES = (3, 4)  # dimensions
CURES = {
    bytes: "decode it first, with .decode('utf-8') say",
    type(None): "drop the row, or put '' for a text that is missing",
}


class Source(NamedTuple):
    """Where a template reads: a field, or the record itself."""

    field: Any = None
    lower: bool = False

    @property
    def prefix(self):
        """What the names of its features begin with."""
        return (f"{self.field}." if self.field is not None else "") + ("lower." if self.lower else "")


class Part(NamedTuple):
    """Some of the texts, packed: text i is chars[starts[i] : starts[i + 1]]."""

    chars: np.ndarray
    starts: np.ndarray
    marks: np.ndarray  # of all code points in chars


class Records:
    """n records of one kind: "texts", "dicts", "frame", "table" or "images"."""

    def __init__(self, kind, rows, n, fields=None):
        self.kind, self.rows, self.n, self.fields = kind, rows, n, fields
        self._packed = {}

    def parts(self, source):
        """The texts of a source, packed, a part at a time; "" stands for one that is absent."""
        if source not in self._packed:
            texts = self.texts(source.field)
            parts = (self._pack(texts[at : at + PART], source, at) for at in range(0, self.n, PART))
            if self.n > PART:
                return parts
            self._packed[source] = list(parts)
        return self._packed[source]

    def _pack(self, texts, source, at):
        if source.lower:
            texts = [text.lower() for text in texts]
        chars, starts = kernels.pack(texts)
        return Part(chars, starts, marks_for(chars))

    def texts(self, field):
        """A list of n str."""
        values = self.column(field)
        if all(type(value) is str for value in values):
            return values
        texts = ["" if value is None and field is not None else value for value in values]
        for i, value in enumerate(texts):
            if isinstance(value, str):
                texts[i] = str(value)
            elif is_missing(value) and field is not None:
                texts[i] = ""
            else:
                raise TypeError(self.complaint(i, field, value, "a text"))
        return texts

    def numbers(self, field):
        """(n,) float64, NaN for what is absent."""
        values = self.column(field)
        if isinstance(values, np.ndarray) and values.dtype.kind in "iufb":
            told = "templates compute in float64"
            return self.finite(field, as_numbers(values, told, name=field).astype(np.float64))
        if isinstance(values, np.ndarray):
            raise ValueError(f"X holds complex numbers in {field!r}. Complex data not supported: take their real part")
        for i, value in enumerate(values):
            if not is_missing(value) and kind_of(type(value)) not in (BOOLEAN, WHOLE, REAL):
                raise TypeError(self.complaint(i, field, value, "a number"))
        place, codes = distinct(as_objects(values), field)
        return self.finite(field, np.append(floats(list(place), field), np.nan)[codes])

    def finite(self, field, values):
        """The values of a field, infinity refused."""
        infinite = np.isinf(values)
        if not infinite.any():
            return values
        i = int(infinite.argmax())
        at = self.fields.index(field) if self.fields and field in self.fields else field
        where = f"X[{i}][{field!r}]" if self.kind == "dicts" else f"X[{i}, {at}]"
        where += f" (column {field!r})" if self.kind == "frame" else ""
        raise ValueError(f"{where} is {values[i]}, and templates take no infinity: drop the record, or clip the value")

    def present(self, field):
        """(n,) bool: which records have the field at all."""
        if field is None or self.kind != "dicts":
            return np.ones(self.n, bool)
        return np.array([row.get(field) is not None for row in self.rows], bool)

    def column(self, field):
        """The n values of a field, None for what is absent: an array of numbers, or a list."""
        if field is None:
            if self.kind != "texts":
                raise ValueError(f"a template without a field reads texts, but X holds {self.kind}: {self.cure()}")
            return self.rows
        if self.kind == "dicts":
            return [row.get(field) for row in self.rows]
        if self.kind not in ("frame", "table"):
            raise ValueError(f"X holds {self.kind}, which have no field {field!r}")
        at = self.fields.index(field) if field in self.fields else field
        if not (isinstance(at, int) and 0 <= at < len(self.fields)):
            raise ValueError(f"X has no column {field!r}: it has {', '.join(map(repr, self.fields[:9]))}")
        values = self.rows[self.fields[at]] if self.kind == "frame" else self.rows[:, at]
        values = values.to_numpy() if hasattr(values, "to_numpy") else values
        if values.dtype.kind in "mM":  # its values as objects may be integers
            refuse_dtype(field, values.dtype)
        return values if values.dtype.kind in "iufbc" else values.tolist()

    def cure(self):
        """How a template names a field of such records."""
        if self.kind == "images":
            return "declare pixel(row, column)"
        if self.kind == "dicts":
            return "name the key before it, as in key.length"
        return f"name the column before it, as in {self.fields[0]}.length"

    def complaint(self, i, field, value, wanted):
        where = f"X[{i}]" + (f"[{field!r}]" if field is not None else "")
        cure = CURES.get(type(value), "convert it first (a field's value, or an argument must be a string or a number)")
        return f"{where} is {value!r:.60} of type {type(value).__name__}, but {wanted} is expected: {cure}"


def read(X):
    """Records of whatever was given: strings, mappings, a frame, a table (n, d), images (n, rows, columns[, channels]).

    Raises
    ------
    TypeError, ValueError
        If X is none of these, a single text or mapping, or empty; the message names the row.
    """
    if hasattr(X, "tocoo"):
        raise TypeError("X is a sparse matrix, which has no fields to read: give it to the model as it is, not here")
    if isinstance(X, (str, bytes, Mapping)):
        kind = "text" if not isinstance(X, Mapping) else "mapping"
        raise ValueError(f"X is a single {kind}, but a sequence of records is expected: pass [X]")
    if hasattr(X, "columns") and hasattr(X, "shape"):
        return filled(Records("frame", X, X.shape[0], list(X.columns)))
    X = np.asarray(X) if hasattr(X, "__array__") and not hasattr(X, "tolist") else X
    if isinstance(X, np.ndarray) and (X.ndim != 1 or X.dtype.kind not in "OUT"):
        return filled(read_array(X))
    try:
        rows = X.tolist() if hasattr(X, "tolist") else list(X)
    except TypeError:
        raise TypeError(f"X is {X!r:.60} of type {type(X).__name__}, but a sequence of records is expected") from None
    if rows and isinstance(rows[0], Mapping):
        return filled(Records("dicts", checked_dicts(rows), len(rows)))
    if rows and not isinstance(rows[0], (str, bytes)) and hasattr(rows[0], "__len__"):
        return filled(read_array(np.asarray(rows)))
    return filled(checked_texts(Records("texts", rows, len(rows))))


def filled(records):
    if records.fields == []:
        raise ValueError(f"X has 0 feature(s) (shape={tuple(records.rows.shape)}) while a minimum of 1 is required.")
    if not records.n:
        raise ValueError("X is empty: Found array with 0 sample(s), while a minimum of 1 is required")
    return records


def read_array(X):
    if X.ndim == 2:
        return Records("table", X, len(X), [f"x{j}" for j in range(X.shape[1])])
    if X.ndim in IMAGES and X.dtype.kind in "iufb":
        return Records("images", X, len(X))
    raise ValueError(
        f"X is an array of shape {X.shape} and dtype {X.dtype}, but records are texts, mappings, rows of a 2D array, or"
        " images of numbers (n, rows, columns[, channels]). Reshape your data: X.reshape(-1, 1) for one column,"
        " X.reshape(1, -1) for one row"
    )


def checked_texts(records):
    records.rows = records.texts(None)
    return records


def checked_dicts(rows):
    for i, row in enumerate(rows):
        if type(row) is not dict and not isinstance(row, Mapping):
            raise TypeError(f"X[{i}] is {row!r:.60} of type {type(row).__name__}, but X[0] is a mapping: mix no kinds")
    return rows
