"""What scores are made of: counts and sums of blocks of rows, and the order of scores by their distinct values."""

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from fastml.metrics import Confusion
from fastml.metrics._warn import warn_undefined
from fastml.preprocessing.in_parts import as_keys

__all__ = ["SCORINGS", "Matrix", "Measure"]

ENTRY = 24 * 4  # bytes that a distinct score takes while it is sorted among the others


def summed(values: np.ndarray, weight: Any) -> float:
    return float(np.sum(values)) if weight is None else float(np.sum(values * weight))


def weighed(n: int, weight: Any) -> float:
    return float(n) if weight is None else float(np.sum(weight))


def added(first: Any, second: Any) -> Any:
    return tuple(a + b for a, b in zip(first, second, strict=True))


class Measure:
    """A reduction of answers, y and weights; see `fastml.scale.Reduction`."""

    asks, takes = "predict", "codes"  # which answers, and what of y: "codes" of the classes, "numbers" or "labels"
    another = False  # whether one more pass is needed

    def __init__(self, n_classes: int = 0, memory: int = 0):
        self.n_classes, self.memory = n_classes, memory

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> Any:
        raise NotImplementedError

    def merge(self, first: Any, second: Any) -> Any:
        return added(first, second)

    def take(self, total: Any) -> None:
        """Keep the state of all rows."""
        self.total = total


class Hits(Measure):
    """Rows whose label is predicted, and rows. A label that is no class is a miss."""

    takes = "labels"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        return summed(found == y, weight), weighed(len(y), weight)


class Matrix(Measure):
    """The confusion matrix."""

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> np.ndarray:
        k = self.n_classes
        return np.bincount(k * y + found, weight, minlength=k * k).reshape(k, k)

    def merge(self, first: np.ndarray, second: np.ndarray) -> np.ndarray:
        return first + second


class LogLoss(Measure):
    """-ln P(true class), squared distances of the probabilities from the truth, and rows."""

    asks = "predict_proba"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        chance = found[np.arange(len(y)), y]
        tiny = np.finfo(chance.dtype).eps
        away = -found.astype(float)
        away[np.arange(len(y)), y] += 1
        losses = -np.log(np.clip(chance.astype(float), tiny, 1 - tiny))
        return summed(losses, weight), summed((away**2).sum(axis=1), weight), weighed(len(y), weight)


class Residuals(Measure):
    """Rows, mean of y, squares about it; squares and absolute values of what the model leaves."""

    takes = "numbers"

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> tuple:
        if found.shape != y.shape:
            raise ValueError(f"the model predicts {found.shape[1:]} numbers a row, and y is one")
        n, off = weighed(len(y), weight), y - found
        mean = summed(y, weight) / n if n > 0 else 0.0
        return n, mean, summed((y - mean) ** 2, weight), summed(off**2, weight), summed(np.abs(off), weight)

    def merge(self, first: tuple, second: tuple) -> tuple:
        n = first[0] + second[0]
        if not n > 0:
            return first
        apart = second[1] - first[1]
        squares = first[2] + second[2] + apart**2 * first[0] * (second[0] / n)
        return n, first[1] + second[0] / n * apart, squares, *added(first[3:], second[3:])


class Seen(NamedTuple):
    """Scores as `as_keys` orders them, and how many rows of each class have them, some several times in the list."""

    keys: np.ndarray
    below: np.ndarray  # weight of the rows of the first class
    above: np.ndarray  # of the second
    distinct: int  # when they were last put together
    end: Any  # no key beyond it counts; None where all do


