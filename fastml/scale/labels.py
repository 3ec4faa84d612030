"""The labels of a table in parts: found in a pass over y alone, and told by their places among the classes."""

import warnings
from collections import Counter
from typing import Any

import numpy as np
from sklearn.utils.multiclass import check_classification_targets

from fastml.base import encode_labels
from fastml.kinds import read_target
from fastml.scale.parts import Parts

__all__ = ["Labels", "find_labels", "number_targets", "number_weights"]

SPAN = 2**16  # integers so close together are looked up in a table
MOST = 10_000  # classes


class Labels:
    """The classes of a table, how many rows each has, and the codes of labels."""

    def __init__(self, classes: np.ndarray, counts: np.ndarray):
        self.classes, self.counts = classes, counts
        self.table: np.ndarray | None = None
        if classes.dtype.kind in "iu" and int(classes[-1]) - int(classes[0]) < SPAN:
            self.table = np.full(int(classes[-1]) - int(classes[0]) + 1, -1)
            self.table[classes.astype(np.int64) - int(classes[0])] = np.arange(len(classes))
        self.places = {label: c for c, label in enumerate(classes.tolist())} if classes.dtype.kind == "O" else {}

    def codes(self, y: Any) -> tuple[np.ndarray, int]:
        """((m,) int64, the first row whose label is none of the classes, or -1)."""
        if self.places:
            codes = np.fromiter((self.places.get(label, -1) for label in y.tolist()), np.int64, len(y))
        elif self.table is not None and y.dtype.kind in "iu":
            at = y.astype(np.int64) - int(self.classes[0])
            inside = (at >= 0) & (at < len(self.table))
            codes = self.table[at] if inside.all() else np.where(inside, self.table[np.where(inside, at, 0)], -1)
        else:
            codes = np.minimum(np.searchsorted(self.classes, y), len(self.classes) - 1)
            codes = np.where(self.classes[codes] == y, codes, -1)
        strange = int(np.argmin(codes)) if len(codes) and codes.min() < 0 else -1
        return codes.astype(np.int64, copy=False), strange


def find_labels(parts: Parts) -> Labels:
    """One pass over the targets."""
    counts: Counter = Counter()
    dtypes, rows = set(), 0
    for dtype, length, found in parts.map_targets(counted_piece):
        if not length:
            continue
        dtypes.add(dtype)
        rows += length
        counts.update(found)
        if len(counts) > MOST:
            raise ValueError(
                f"y has more than {MOST} different labels in the first {rows:,} rows: these look like numbers to be"
                " estimated, for which there are regressors"
            )
    if parts.n_rows is None:
        parts.n_rows = rows
    if not rows:
        raise ValueError(f"{parts!r} has 0 rows, and at least one is needed to learn from")
    if len({dtype.kind in "OU" for dtype in dtypes}) > 1:
        raise ValueError("y is numbers in some parts, and texts in others: write it in one way")
    values = sorted(counts)
    dtype = np.result_type(*dtypes)
    classes = np.array(values, dtype if dtype.kind in "OU" else None).astype(dtype, copy=False)
    return Labels(classes, np.array([counts[value] for value in values], np.float64))


def counted_piece(y: np.ndarray, source: str, first: int) -> tuple[np.dtype, int, dict]:
    """(dtype, rows, {label: rows}) of one piece."""
    return y.dtype, len(y), counted(y, source, first) if len(y) else {}


def counted(y: np.ndarray, source: str, first: int) -> dict:
    """{label: rows} of one piece."""
    if y.dtype.kind == "O":
        return Counter(y.tolist())
    if y.dtype.kind == "f":
        bad = ~np.isfinite(y)
        if bad.any():
            i = int(np.argmax(bad))
            raise ValueError(f"y is {y[i]} in row {first + i} of {source}: a label must be known")
        check_classification_targets(y)
    with warnings.catch_warnings():  # few rows of many labels are no sign of a regression here
        warnings.simplefilter("ignore")
        classes, codes = encode_labels(y)
    return dict(zip(classes.tolist(), np.bincount(codes).tolist(), strict=True))


def number_targets(y: Any, place: Any) -> np.ndarray:
    """(m,) float64 of the targets of a regression; place(i) says where row i stands."""
    y = np.asarray(read_target(y, True), np.float64)
    bad = ~np.isfinite(y)
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"y is {y[i]} in {place(i)}, and a target must be a finite number")
    return y


def number_weights(weight: Any, place: Any) -> np.ndarray:
    """(m,) float64 of the weights of rows; place(i) says where row i stands."""
    weight = np.asarray(weight, np.float64)
    bad = ~((weight >= 0) & (weight < np.inf))
    if bad.any():
        i = int(np.argmax(bad))
        raise ValueError(f"the weight of {place(i)} is {weight[i]}, and weights are finite numbers from 0 upwards")
    return weight
