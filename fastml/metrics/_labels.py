"""Vectors of labels and weights as the kernels take them. Whatever is not a plain vector raises Unread."""

import sys
from dataclasses import dataclass

import numpy as np

from fastml.kinds.lazy import is_lazy
from fastml.metrics._scikit import Unread
from fastml_ext import metrics as kernels
from fastml_ext import pool

__all__ = [
    "EXACT", "Pairs", "equal", "exact_sum", "find", "read_labels", "read_pairs", "read_scores", "read_weight",
]  # fmt: skip

NUMBERS, STRINGS = "?bBhHiIlLqQfd", "UO"  # dtypes: the half and the extended floats are scikit-learn's business
SPARE_CELLS = 4096  # a table of pairs may have this many cells, and four for each row: more would cost more than coding
PAIR_COST = 0.6  # ns a row
PARALLEL_ROWS = 1_000_000  # below this a second thread does not pay: 0.7 ms
FEW_ROWS = 10_000
PARALLEL_CELLS = 1 << 14  # each range of rows has its own table
EXACT = 2.0**53  # sums of integers up to here are exact in float64


def read_labels(y):
    """`y` as a vector of integers, integral floats, bools or strings: any strides, not empty."""
    if type(y) is not np.ndarray:
        y = _as_array(y)
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1 or y.shape[0] == 0 or y.dtype.char not in NUMBERS + STRINGS:
        raise Unread
    if y.dtype.kind == "f":
        with np.errstate(invalid="ignore"):
            if not ((y == y.astype(np.int64)) & (abs(y) < 2.0**63)).all():
                raise Unread
    return y


def read_pairs(y_true, y_pred):
    """Two label vectors of one length and one kind, numbers or strings; and the same, comparable element by element."""
    y_true, y_pred = read_labels(y_true), read_labels(y_pred)
    if len(y_true) != len(y_pred) or (y_true.dtype.kind in STRINGS) != (y_pred.dtype.kind in STRINGS):
        raise Unread
    return y_true, y_pred


def read_scores(values):
    """Finite numbers, (n,) or (n, columns)."""
    if type(values) is not np.ndarray:
        values = _as_array(values)
    if values.ndim not in (1, 2) or values.shape[0] == 0 or values.dtype.char not in NUMBERS:
        raise Unread
    if values.dtype.kind == "f" and not np.isfinite(values).all():
        raise Unread
    return values


def read_weight(sample_weight, n, relative=True):
    """(weights as float64 or None, are they integers?)

    relative: only their ratios count, so that those whose sum would overflow may come back divided by a power of two
    """
    if sample_weight is None:
        return None, True
    weight = sample_weight if type(sample_weight) is np.ndarray else _as_array(sample_weight)
    if weight.shape != (n,) or weight.dtype.char not in NUMBERS:
        raise Unread
    if not np.isfinite(weight).all() or not weight.any():
        raise Unread
    integral, weight = weight.dtype.kind != "f", np.ascontiguousarray(weight, np.float64)
    if relative and (largest := np.abs(weight).max()) > np.finfo(np.float64).max / n:
        weight = np.ldexp(weight, -np.frexp(largest)[1])
    return weight, integral


def exact_sum(integers):
    """Sum of a vector of integers or bools as a Python int, which never wraps around."""
    integers = integers.astype(np.uint64 if integers.dtype.kind == "u" else np.int64, copy=False)
    return (int((integers >> 32).sum()) << 32) + int((integers & 0xFFFFFFFF).sum())


