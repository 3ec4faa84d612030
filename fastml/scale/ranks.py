"""Measures of the order of scores: areas under ROC curves, of classes and of pairs of them, and average precision.

Exact: the distinct scores are put in order, the lowest first, in as many passes as the memory asks for.
"""

import math
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np

from fastml.metrics._warn import warn_undefined
from fastml.preprocessing.in_parts import as_keys
from fastml.scale.measures import SCORINGS, Measure

__all__ = ["SCORINGS", "ChanceRanks", "Ranks"]

ENTRY = 8 * 4  # bytes that a number of a distinct score takes while it is sorted among the others
ALONE = "Only one class is present in y_true: the area under the ROC curve is not defined, and NaN"


class Seen(NamedTuple):
    """Scores as `as_keys` orders them, some several times, and what the rows of each class that have them weigh."""

    keys: np.ndarray
    weights: np.ndarray  # (m, n_classes)
    distinct: int  # when they were last put together
    end: Any  # no key beyond it counts; None where all do
    totals: np.ndarray  # (n_classes,): of all rows, whatever their keys


class Ordered:
    """What the keys of one column say, in ascending order, as far as passes have come."""

    def __init__(self, k: int):
        self.start: Any = None  # the last key of the passes before
        self.done = False
        self.below = np.zeros(k)  # weights of the classes so far
        self.pairs = np.zeros((k, k))  # of (lower, higher) by class, ties half
        self.precision = np.zeros(k)  # weights of a class times the precision where it begins
        self.totals: Any = None

    def take(self, seen: Seen) -> None:
        if self.totals is None:
            self.totals = seen.totals
        before = self.below + np.cumsum(seen.weights, axis=0) - seen.weights
        self.pairs += (before + 0.5 * seen.weights).T @ seen.weights
        left = self.totals - before  # rows with such a score or a higher one
        every = left.sum(axis=1)
        share = np.divide(left, every[:, None], out=np.zeros_like(left), where=every[:, None] > 0)
        self.precision += (seen.weights * share).sum(axis=0)
        self.below = self.below + seen.weights.sum(axis=0)
        self.start, self.done = seen.end, seen.end is None


class Ranks(Measure):
    """The order of the scores that a model gives the classes; of two classes the order of those of the second."""

    asks = "scores"

    def __init__(self, n_classes: int = 2, memory: int = 2**28):
        super().__init__(n_classes, memory)
        k = max(2, n_classes)
        self.columns = [1] if n_classes <= 2 else list(range(n_classes))
        self.ordered = {c: Ordered(k) for c in self.columns}
        self.k, self.most = k, max(2**10, memory // (ENTRY * (k + 1) * len(self.columns)))

    def partial(self, found: np.ndarray, y: np.ndarray, weight: Any) -> list[Seen]:
        if np.isnan(found).any():
            raise ValueError("a score is NaN, and has no place in an order")
        weights = np.zeros((len(y), self.k))
        weights[np.arange(len(y)), y] = 1.0 if weight is None else weight
        states = []
        for c, ordered in self.ordered.items():
            if not ordered.done:
                keys = as_keys(found if found.ndim == 1 else np.ascontiguousarray(found[:, c]))
                wanted = slice(None) if ordered.start is None else keys > ordered.start
                states.append(self.together(Seen(keys[wanted], weights[wanted], 0, None, weights.sum(axis=0))))
        return states

    def merge(self, first: list[Seen], second: list[Seen]) -> list[Seen]:
        return [self.merged(a, b) for a, b in zip(first, second, strict=True)]

    def merged(self, first: Seen, second: Seen) -> Seen:
        ends = [seen.end for seen in (first, second) if seen.end is not None]
        keys, weights = (np.concatenate(pair) for pair in zip(first[:2], second[:2], strict=True))
        distinct, totals = max(first.distinct, second.distinct), first.totals + second.totals
        seen = Seen(keys, weights, distinct, min(ends, default=None), totals)
        return self.together(seen) if len(seen.keys) > 2 * max(seen.distinct, 2**14) else seen

    def together(self, seen: Seen) -> Seen:
        keys, places = np.unique(seen.keys, return_inverse=True)
        weights = np.stack([np.bincount(places, each, len(keys)) for each in seen.weights.T], axis=1)
        kept, end = len(keys), seen.end
        if end is not None:
            kept = int(np.searchsorted(keys, end, side="right"))
        if kept > self.most:
            kept, end = self.most, keys[self.most - 1]
        return Seen(keys[:kept], weights[:kept], kept, end, seen.totals)

    def take(self, total: list[Seen]) -> None:
        for ordered, seen in zip([each for each in self.ordered.values() if not each.done], total, strict=True):
            ordered.take(self.together(seen))
        self.total = True  # there were rows
        self.another = not all(each.done for each in self.ordered.values())

    def area(self, c: int, others: list[int]) -> float:
        """The share of the pairs of a row of class c and one of the others in which the former has the higher score."""
        ordered = self.ordered[c]
        below, above = float(ordered.totals[others].sum()), float(ordered.totals[c])
        if not below * above > 0:
            warn_undefined(ALONE)
            return math.nan
        return float(ordered.pairs[others, c].sum()) / (below * above)

    def rest(self, c: int) -> list[int]:
        return [other for other in range(self.k) if other != c]


class ChanceRanks(Ranks):
    """The order of the probabilities."""

    asks = "predict_proba"


def area(ranks: Ranks, classes: np.ndarray) -> float:
    """Of two classes."""
    return ranks.area(1, [0])


def areas(ranks: Ranks, weighted: bool) -> float:
    """The mean of the areas of each class against all others."""
    found = np.array([ranks.area(c, ranks.rest(c)) for c in ranks.columns])
    return float(np.average(found, weights=ranks.ordered[ranks.columns[0]].totals[ranks.columns] if weighted else None))


def pairs_of_classes(ranks: Ranks, weighted: bool) -> float:
    """The mean of the areas of each pair of classes, each by its own scores: Hand and Till, 2001."""
    if ranks.k == 2:
        return ranks.area(1, [0])
    pairs = list(combinations(ranks.columns, 2))
    found = [(ranks.area(a, [b]) + ranks.area(b, [a])) / 2 for a, b in pairs]
    totals = ranks.ordered[0].totals
    return float(np.average(found, weights=[totals[a] + totals[b] for a, b in pairs] if weighted else None))


def mean_precision(ranks: Ranks, classes: np.ndarray) -> float:
    """Average precision, of more than two classes the mean of each against all others."""
    found = []
    for c in ranks.columns:
        total = float(ranks.ordered[c].totals[c])
        found.append(float(ranks.ordered[c].precision[c]) / total if total > 0 else 0.0)
    return float(np.mean(found))


SCORINGS |= {
    "roc_auc": (Ranks, area),
    "average_precision": (Ranks, mean_precision),
    "roc_auc_ovr": (ChanceRanks, lambda ranks, classes: areas(ranks, False)),
    "roc_auc_ovr_weighted": (ChanceRanks, lambda ranks, classes: areas(ranks, True)),
    "roc_auc_ovo": (ChanceRanks, lambda ranks, classes: pairs_of_classes(ranks, False)),
    "roc_auc_ovo_weighted": (ChanceRanks, lambda ranks, classes: pairs_of_classes(ranks, True)),
}
