"""The rows that a tree is grown from: their targets and weights, in units in which their squares are numbers."""

import numpy as np

from fastml_ext.tree.enums import Criterion, Mode
from fastml_ext.tree.growing.problem import reach
from fastml_ext.tree.growing.settings import CRITERIA

__all__ = ["Sample"]

TINY, HUGE = 2.0**-200, 2.0**200  # weights and targets within these have squares within float64
NOTHING = np.empty(0)


class Sample:
    """The rows whose weight is not 0; growing puts them, and what stands beside them, in the order of the leaves.

    row (m,) uint32: their numbers | label (m,) uint32: classes, ranks of the targets, or the row's number where there
    are several outputs | target, weight (m,) float64, or (0,) in classification and of several outputs, and where every
    weight is 1 | labels, targets (n, n_outputs): of several outputs, or None
    """

    labels = targets = None

    def __init__(self, y, weight, settings):
        self.n_rows, self.n_classes = len(y), settings.n_classes
        self.criterion = CRITERIA[settings.criterion]
        weight, self.weight_unit = (None, 1.0) if weight is None else _in_a_unit(np.asarray(weight, np.float64))
        kept = np.arange(len(y), dtype=np.uint32) if weight is None else np.flatnonzero(weight)
        taken = slice(None) if weight is None else kept
        self.row = kept.astype(np.uint32, copy=False)
        if settings.fractional:
            weight = np.ones(len(kept)) if weight is None else weight[kept]
        elif weight is not None:
            weight = None if np.all(weight[kept] == 1) and self.weight_unit == 1 else weight[kept]
        self.n_outputs = y.shape[1] if y.ndim == 2 else 1
        self.target = NOTHING
        if self.n_outputs > 1:
            self._take_outputs(y)
        elif self.n_classes:
            self.mode = Mode.COUNTS if weight is None else Mode.SUMS
            self.label, self.n_labels = y[taken].astype(np.uint32), self.n_classes
        else:
            self.mode = Mode.DEVIATIONS if self.criterion == Criterion.ABSOLUTE_ERROR else Mode.SUMS
            self.target = y[taken].astype(np.float64)
            self.label = _ranks(self.target) if self.mode == Mode.DEVIATIONS else np.zeros(len(kept), np.uint32)
            self.n_labels = len(kept)
        self.weight = NOTHING if weight is None else weight
        self._take_unit()
        self.total_weight = float(len(kept) if weight is None else self.weight.sum())

    def _take_outputs(self, y):
        """Of several outputs a row's label is its place among all rows, where its classes or targets stand."""
        self.mode, self.label, self.n_labels = Mode.SUMS, self.row.copy(), 0
        if self.n_classes:
            self.labels = np.ascontiguousarray(y, np.uint32)
        else:
            self.targets = np.ascontiguousarray(y, np.float64)
        if self.criterion == Criterion.ABSOLUTE_ERROR:
            self.mode, self.n_labels = Mode.DEVIATIONS, len(y)
            self.labels = np.stack([_ranks(column) for column in y.T], axis=1)

    def _take_unit(self):
        """Targets whose squares would leave float64's range are counted in units of a power of two."""
        self.unit, self.whole = 1.0, False
        if self.n_classes:
            return
        targets = self.target if self.targets is None else self.targets
        largest, whole = reach(targets.reshape(-1))
        if largest > HUGE:
            self.unit = _power_of_two(largest) / HUGE
            self.target = self.target / self.unit
            if self.targets is not None:
                self.targets = targets / self.unit
        self.whole = self.unit == 1 and whole

    @property
    def impurity_unit(self):
        """What an impurity of 1 is in the unit of the targets that were given."""
        return self.unit * self.unit if self.criterion == Criterion.SQUARED_ERROR else self.unit

    def in_units(self, tree):
        """The tree in the units of the weights and targets that were given."""
        if self.weight_unit != 1:
            tree = tree._replace(weighted_n_node_samples=tree.weighted_n_node_samples * self.weight_unit)
        if self.unit != 1:
            with np.errstate(over="ignore"):  # a variance may be more than float64 holds, and then is infinite
                impurity, gain = (x * self.unit for x in (tree.impurity, tree.gain))
                if self.criterion == Criterion.SQUARED_ERROR:
                    impurity, gain = impurity * self.unit, gain * self.unit
            tree = tree._replace(value=tree.value * self.unit, impurity=impurity, gain=gain)
        return tree


def _in_a_unit(weight):
    """(weights, unit): if their squares would leave float64's range, in units of a power of two.

    What is then below the least number beside the largest weight is 0, and not there.
    """
    if TINY < weight.max() and weight.sum() < HUGE:
        return weight, 1.0
    unit = _power_of_two(weight.max())
    return weight / unit, unit


def _power_of_two(x):
    return float(2.0 ** np.floor(np.log2(x)))


def _ranks(y):
    return np.unique(y, return_inverse=True)[1].astype(np.uint32)