@dataclass(frozen=True)
class Pairs:
    """Codes of the true and of the predicted labels, in [low, low + width); labels[code - low] is the label."""

    y_true: np.ndarray
    y_pred: np.ndarray
    low: int
    width: int
    labels: np.ndarray | None  # None: the codes are the labels themselves, and some may not occur
    dtype: tuple  # of the labels as they were given: (true, predicted)

    @classmethod
    def read(cls, y_true, y_pred):
        y_true, y_pred = read_pairs(y_true, y_pred)
        dtype = y_true.dtype, y_pred.dtype
        if dtype[0].kind in STRINGS:
            return cls._of_strings(y_true, y_pred, dtype)
        y_true, y_pred = _integers(y_true), _integers(y_pred)
        low, high = _extent(y_true, y_pred)
        width = high - low + 1
        if width * width <= SPARE_CELLS + 4 * len(y_true):
            return cls(y_true, y_pred, low, width, None, dtype)
        values, y_true, y_pred = kernels.code_integers(y_true, y_pred)
        return cls._sorted(values, y_true, y_pred, dtype)

    @classmethod
    def _of_strings(cls, y_true, y_pred, dtype):
        if dtype[0].kind == dtype[1].kind == "U":
            first, *codes = kernels.code_strings(_characters(y_true), _characters(y_pred))
            n, mine = len(y_true), first < len(y_true)
            labels = np.concatenate([y_true[first[mine]], y_pred[first[~mine] - n]])
        else:
            coded = kernels.code_objects(y_true.astype(object, copy=False), y_pred.astype(object, copy=False))
            if coded is None:
                raise Unread
            labels, *codes = coded
            labels = np.array(labels, dtype=str)
        return cls._sorted(labels, codes[0], codes[1], dtype)

    @classmethod
    def _sorted(cls, labels, y_true, y_pred, dtype):
        """Codes in order of first appearance made codes in order of the labels."""
        order = np.argsort(labels, kind="stable")
        if (order[1:] < order[:-1]).any():
            rank = np.empty(len(order), np.int64)
            rank[order] = np.arange(len(order))
            y_true, y_pred = rank[y_true], rank[y_pred]
        return cls(y_true, y_pred, 0, len(order), labels[order], dtype)

    def is_dense(self):
        """Is a table of all pairs of codes small beside the data?"""
        return self.width * self.width <= SPARE_CELLS + 4 * len(self.y_true)

    def table(self, weight=None):
        """(width, width) counts, or sums of weights, of the pairs of codes."""
        arrays = self.y_true, self.y_pred
        if weight is not None:
            return kernels.count_pairs_weighted(*arrays, weight, self.low, self.width)
        if len(arrays[0]) < PARALLEL_ROWS or self.width**2 > PARALLEL_CELLS:
            return kernels.count_pairs(0, len(arrays[0]), *arrays, self.low, self.width)
        return sum(pool.run(kernels.count_pairs, len(arrays[0]), *arrays, self.low, self.width, cost=PAIR_COST))

    def exact_table(self, weight):
        """(width, width) int64 sums of weights of any integer type; None where one is beyond int64."""
        table = np.zeros(self.width**2, np.int64)
        cells = (self.y_true - self.low) * self.width + (self.y_pred - self.low)
        np.add.at(table, cells, weight.astype(np.int64))  # modulo 2**64, as is the conversion of large uint64
        about = np.bincount(cells, weight.astype(np.float64), self.width**2)
        return None if (np.abs(about - table) > 2.0**62).any() else table.reshape(self.width, self.width)

    def margins(self, weight=None):
        """(3, width) float64: counts, or sums of weights, of each code's correct, true and predicted rows."""
        return kernels.count_margins(self.y_true, self.y_pred, weight, self.low, self.width)

    def label_dtype(self, in_truth):
        """dtype of the labels: the truth's, where they all occur in it (`in_truth`), else the one that holds both."""
        true, predicted = self.dtype
        return true if true == predicted or in_truth else np.result_type(true, predicted)


def equal(y_true, y_pred):
    """(n,) bool: which entries of two vectors of numbers, or of strings, are equal."""
    if y_true.dtype.kind != "O" and y_pred.dtype.kind != "O":
        return y_true == y_pred
    hit = kernels.equal_objects(y_true.astype(object, copy=False), y_pred.astype(object, copy=False))
    return hit if hit is not None else _unread()


def find(labels, present):
    """(index of each label in `present`, is it there at all?): present (K,) ascending, labels of the same kind."""
    labels = np.asarray(labels)
    kinds = STRINGS if present.dtype.kind in STRINGS else NUMBERS
    if labels.ndim != 1 or labels.dtype.char not in kinds:
        raise Unread
    if labels.dtype.kind == "O":
        labels = np.array([label if isinstance(label, str) else _unread() for label in labels.tolist()], dtype=str)
    index = np.minimum(np.searchsorted(present, labels), len(present) - 1)
    return index, present[index] == labels


def _unread():
    raise Unread


def _as_array(y):
    """`y` as a NumPy array; anything that says it is sparse, or that another array library should answer, is Unread."""
    if "sklearn" in sys.modules and sys.modules["sklearn"].get_config()["array_api_dispatch"]:
        raise Unread
    if not (hasattr(y, "__array__") or isinstance(y, (list, tuple))) or "Sparse" in type(y).__name__:
        raise Unread
    if is_lazy(y):
        raise Unread  # and is refused
    try:
        return np.asarray(y)
    except Exception:
        raise Unread from None


def _integers(y):
    """Labels of any number type as contiguous int64."""
    if y.dtype == np.uint64 and y.max() > np.iinfo(np.int64).max:
        raise Unread
    return np.ascontiguousarray(y, np.int64)


def _characters(y):
    """(n, width) uint32 view of an array of fixed-width strings."""
    if y.dtype.itemsize == 0:
        y = y.astype("<U1")
    y = np.ascontiguousarray(y, y.dtype.newbyteorder("="))
    return y.view(np.uint32).reshape(len(y), -1)


def _extent(y_true, y_pred):
    """Smallest and largest value; NumPy's four passes use wider registers, but take longer to start."""
    if len(y_true) < FEW_ROWS:
        return kernels.extent(y_true, y_pred)
    return int(min(y_true.min(), y_pred.min())), int(max(y_true.max(), y_pred.max()))