class Ranks(Measure):
    """The area under the ROC curve of two classes: scores in order, the lowest first, in as many passes as it takes."""

    asks = "scores"

    def __init__(self, n_classes: int = 2, memory: int = 2**28):
        super().__init__(n_classes, memory)
        self.most = max(2**10, memory // ENTRY)
        self.start: Any = None  # the last key of the passes before
        self.sums = np.zeros(3)  # weights of both classes so far, and of the pairs in order, ties half

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> Seen:
        if np.isnan(found).any():
            raise ValueError("a score is NaN, and has no place in an order")
        keys, weight = as_keys(found), np.ones(len(y)) if weight is None else weight
        wanted = slice(None) if self.start is None else keys > self.start
        keys, above, weight = keys[wanted], y[wanted] == 1, weight[wanted]
        return self.together(Seen(keys, np.where(above, 0.0, weight), np.where(above, weight, 0.0), 0, None))

    def merge(self, first: Seen, second: Seen) -> Seen:
        ends = [seen.end for seen in (first, second) if seen.end is not None]
        keys, below, above = (np.concatenate(pair) for pair in zip(first[:3], second[:3], strict=True))
        seen = Seen(keys, below, above, max(first.distinct, second.distinct), min(ends, default=None))
        return self.together(seen) if len(seen.keys) > 2 * max(seen.distinct, 2**14) else seen

    def together(self, seen: Seen) -> Seen:
        keys, places = np.unique(seen.keys, return_inverse=True)
        below, above = (np.bincount(places, each, len(keys)) for each in (seen.below, seen.above))
        kept, end = len(keys), seen.end
        if end is not None:
            kept = int(np.searchsorted(keys, end, side="right"))
        if kept > self.most:
            kept, end = self.most, keys[self.most - 1]
        return Seen(keys[:kept], below[:kept], above[:kept], kept, end)

    def take(self, total: Seen) -> None:
        seen = self.together(total)
        before = self.sums[0] + np.cumsum(seen.below) - seen.below
        pairs = float(np.sum(seen.above * (before + 0.5 * seen.below)))
        self.total = self.sums = self.sums + [seen.below.sum(), seen.above.sum(), pairs]
        self.start, self.another = seen.end, seen.end is not None

    def area(self) -> float:
        below, above, pairs = self.sums.tolist()
        if not below * above > 0:
            warn_undefined("Only one class is present in y_true: the area under the ROC curve is not defined, and NaN")
            return math.nan
        return pairs / (below * above)


def share(total: tuple) -> float:
    return total[0] / total[1] if total[1] > 0 else math.nan


def determination(total: tuple) -> float:
    n, _, spread, left, _ = total
    if n < 2:
        return math.nan
    return 1 - left / spread if spread > 0 else float(left == 0)


def of_matrix(function: Callable) -> tuple:
    return Matrix, lambda measure, classes: float(function(Confusion(measure.total, classes)))


def of_residuals(place: int, root: Callable = float) -> tuple:
    return Residuals, lambda measure, classes: -root(measure.total[place] / measure.total[0])


SCORINGS: dict[str, tuple] = {
    "accuracy": (Hits, lambda measure, classes: share(measure.total)),
    "balanced_accuracy": of_matrix(lambda confusion: confusion.balanced_accuracy),
    "matthews_corrcoef": of_matrix(lambda confusion: confusion.matthews),
    "neg_log_loss": (LogLoss, lambda measure, classes: -measure.total[0] / measure.total[2]),
    "neg_brier_score": (
        LogLoss,
        lambda measure, classes: -measure.total[1] / measure.total[2] * (0.5 if len(classes) == 2 else 1.0),
    ),
    "roc_auc": (Ranks, lambda measure, classes: measure.area()),
    "r2": (Residuals, lambda measure, classes: determination(measure.total)),
    "neg_mean_squared_error": of_residuals(3),
    "neg_root_mean_squared_error": of_residuals(3, math.sqrt),
    "neg_mean_absolute_error": of_residuals(4),
}


def of_average(name: str, average: str) -> tuple:
    return of_matrix(lambda confusion: getattr(confusion, name)(average))


for name in ("f1", "precision", "recall"):
    for average in ("binary", "macro", "micro", "weighted"):
        SCORINGS[name if average == "binary" else f"{name}_{average}"] = of_average(name, average)
