"""Naive Bayes over a table in parts: what is counted in each block of rows, joined as fastml_ext/blocks.py says."""

import pickle
from typing import Any

import numpy as np

from fastml_ext import pool
from fastml_ext.blocks import Tree, block_rows

__all__ = ["count_in_blocks", "fit_in_parts", "weights_of_classes"]

EACH = np.empty(0)  # weights of one each
COST = 1.0  # nanoseconds a value, about


def like(model):
    """A model of the same attributes; `copy` would make derived ones again, for each block."""
    other = object.__new__(type(model))
    other.__dict__.update(model.__dict__)
    return other


class Counting:
    """A reduction (see `fastml.scale.Reduction`) whose state is what `_count` makes of rows."""

    def __init__(self, model: Any):
        self.model, self.block = like(model), block_rows(model._entries * len(model.classes_))
        self.model.n_jobs = 1  # blocks are counted side by side

    @property
    def key(self) -> tuple:
        """What the counts depend on, beside the rows: searches count once for all values of the other parameters."""
        left_out = {"n_jobs", *self.model.shared_parameters} - {"priors"}  # which `_count` checks
        settings = self.model.get_params(deep=False)
        return type(self.model), pickle.dumps({name: settings[name] for name in sorted({*settings} - left_out)})

    def __getstate__(self) -> tuple:
        return type(self.model), self.model.__dict__, self.block  # a model half fitted cannot be pickled by itself

    def __setstate__(self, state: tuple) -> None:
        cls, attributes, self.block = state
        self.model = object.__new__(cls)
        self.model.__dict__.update(attributes)

    def partial(self, rows: Any) -> tuple:
        """(weights of the classes, what `_count` makes of the rows); empty of rows without weight."""
        X, y, weight = rows.X, rows.y, EACH if rows.weight is None else rows.weight
        if len(weight) and not weight.all():
            X, y, weight = rows.at(weight > 0)
        return self.counted(self.model._rows_of_block(X), y, weight) if len(X) else ()

    def counted(self, X: Any, codes: np.ndarray, weight: np.ndarray) -> tuple:
        model = like(self.model)
        model._count(X, codes, weight, True)
        total = np.bincount(codes, weight if len(weight) else None, len(model.classes_)).astype(np.float64)
        return total, tuple(getattr(model, name) for name in model._summed)

    def merge(self, first: tuple, second: tuple) -> tuple:
        if not (first and second):
            return first or second
        return first[0] + second[0], self.model._add_counts(first[1], second[1])


def fit_in_parts(model: Any, table: Any, reduce: Any) -> None:
    """Count the rows of a table in one pass."""
    model.classes_ = table.labels.classes
    take_counts(model, reduce(Counting(model)), table.parts.sparse)
    model._estimate()
    model._ready()


def take_counts(model: Any, total: tuple, sparse: bool = False) -> None:
    """Put the counts of all rows in their places; sparse: whether the rows are."""
    if not total:
        raise ValueError("sample_weight is 0 everywhere. Sample weights must contain at least one non-zero number.")
    model.class_count_, counted = total
    if hasattr(type(model), "_column_order"):
        model._column_order = sparse
    if not np.isfinite(model.class_count_.sum()):
        raise ValueError("sample_weight overflows in sums: divide it by its largest value")
    for name, value in zip(model._summed, counted, strict=True):
        setattr(model, name, value)


def count_in_blocks(model: Any, X: Any, codes: np.ndarray, weight: np.ndarray) -> None:
    """Count weighted rows in memory in the blocks of a table in parts, without those that weigh nothing."""
    counting = Counting(model)
    blocks, tree = -(-len(codes) // counting.block), Tree(counting.merge)
    cost = COST * X.shape[1] * counting.block
    for states in pool.run(counted_blocks, blocks, counting, X, codes, weight, cost=cost, n_jobs=model.n_jobs):
        for state in states:
            tree.add(state)
    take_counts(model, tree.total())


def counted_blocks(start: int, stop: int, counting: Counting, X: Any, codes: np.ndarray, weight: np.ndarray) -> list:
    states, size = [], counting.block
    for first in range(start * size, stop * size, size):
        kept = first + np.flatnonzero(weight[first : first + size])
        states.append(counting.counted(counting.model._take(X, kept), codes[kept], weight[kept]) if len(kept) else ())
    return states


def weights_of_classes(codes: np.ndarray, weight: np.ndarray, n_classes: int, block: int) -> np.ndarray:
    """(n_classes,): the rows of each class, or their weights, added in the order of a table in parts."""
    if not len(weight) or len(codes) <= block:
        return np.bincount(codes, weight if len(weight) else None, n_classes).astype(np.float64)
    tree = Tree(np.add)
    for start in range(0, len(codes), block):
        tree.add(np.bincount(codes[start : start + block], weight[start : start + block], n_classes))
    return tree.total()
